"""Of ``docs/results/pruning_study.md``."""

from collections.abc import Callable, Iterator
from statistics import fmean

from result_pages import data, pruning
from result_pages.markdown import row

FOLDER = "pruning_study"
ALL = [
    "STAMP",
    "STAMP with targeted dropout",
    "random at STAMP's layer",
    "random at the largest layer",
    "no information",
]
#: Tests by file: study and models, the first as the baseline.
MODELS = {
    "strategies": ("paper", ALL),
    "importances": ("importances", ["l2", "taylor", "fisher", "no information"]),
    "noise": ("importances", ["no information", "taylor", "fisher"]),
    "bottleneck_skips": ("bottleneck", ["bottleneck 64", "bottleneck 1"]),
    "bottleneck_noskip": ("bottleneck", ["bottleneck 64 without skips", "bottleneck 1 without skips"]),
}
#: Part of a trainer's name, for the strategy's row.
STRATEGIES = {
    "UNetTrainer": "U-Net 4", "_stamp_keep": "STAMP", "_drop_": "STAMP with targeted dropout",
    "_randomAtStamp_": "random at STAMP's layer", "_randomAtLargest_": "random at the largest layer",
    "_none_": "no information",
}  # fmt: skip
#: Part of a run's name, by heading of the table of correlations.
BLOCKS = {
    "nnU-Net's block (U-Net 8)": "UNetTrainer_w8_", "the paper's block (U-Net 4)": "UNetTrainer_noDS_",
    "flat residual encoder (8)": "LUnetTrainer_w8_",
}  # fmt: skip


def file(study: str) -> str:
    return f"{FOLDER}/{study}.json.gz"


def strategy(trainer: str) -> str:
    return next(name for part, name in STRATEGIES.items() if part in trainer)


def paper() -> Iterator[str]:
    yield from data.study(file("paper"))


def half() -> Iterator[str]:
    yield from data.study(file("half"))


def importances() -> Iterator[str]:
    yield from data.study(file("importances"))


def bottleneck() -> Iterator[str]:
    yield from data.study(file("bottleneck"))


def pairs(*names: str) -> Iterator[str]:
    for name in names:
        for model, test in data.pair(f"{FOLDER}/pairs/{name}.csv").items():
            yield row(model, *data.pair_cells(test))


def against_stamp() -> Iterator[str]:
    yield from pairs("strategies")


def against_l2() -> Iterator[str]:
    yield from pairs("importances")


def against_noise() -> Iterator[str]:
    yield from pairs("noise")


def against_64_channels() -> Iterator[str]:
    yield from pairs("bottleneck_skips", "bottleneck_noskip")


def halves() -> list[dict]:
    """Trainings to half of the channels, in the page's order."""
    order = [*STRATEGIES.values()]
    runs = data.read(f"{FOLDER}/levels.jsonl")
    return sorted(runs, key=lambda run: (order.index(strategy(run["trainer"])), run["trainer"][-1]))


def levels() -> Iterator[str]:
    for run in halves():
        left, taken = (", ".join(map(str, run[key])) for key in ("after", "taken"))
        share = 100 * sum(run["taken"][-2:]) / sum(run["taken"])
        yield row(strategy(run["trainer"]), run["trainer"][-1], left, taken, f"{share:.0f} %")


def cost() -> Iterator[str]:
    yield from _cost("half_cost.csv", strategy)


def wide_cost() -> Iterator[str]:
    yield from _cost("wide_cost.csv", wide_name)


def wide_name(trainer: str) -> str:
    return next((f"`{name}`" for name in ("l2", "fisherMemory") if f"_{name}_" in trainer), "U-Net 32")


def wide_levels() -> Iterator[str]:
    for run in data.read(f"{FOLDER}/wide_levels.jsonl"):
        left = ", ".join(map(str, run["after"]))
        yield row(wide_name(run["trainer"]), left, f"{100 * run['taken'][0] / run['before'][0]:.0f} %")


def what_wide_networks_lose() -> Iterator[str]:
    l2, memory = data.rows_of(f"{FOLDER}/wide_cost.csv")[1:]
    time, adds, kept, peak = (
        [f"{float(each[f'{key}_ratio']):.2f}" for each in (memory, l2)]
        for key in ("seconds_per_training_step", "multiply_adds", "activation_bytes", "peak_training_bytes")
    )
    yield (
        f"**`fisherMemory` saves what it is for**: {time[0]} of the time a step ({time[1]} by `l2`), {adds[0]} of the "
        f"multiply-adds ({adds[1]}), {kept[0]} of the activations ({kept[1]})"
    )
    assert float(peak[0]) > 1 > float(peak[1])
    yield f"but a process took {peak[0]} of the memory"
    [before] = {tuple(run["before"]) for run in data.read(f"{FOLDER}/wide_levels.jsonl")}
    yield f"full resolution first, of {data.listed(before)}"


def _cost(name: str, named: Callable[[str], str]) -> Iterator[str]:
    step = "seconds_per_training_step"
    for each in data.rows_of(f"{FOLDER}/{name}"):
        ratios = {key: f"{float(value):.2f}" for key, value in each.items() if key.endswith("_ratio")}
        times = [1000 * float(each[f"{step}{end}"]) for end in ("", "_low_quartile", "_high_quartile")]
        yield row(
            named(each["trainer"]), f"{int(each['parameters']):,}",
            *(ratios[f"{key}_ratio"] for key in ("parameters", "multiply_adds", "activation_bytes")),
            "{:.0f} ({:.0f}–{:.0f})".format(*times), ratios[f"{step}_ratio"], ratios["peak_training_bytes_ratio"],
        )  # fmt: skip


def correlation(importance: str, block: str) -> list[float]:
    """Mean over the seeds: among all channels without and with division by layer, and within layers."""
    found = [
        each["spearman"][importance]
        for each in data.read(f"{FOLDER}/correlation.jsonl")
        if each["trained"].startswith(BLOCKS[block])
    ]
    assert len(found) == 3
    return [fmean(each[kind] for each in found) for kind in ("raw", "by_layer", "within_layers")]


def correlations() -> Iterator[str]:
    for importance in ("l2", "l1", "taylor", "fisher", "none"):
        yield row(
            f"`{importance}`", *(" / ".join(f"{rho:.2f}" for rho in correlation(importance, block)) for block in BLOCKS)
        )


def quarter_of_paper() -> Iterator[str]:
    sizes, tests, dice = data.networks(file("paper")), data.tests(file("paper")), data.dice(file("paper"))
    first, *others = sizes.values()
    assert round(fmean(first.parameters / each.parameters for each in others)) == 14
    adds = [each.multiply_adds / first.multiply_adds for each in others]
    yield f"Parameters fall to a fourteenth, multiply-adds to {data.span(adds, 1)}"
    wide = sorted(100 * (test.high - test.low) / 2 for test in tests.values())[1:]
    yield f"most intervals are ±{wide[0]:.0f} to ±{wide[-1]:.0f} points wide"
    for name in set(dice) - {"U-Net 4", "random at the largest layer"}:
        assert all(more > less for more, less in zip(dice["random at the largest layer"], dice[name], strict=True))
    worse = [stamp < noise for stamp, noise in zip(dice["STAMP"], dice["no information"], strict=True)]
    yield f"STAMP did worse than no information with {data.NUMBERS[sum(worse)]} seeds of {data.NUMBERS[len(worse)]}"
    assert all(more > less for more, less in zip(dice["STAMP"], dice["STAMP with targeted dropout"], strict=True))
    lost = -100 * tests["random at the largest layer"].difference
    yield f"did best each time, {data.NUMBERS[round(lost)]} points below the unpruned network"
    random = data.span(dice["random at STAMP's layer"], 3)
    yield f"a random channel at STAMP's layers depends on the seed ({random})"


def removals_at_a_time() -> Iterator[str]:
    shown = []
    for study, first in (("paper", "U-Net 4"), ("importances", "U-Net 8")):
        channels = sum(data.networks(file(study))[first].channels_per_level)
        [run] = [each for each in data.comparison(file(study)).learning if (each.model, each.seed) == (first, 0)]
        counts = {*pruning.planned(channels, keep=25, epochs=len(run.seconds))}
        shown.append(" or ".join(map(str, sorted(counts))))
    yield f"removals of {shown[0]} and of {shown[1]} channels"


def beside_half() -> Iterator[str]:
    runs = {each["trainer"]: each["foreground_dice"] for each in data.read(f"{FOLDER}/half_others.json")}
    [unpruned] = [f"{dice:.3f}" for trainer, dice in runs.items() if trainer.startswith("UNetTrainer")]
    yield f"whose U-Net 4 of seed 0 has {unpruned}"


def what_a_half_leaves() -> Iterator[str]:
    before = halves()[0]["before"]
    yield f"full resolution first, of {data.listed(before)}"
    yield f"These levels hold {100 * sum(before[-2:]) / sum(before):.0f} % of the channels"
    _, *pruned = data.rows_of(f"{FOLDER}/half_cost.csv")
    assert {round(1 / float(each["parameters_ratio"])) for each in pruned} == {4}
    times, memory = (
        data.span([float(each[f"{key}_ratio"]) for each in pruned], 2)
        for key in ("seconds_per_training_step", "peak_training_bytes")
    )
    yield f"**A quarter of the parameters is {times} of a step's time** and {memory} of its memory"
    dice = {name: fmean(seeds) for name, seeds in data.dice(file("half")).items()}
    assert sorted(dice, key=lambda name: dice[name])[:2] == ["STAMP with targeted dropout", "STAMP"]
    yield "The means of STAMP with and without targeted dropout are the lowest again"
    assert max(dice, key=lambda name: dice[name]) == "random at the largest layer"
    dropped = data.dice(file("half"))["STAMP with targeted dropout"]
    yield f"with targeted dropout the seeds end at {data.span(dropped, 3)}"


def fisher_memory() -> Iterator[str]:
    cost = data.networks(file("importances"))

    def shown(name: str) -> tuple[str, str]:
        return f"{cost[name].multiply_adds / 1e6:.0f} M", f"{cost[name].activation_bytes / 1e6:.1f} MB"

    (adds, memory), (fisher_adds, fisher_memory) = map(shown, ("fisherMemory", "fisher"))
    yield (
        f"reaches {adds} multiply-adds and {memory} of activations a patch (`fisher`: {fisher_adds} and {fisher_memory}"
    )
    dice = data.dice(file("importances"))["fisherMemory"]
    yield (
        f"that {data.NUMBERS[sum(each < 0.001 for each in dice)]} of {data.NUMBERS[len(dice)]} runs ended "
        "with background only"
    )
    better = {
        name for name, test in data.pair(f"{FOLDER}/pairs/importances.csv").items() if test["verdict"] == "superior"
    }
    assert better == {"taylor", "fisher", "no information"}
    yield "**`fisher`, `taylor` and even noise are better than `l2`**"


def bottlenecks_width() -> Iterator[str]:
    dice = data.dice(file("bottleneck"))
    skips, without = (
        fmean(dice[f"bottleneck 1{end}"]) - fmean(dice[f"bottleneck 64{end}"]) for end in ("", " without skips")
    )
    yield (
        f"one channel in place of 64 costs {data.unsigned(skips)} points with skips and "
        f"{data.unsigned(without)} without. "
        "**Neither difference is shown**"
    )
    narrow, wide = (dice[f"bottleneck {width} without skips"] for width in (1, 64))
    lost = [of_wide - of_narrow for of_narrow, of_wide in zip(narrow, wide, strict=True)]
    worst, *others = sorted(lost, reverse=True)
    yield (
        f"({narrow[lost.index(worst)]:.3f}; the other two lose "
        f"{data.listed([f'{100 * each:.0f}' for each in sorted(others)])} points)"
    )
    worth = [
        100 * (more - less)
        for width in ("1", "64")
        for more, less in zip(dice[f"bottleneck {width}"], dice[f"bottleneck {width} without skips"], strict=True)
    ]
    yield f"what skips themselves are worth: {data.span(worth, 0)} points"


def within_layers() -> Iterator[str]:
    plain, paper, residual = BLOCKS
    l2 = [f"{correlation('l2', block)[2]:.2f}".replace("-", "−") for block in (plain, paper)]
    yield f"in plain networks ({data.listed(l2)}); `taylor`"
    known = [correlation(importance, block)[2] for importance in ("taylor", "fisher") for block in (plain, paper)]
    more = {f"{correlation(importance, residual)[2]:.2f}" for importance in ("taylor", "fisher")}
    yield f"know something ({data.span(known, 2)}), and more in the residual encoder ({data.listed([*more])})"
    [noise] = {f"{correlation('none', block)[1]:.2f}" for block in (plain, paper)}
    yield f"with noise, reaches {noise} in networks that double"


TABLES = [
    paper, against_stamp, half, levels, cost, importances, against_l2, against_noise, wide_cost, wide_levels,
    bottleneck, against_64_channels, correlations,
]  # fmt: skip
SENTENCES = [
    removals_at_a_time, quarter_of_paper, beside_half, what_a_half_leaves, fisher_memory, what_wide_networks_lose,
    bottlenecks_width, within_layers,
]  # fmt: skip
SETTINGS = [
    "(800 and 500 steps of batch 2)", "(200 of its 260 training cases)", "fold 0, 40 validation cases",
    "one thread, 9 rounds", "doubling from 8, to a quarter", "8 channels at every level and 1 or 64 at the lowest",
    "500 steps, three seeds", "minus 64 channels", "Bottleneck 1 minus bottleneck 64", "residual encoder (8)",
    "The plans' U-Net from 32, half of its channels", "100 steps, one seed", "one thread, 5 rounds",
    "no multiple of 16",
]  # fmt: skip
