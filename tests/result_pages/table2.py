"""Of ``docs/results/table2.md``."""

from collections.abc import Iterator
from itertools import groupby
from statistics import fmean

from nnunet_lunet.compare import words
from nnunet_lunet.numbers import p_value, significant
from result_pages import data
from result_pages.markdown import row

STUDY, PAIRS = "table2/comparison.json.gz", "table2/pairs"
STRATEGIES = {
    "_stamp_": "STAMP", "_randomAtStamp_": "random at STAMP's layer",
    "_randomAtLargest_": "random at the largest layer",
}  # fmt: skip
#: Tests of table 2's trainings by file, the first as the baseline.
MODELS = {
    "flat2": ["U-Net 2", "LUnet 12 (as U-Net 2)"],
    "flat1": ["U-Net 1", "LUnet 6 (as U-Net 1)"],
    "noskip2": ["U-Net 2 without skips", "LUnet 13 without skips"],
    "noskip1": ["U-Net 1 without skips", "LUnet 6 without skips"],
    "skips": ["LUnet 12 (as U-Net 2)", "LUnet 13 without skips"],
    "prune": ["STAMP", "random at STAMP's layer", "random at the largest layer"],
}
FLAT = ("flat2", "flat1", "noskip2", "noskip1")


def pair(name: str) -> dict[str, str]:
    """The test of a file that has one."""
    [test] = data.pair(f"{PAIRS}/{name}.csv").values()
    return test


def removals() -> dict[str, list[dict]]:
    """Pruned trainings by strategy, in the order of seeds."""
    runs = data.read("table2/levels.jsonl")
    return {name: [run for run in runs if part in run["trainer"]] for part, name in STRATEGIES.items()}


def networks() -> Iterator[str]:
    yield from data.study(STUDY)


def levels() -> Iterator[str]:
    for name, runs in removals().items():
        same = [[*group] for _, group in groupby(runs, key=lambda run: run["after"])]
        for index, group in enumerate(same):
            before, after, taken = (", ".join(map(str, group[0][key])) for key in ("before", "after", "taken"))
            seeds = ", ".join(run["trainer"][-1] for run in group)
            yield row(*((name, seeds, before) if index == 0 else ("", seeds, "")), after, taken)


def strategies() -> Iterator[str]:
    dice = data.dice(STUDY)
    for name, test in data.pair(f"{PAIRS}/prune.csv").items():
        yield row(name, *data.pair_cells(test), ", ".join(data.by_seed(dice[name], dice["STAMP"])))


def flat_against_doubling() -> Iterator[str]:
    dice, cost = data.dice(STUDY), data.networks(STUDY)
    for name in FLAT:
        doubling, flat = MODELS[name]
        skips = "without skips" if "without skips" in flat else "with skips"
        difference, *_ = data.pair_cells(pair(name))
        yield row(
            f"{cost[doubling].parameters / 1000:.0f} k, {skips}",
            *(f"{data.mean(dice[model])} ({' '.join(model.split()[:2])})" for model in (doubling, flat)),
            f"[{difference}](../../benchmarks/data/{PAIRS}/{name}.csv)",
            ", ".join(data.by_seed(dice[flat], dice[doubling])),
            f"{cost[flat].multiply_adds / cost[doubling].multiply_adds:.0f}×",
        )


def trainings() -> Iterator[str]:
    compared, tests = data.comparison(STUDY), data.tests(STUDY)
    assert {tuple(seed for _, seed in model.runs) for model in compared.models} == {(0, 1, 2)}
    yield f"three trainings (seeds 0, 1, 2) of each of the {len(compared.models)} networks"
    yield f'mean of both labels, {tests["STAMP"].cases} cases. "±"'
    yield f"at a margin of 1 point, corrected for {len(tests)} comparisons"
    decided = [name for name, test in tests.items() if test.verdict.value != "inconclusive"]
    assert decided == ["LUnet 1", "LUnet 13 without skips"]
    yield f"Of {len(tests)} comparisons with U-Net 4 two are decided: LUnet 1"


def machines() -> Iterator[str]:
    """Which seed was trained where."""
    gpu = {
        model.name: [seed for _, seed in model.runs] for model in data.comparison("table2/parts/1_gpu.json.gz").models
    }
    assert {*gpu} == {*data.networks(STUDY)} and all(seeds[0] == 0 for seeds in gpu.values())
    twice = [name.partition(" (")[0] for name, seeds in gpu.items() if seeds == [0, 1] and name != "U-Net 4"]
    kinds = {
        kind: sorted(int(name.split()[1]) for name in twice if name.startswith(kind)) for kind in ("U-Net", "LUnet")
    }
    assert gpu["U-Net 4"] == [0, 1] and not any("skips" in name for name in twice)
    doubling, flat = (", ".join(map(str, each)) for each in ([*kinds["U-Net"], 4], kinds["LUnet"]))
    yield f"| seed 0 of all; seed 1 of U-Net {doubling}, LUnet {flat} with skips |"
    yield f"for seed 1 of the {data.networks(STUDY)['U-Net 1'].parameters / 1000:.0f} k pair"


def sizes_of_pruned() -> Iterator[str]:
    first, *_ = removals()["STAMP"]
    yield f"half of U-Net 4's {sum(first['before'])} prunable channels"
    sizes = [[run["parameters"][1] for run in runs] for runs in removals().values()]
    stamp, random = (f"{min(each):,} to {max(each):,}" for each in sizes[:2])
    yield f"as the seeds differ ({stamp}, and {random})"


def widest_levels() -> Iterator[str]:
    runs = removals()["STAMP"]
    first = runs[0]
    taken = [sum(run["taken"][-2:]) for run in runs]
    shares = [f"{100 * each / sum(first['taken']):.0f}" for each in taken]
    held, channels = sum(first["before"][-2:]), sum(first["before"])
    assert all(run["taken"][0] == 0 for run in runs)
    yield (
        f"of the {sum(first['taken'])} channels that it took, {data.listed(taken)} "
        f"({data.listed(shares)} %) came from the "
        f"two widest levels, which held {held} of {channels} ({100 * held / channels:.0f} %)"
    )


def a_random_channel() -> Iterator[str]:
    dice, cost, tests = data.dice(STUDY), data.networks(STUDY), data.tests(STUDY)
    test = data.pair(f"{PAIRS}/prune.csv")["random at the largest layer"]
    shares = {part: float(test[f"variance_{part}"]) for part in ("cases", "seeds", "rest")}
    half_width = words.half_width(float(test["half_width_twice_seeds"]), "dice")
    yield (
        f"seeds of STAMP itself lie {data.unsigned(max(dice['STAMP']) - min(dice['STAMP']))} points apart: "
        f"{100 * shares['seeds'] / sum(shares.values()):.0f} % of the second difference's variance is of seeds, "
        f"and twice as many would still leave {half_width} points"
    )
    lost = [-100 * tests[name].difference for name in STRATEGIES.values()]
    assert {round(cost["U-Net 4"].parameters / cost[name].parameters) for name in STRATEGIES.values()} == {4}
    yield (
        f"with a quarter of its parameters, they lose {data.span(lost, 1)} points; STAMP by seed "
        f"{data.listed(data.by_seed(dice['STAMP'], dice['U-Net 4']))}"
    )


def doubling_scatters() -> Iterator[str]:
    dice = data.dice(STUDY)
    shown = {name: float(pair(name)["p"]) for name in FLAT if float(pair(name)["p"]) < 0.05}
    assert [*shown] == ["noskip2"]
    size = data.networks(STUDY)["U-Net 2 without skips"].parameters / 1000
    yield f"({size:.0f} k, without skips; p = {p_value(shown['noskip2'])}, not corrected for four)"
    yield f"at about {round(times_the_multiply_adds(), -1):.0f} times the multiply-adds"
    for name in FLAT:
        doubling, flat = MODELS[name]
        assert all(more > less for more, less in zip(dice[flat], dice[doubling], strict=True))
    background = [value < 0.001 for name in ("U-Net 1", "U-Net 1 without skips") for value in dice[name]]
    yield f"predicted background only in {data.NUMBERS[sum(background)]} of {data.NUMBERS[len(background)]} trainings"
    background = [value < 0.001 for value in dice["U-Net 2 without skips"]]
    yield f"U-Net 2 without skips in {data.NUMBERS[sum(background)]} of {data.NUMBERS[len(background)]}."


def times_the_multiply_adds() -> float:
    """Those of flat networks to those of doubling ones of about as many parameters, mean of the four pairs."""
    cost = data.networks(STUDY)
    return fmean(
        cost[flat].multiply_adds / cost[doubling].multiply_adds for doubling, flat in (MODELS[name] for name in FLAT)
    )


def equal_multiply_adds() -> Iterator[str]:
    dice, cost = data.dice(STUDY), data.networks(STUDY)
    shown, behind, fewer = [], [], []
    for doubling, flat in (("U-Net 3", "LUnet 4"), ("U-Net 4", "LUnet 6 (as U-Net 1)")):
        shown.append("; ".join(
            f"{name.partition(' (')[0]} with {significant(cost[name].multiply_adds / 1e9)} G, {data.mean(dice[name])}"
            for name in (doubling, flat)
        ))  # fmt: skip
        behind.append(data.unsigned(fmean(dice[flat]) - fmean(dice[doubling])))
        fewer.append(f"{cost[doubling].parameters / cost[flat].parameters:.0f}")
    yield (
        f"by {behind[0]} points of the nearest pair ({shown[0]}), by {behind[1]} of the next ({shown[1]}), "
        f"with {data.listed(fewer)} times fewer parameters"
    )


def without_skips() -> Iterator[str]:
    lost = pair("skips")
    low, high = (data.points(float(lost[key])) for key in ("low", "high"))
    yield (
        f"flat 13 lies {data.unsigned(float(lost['difference']))} points below LUnet 12 with the same "
        f"parameters ([{low} to {high}])"
    )
    ahead = [float(pair(name)["difference"]) for name in ("flat2", "noskip2")]
    yield f"flat is ahead by {data.unsigned(ahead[0])} points with skips and by {100 * ahead[1]:.0f} without"
    yield "one channel in place of 64 costs {} points with skips, {} without".format(*one_channel_in_place_of_64())


def one_channel_in_place_of_64() -> list[str]:
    """Points that a bottleneck of one channel costs, with skips and without."""
    pairs = (f"pruning_study/pairs/bottleneck_{kind}.csv" for kind in ("skips", "noskip"))
    return [data.unsigned(float(test["difference"])) for pair in pairs for test in data.pair(pair).values()]


def what_else() -> Iterator[str]:
    cost, tests, dice = data.networks(STUDY), data.tests(STUDY), data.dice(STUDY)
    unet, flat8, flat4 = (cost[name] for name in ("U-Net 4", "LUnet 8", "LUnet 4"))
    first, second, third = (tests[name] for name in ("LUnet 8", "LUnet 12 (as U-Net 2)", "LUnet 4"))
    yield (
        f"LUnet 8, with {data.PARTS[round(unet.parameters / flat8.parameters)]} of U-Net 4's parameters and "
        f"{flat8.multiply_adds / unet.multiply_adds:.1f} times the multiply-adds, and LUnet 12 have its mean Dice "
        f"({words.mean_difference(first)} and {words.mean_difference(second)} points), but that they "
        "are not worse by a point is "
        f"not shown ({words.interval(first)} and {words.interval(second)})"
    )
    yield (
        f"LUnet 4, with {data.PARTS[round(unet.parameters / flat4.parameters)]} of the parameters and "
        f"{flat4.multiply_adds / unet.multiply_adds:.1f} times the multiply-adds, is "
        f"{data.unsigned(third.difference)} points below "
        f"({words.interval(third)}; p = {p_value(third.p)}, {third.p_holm:.2f} corrected)"
    )
    assert max(dice["LUnet 1"]) < 0.001
    yield f"LUnet 2 depends on its seed ({data.span(dice['LUnet 2'], 3)})"
    shares = sorted(float(words.sources(test)[1].removesuffix(" %")) for test in tests.values())
    most = [share for share in shares if share >= 60]
    assert len(most) > 0.8 * len(shares)
    yield f"60 to {max(most):.0f} % of the variance of most differences are of seeds"


TABLES = [networks, levels, strategies, flat_against_doubling]
SENTENCES = [
    trainings, machines, sizes_of_pruned, widest_levels, a_random_channel, doubling_scatters, equal_multiply_adds,
    without_skips, what_else,
]  # fmt: skip
SETTINGS = [
    "(200 of its 260 training cases)", "fold 0: 160 cases for training, 40 for validation",
    "50 epochs of 30 iterations, **1500 training steps of batch 2** (nnU-Net's own default is 250,000",
    "NVIDIA H100 80GB, 16 cores, torch", "(nnU-Net's autocast) | 18 |", "seed 2 of all", "single | 2, one thread",
    "AdamW (1e-2", "paper's 0.005", "points of 0.01, with", "only after 1500 steps", "what 1500 steps teach",
    "nnU-Net's 1000 epochs",
]  # fmt: skip
