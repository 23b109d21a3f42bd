"""Of ``docs/results/index.md``."""

from collections.abc import Iterator

from result_pages import data, planner, presets, readme, table2


def widths() -> Iterator[str]:
    cost, tests = data.networks(readme.WIDTHS), data.tests(readme.WIDTHS)
    names = ("LUnet 32", "LUnet 16")
    assert all(abs(tests[name].difference) < 0.01 for name in names)
    fewer = [f"{cost['U-Net 32'].parameters / cost[name].parameters:.0f}" for name in names]
    yield f"flat 32 and 16 have the U-Net's Dice within a point with {data.listed(fewer)} times fewer parameters"


def paper() -> Iterator[str]:
    yield (
        f"at about {round(table2.times_the_multiply_adds(), -1):.0f} times the multiply-adds, though only "
        "one of four differences"
    )


def statistics_of_pruning() -> Iterator[str]:
    ratios = [
        ratio for each in data.read("pruning/cost.json")["seconds"].values() for ratio in each["median_ratio"].values()
    ]
    yield f"{data.span([100 * (ratio - 1) for ratio in ratios], 0)} % of a step"


def plans() -> Iterator[str]:
    yield f"Up to {planner.largest_gain(8):.0f} times the voxels a batch with width 8"


def profiled() -> Iterator[str]:
    yield f"From {data.span(presets.times_the_unets_step(), 1)} times the U-Net's step"


TABLES: list = []
SENTENCES = [widths, paper, statistics_of_pruning, plans, profiled]
SETTINGS = ["nnU-Net's 1000 epochs"]
