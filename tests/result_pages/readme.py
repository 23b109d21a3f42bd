"""Of ``README.md``."""

from collections.abc import Iterator

from nnunet_lunet.compare import words
from nnunet_lunet.compare.record import Verdict
from result_pages import data, planner, step_time
from result_pages.markdown import row

WIDTHS, TABLE_2 = "widths/comparison.json.gz", "table2/comparison.json.gz"


def networks() -> Iterator[str]:
    seconds = {
        name: each["median_seconds"] for name, each in data.read("step_time/keep_memory.json")["networks"].items()
    }
    cost, dice = data.networks(WIDTHS), data.dice(WIDTHS)
    first, *_ = models = data.comparison(WIDTHS).models
    for model in models:
        name = model.name.replace("LUnet", "flat")
        fewer = cost[first.name].parameters / cost[model.name].parameters
        yield row(
            f"{name} (`{model.trainer.removesuffix('_50epochs_30iters')}`)", f"{cost[model.name].parameters:,}",
            f"{fewer:.0f}×", f"{seconds[first.name] / seconds[name]:.1f}×", data.mean(dice[model.name]),
        )  # fmt: skip


def parameters() -> Iterator[str]:
    lean, stock = (planner.of("Large", width)["parameters"] for width in (32, None))
    yield f"{lean:,} parameters instead of {stock:,}"


def dice() -> Iterator[str]:
    tests = [data.tests(WIDTHS)[name] for name in ("LUnet 32", "LUnet 16")]
    yield f"mean foreground Dice of {tests[0].cases} real validation cases"
    first, second = (f"{words.mean_difference(test)} ({words.interval(test)})" for test in tests)
    yield f"Widths 32 and 16 differ from the U-Net by {first} and {second} points over cases and seeds"
    alone = data.all_are(Verdict.NON_INFERIOR, [test.verdict_alone for test in tests])
    data.all_are(Verdict.INCONCLUSIVE, [test.verdict for test in data.tests(WIDTHS).values()])
    count = data.NUMBERS[len(data.tests(WIDTHS))]
    yield f"each alone is {alone} by a margin of 1 point, corrected for {count} comparisons none is shown to be"


def seconds_a_step() -> Iterator[str]:
    ratios = [f"{ratio:.1f}×" for ratio in step_time.less_time("default")[1:]]
    yield f"without these variables it is {data.listed(ratios)} of a slower U-Net"


def front() -> Iterator[str]:
    """Networks of which none that is smaller has as much Dice."""
    sizes = {name: cost.parameters for name, cost in data.networks(TABLE_2).items()}
    dice = {name: sum(seeds) for name, seeds in data.dice(TABLE_2).items()}
    best = [name for name in sizes if all(dice[other] < dice[name] for other in sizes if sizes[other] < sizes[name])]
    assert all(name.startswith("LUnet") for name in best if sizes[name] < 80_000)
    yield "Below 80,000 parameters flat networks hold the front"


def on_a_gpu() -> Iterator[str]:
    by_width = {}
    for width, trainer in {32: "LUnetTrainer", 16: "LUnetTrainer_w16"}.items():
        by_width[width] = [data.span(ratios, 2) for ratios in step_time.ratios_on_a_gpu(trainer)]
    yield f"the flat 32 network takes {by_width[32][0]} of the U-Net's time"
    yield f"width 16 {by_width[16][0]} (medians of the rounds' ratios;"
    yield f"the medians' ratios are {by_width[32][1]} and {by_width[16][1]})"
    yield f"and {step_time.memory_on_a_gpu('LUnetTrainer_w16')} of the memory"


TABLES = [networks]
SENTENCES = [parameters, dice, seconds_a_step, front, on_a_gpu]
SETTINGS = [
    "Dice, 3 seeds, 1500 steps |", "AdamW, 1500 steps, not nnU-Net's 250,000", "Hippocampus, 1500 steps each",
    "nnU-Net's 1000 epochs", "(nnunetv2 >= 2.8, < 3)", "Nature Methods 2021", "Apache-2.0",
]  # fmt: skip
