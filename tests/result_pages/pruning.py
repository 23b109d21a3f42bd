"""Of ``docs/results/pruning.md``."""

from collections.abc import Iterator
from itertools import pairwise

from nnunet_lunet.pruning import schedule
from result_pages import data, step_time
from result_pages.markdown import row

STRATEGIES = ("stamp", "randomAtStamp", "randomAtLargest")
COST, COMPILE = "pruning/cost.json", "pruning/compile.json"


def history(run: str) -> list[dict]:
    """Epochs of a training."""
    return data.read(f"pruning/history_{run}.json")["epochs"]


def channels(epoch: dict) -> str:
    return ", ".join(map(str, epoch["channels_per_level"]))


def taken(run: str) -> list[int]:
    """Channels that each level lost."""
    first, *_, last = (epoch["channels_per_level"] for epoch in history(run))
    return [before - after for before, after in zip(first, last, strict=True)]


def at_a_time(run: str) -> list[int]:
    """How many channels left at each removal."""
    counts = [sum(epoch["channels_per_level"]) for epoch in history(run)]
    return [before - after for before, after in pairwise(counts) if before != after]


def planned(channels: int, keep: int, epochs: int) -> list[int]:
    """How many channels leave at each removal."""
    return [*schedule.plan(channels, 1, keep, epochs).channels_per_step.values()]


def strategies() -> Iterator[str]:
    before = history("w4_stamp")[0]
    yield row("before", f"{before['parameters']:,}", f"{before['multiply_adds'] / 1e6:.0f}", channels(before), "", "")
    for strategy in STRATEGIES:
        last = history(f"w4_{strategy}")[-1]
        yield row(
            f"`{strategy}`", f"{last['parameters']:,}", f"{last['multiply_adds'] / 1e6:.0f}", channels(last),
            ", ".join(map(str, taken(f"w4_{strategy}"))), f"{last['pseudo_dice']:.3f}",
        )  # fmt: skip


def too_fast() -> Iterator[str]:
    half, quarter = history("keep50"), history("keep25")
    for epoch in (0, 1, 2, 3, 4, 5, -1):
        runs = (f"{each[epoch]['parameters']:,} | {each[epoch]['pseudo_dice']:.3f}" for each in (half, quarter))
        yield row("last" if epoch < 0 else epoch, *runs)


def continued() -> dict[tuple[str, str, str, int], list[list[float]]]:
    """Dice before, after 20 and after 100 steps of each run, by model, heads, learning rate and warm-up."""
    runs: dict = {}
    for each in sorted(data.read("pruning/fine_tuning.jsonl"), key=lambda each: each["trainer"]):
        recipe = each["fine_tuning"] or {"share": 1, "warm_up_steps": 0}
        rate = f"{0.01 * recipe['share']:.0e}".replace("e-0", "e-")
        optimizer = "SGD" if "_sgd" in each["trainer"] else "AdamW"
        heads = "new" if each["fine_tuning"] is None else "kept"
        runs.setdefault((each["weights"], heads, f"{optimizer} {rate}", recipe["warm_up_steps"]), []).append(
            each["dice"]
        )
    return runs


def going_on() -> Iterator[str]:
    for key in sorted(continued(), key=lambda key: (key[0] != "w8_sgd.pth", key[1] != "new", *key[2].split(), -key[3])):
        weights, heads, rate, warm_up = key
        scores = (", ".join(f"{dice[at]:.3f}" for dice in continued()[key]) for at in range(3))
        yield row(f"`{weights}`", heads, rate, warm_up or "none", *scores)


def shrinking() -> dict[str, dict]:
    return {each["trainer"]: each for each in data.read("pruning/shrinking.json")}


def group_sparsity() -> Iterator[str]:
    for trainer, each in shrinking().items():
        dice = f"{each['foreground_dice']:.3f} ± {each['standard_deviation_over_cases']:.3f}"
        yield row(f"`{trainer}`", f"{each['parameters']:,}", dice)


def cost() -> Iterator[str]:
    measured = data.read(COST)
    for kind, key, of in (("time", "median_ratio", "seconds"), ("memory", "ratio", "memory")):
        for network in ("U-Net 32", "flat 16"):
            yield row(f"{kind}, {network}", *(f"{ratio:.3f}" for ratio in measured[of][network][key].values()))


def few_at_a_time() -> Iterator[str]:
    first = history("w4_stamp")[0]
    before, gone = first["channels_per_level"], taken("w4_stamp")
    assert before[-2] == before[-1] and {*at_a_time("w4_stamp")} == {2, 3}
    yield f"({first['parameters']:,} parameters, {sum(before)} prunable channels)"
    yield (
        f"STAMP took {sum(gone[-2:])} of its {sum(gone)} channels from the two widest levels "
        f"({before[-1]} channels each of "
        f"{sum(before)})"
    )
    removals = [epoch["epoch"] for epoch in history("w4_stamp") if epoch["removed"]]
    yield f"after each of epochs {removals[0]} to {removals[-1]}"


def no_order() -> Iterator[str]:
    runs = [[epoch["pseudo_dice"] for epoch in history(f"w4_{strategy}")] for strategy in STRATEGIES]
    moves = [100 * (max(dice[-10:]) - min(dice[-10:])) for dice in runs]
    last = [100 * dice[-1] for dice in runs]
    assert min(moves) > max(last) - min(last)
    low, high = (data.NUMBERS[round(end)] for end in (min(moves), max(moves)))
    yield f"within the last ten epochs of a run it moves by {low} to {high} points, more than the rows differ"


def many_at_a_time() -> Iterator[str]:
    first = history("keep50")[0]
    yield f"from 8 ({first['parameters']:,} parameters, {sum(first['channels_per_level'])} prunable channels)"
    half, quarter = (sorted({*at_a_time(f"keep{keep}")}) for keep in (50, 25))
    [low, high], [each] = half, quarter
    yield f"take out {low} or {high} and {each} channels at a time"
    yield f"| epoch | `keep50`, {low} or {high} channels a step | | `keep25`, {each} channels a step | |"
    ends = [history(f"keep{keep}")[-1]["pseudo_dice"] for keep in (50, 25)]
    yield f"(pseudo Dice {data.listed([f'{dice:.3f}' for dice in ends])})"
    yield f"went from {channels(first)} to {channels(history('keep50')[-1])}."


def continued_models() -> Iterator[str]:
    runs = continued()
    [size] = {each["parameters"] for trainer, each in shrinking().items() if trainer.startswith("UNetTrainer")}
    yield f"Two models of {size:,} parameters"
    new = [dice for key, of_key in runs.items() if key[1] == "new" for dice in of_key]
    model = {key[0]: of_key[0][0] for key, of_key in runs.items() if key[1] == "kept"}
    lost = [
        [100 * (model[key[0]] - dice[at]) for key, of_key in runs.items() if key[1] == "new" for dice in of_key]
        for at in (0, 2)
    ]
    yield (
        f"new heads alone cost {data.span(lost[0], 0)} points, and after 100 steps "
        f"{data.span(lost[1], 1)} points are still "
        f"missing ({data.NUMBERS[len(new)]} runs)"
    )

    def lost_in_20(rate: str, warm_up: int) -> list[float]:
        keys = [key for key in runs if key[1:] == ("kept", rate, warm_up)]
        return [100 * (dice[0] - dice[1]) for key in keys for dice in runs[key]]

    yield f"AdamW at 1e-2 still loses {data.span(lost_in_20('AdamW 1e-2', 0), 0)} points in 20 steps"
    [warmed_up], [sgd] = lost_in_20("AdamW 1e-2", 50), lost_in_20("SGD 1e-2", 0)
    yield f"a warm-up of 50 steps leaves {data.NUMBERS[round(warmed_up)]} (one run)"
    yield f"SGD at 1e-2 loses {data.NUMBERS[round(sgd)]}."
    slow = [dice for key, of_key in runs.items() if key[1:3] == ("kept", "AdamW 1e-3") for dice in of_key]
    assert max(abs(dice[0] - later) for dice in slow for later in dice[1:]) < 0.01
    yield "AdamW at 1e-3 stays within a point"


def shrunk() -> Iterator[str]:
    runs = shrinking()
    model = runs["UNetTrainer_w8_sgd_15epochs_20iters_seed0"]
    yield f"the model itself has {model['foreground_dice']:.3f}"
    trainer = "LUnetPruningTrainer_w8_taylor_keep25_finetune{}_25epochs_20iters_seed0"
    plain, sparse = (runs[trainer.format(sparse)] for sparse in ("", "_sparse"))
    [fewer] = {round(model["parameters"] / each["parameters"]) for each in (plain, sparse)}
    lost = (data.unsigned(each["foreground_dice"] - model["foreground_dice"]) for each in (plain, sparse))
    yield f"With `taylor` and 500 steps, {fewer} times fewer parameters"
    yield "cost {} points without and {} with the regulariser".format(*lost)
    background = [each["foreground_dice"] for trainer, each in runs.items() if "_10iters_" in trainer]
    assert background == [0, 0]
    yield "both end with a network that predicts background only: "
    counts = sorted({*planned(sum(history("keep25")[0]["channels_per_level"]), keep=25, epochs=25)})
    yield "{} or {} channels left at a time".format(*counts)


def statistics_cost() -> Iterator[str]:
    measured = data.read(COST)
    more = [100 * (ratio - 1) for each in measured["seconds"].values() for ratio in each["median_ratio"].values()]
    yield f"The median step costs {data.span(more, 0)} % more"
    memory = [ratio for each in measured["memory"].values() for ratio in each["ratio"].values()]
    yield f"from {min(memory):.2f} to {max(memory):.2f}"
    removal = measured["removal"]
    yield f"U-Net of {removal['parameters']:,} parameters takes {data.span(removal['seconds_a_removal'], 1)} s"


def compiling() -> Iterator[str]:
    measured = data.read(COMPILE)["compile"]
    first, second = (
        [measured[name][step] for name in ("flat 8", "U-Net 32")] for step in ("first_step", "second_step")
    )
    yield "takes {:.0f} s for flat 8 and {:.0f} s for U-Net 32".format(*first)
    yield "the second takes {:.1f} and {:.1f} s".format(*second)
    stock = step_time.networks("h100_large")[0]["channels_per_level"]
    removals = len(planned(sum(stock), keep=50, epochs=1000))
    hours = [removals * seconds / 3600 for seconds in first]
    yield (
        f"After each of the {removals} removals of a default run of 1000 epochs that would be "
        f"{data.span(hours, 0)} hours"
    )


TABLES = [strategies, too_fast, going_on, group_sparsity, cost]
SENTENCES = [few_at_a_time, no_order, many_at_a_time, continued_models, shrunk, statistics_cost, compiling]
SETTINGS = [
    "statistics of version 0.1", "a test compares the logits, at 1e-4", "since at 1e-2 it did", "stays within 5 %",
    "(200 of its 260 training cases)", "doubles from 4 (", "600 training steps", "from 8 (", "60 further steps",
    "1000 epochs of 250 iterations", "all 40 validation cases are predicted", "(patch 40×56×40, batch 2)",
    "after 20, and after 100", "seeds 1 and 2", "250 steps an epoch", "`l2` and 250 steps", "10 steps apart",
    "random numbers, batch 2", "median of 7 rounds", "| 20 steps | 100 steps |", "1e-2 with warm-up",
]  # fmt: skip
