"""The main table of a study, as Markdown: Dice of each seed, and how each network compares with the first.

python -m benchmarks.study_table benchmarks/data/table2/comparison.json.gz > table.md
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

from benchmarks import packed
from nnunet_lunet.compare.record import FOREGROUND, Comparison, Model


def dice_by_seed(comparison: Comparison, model: str) -> list[float]:
    """Foreground Dice of each seed of a model: mean over its cases."""
    seeds: dict[int | None, list[float]] = {}
    for score in comparison.scores:
        if (score.model, score.label) == (model, FOREGROUND) and score.dice is not None:
            seeds.setdefault(score.seed, []).append(score.dice)
    return [fmean(dice) for _, dice in sorted(seeds.items(), key=lambda item: item[0] or 0)]


def row(comparison: Comparison, model: Model) -> str:
    """One network, as a line of the table; differences in points of 0.01."""
    dice = dice_by_seed(comparison, model.name)
    spread = f" ± {stdev(dice):.3f}" if len(dice) > 1 else ""
    cells = ["–", "–"]
    for test in comparison.tests:
        if (test.model, test.metric, test.label) == (model.name, "dice", FOREGROUND):
            interval = f"{100 * test.low:+.1f} to {100 * test.high:+.1f}"
            cells = [f"{100 * test.difference:+.1f} ({interval})", "yes" if test.non_inferior else "not shown"]
    size = [_number(model.cost.parameters, ","), _number(model.cost.multiply_adds, ".3g", 1e9)]
    by_seed = ", ".join(f"{value:.3f}" for value in dice)
    return " | ".join([model.name, *size, by_seed, f"{fmean(dice):.3f}{spread}", *cells])


def _number(value: float | None, form: str, unit: float | None = None) -> str:
    return "–" if value is None else format(value / unit if unit else value, form)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", type=Path, help="comparison.json or comparison.json.gz")
    comparison = packed.read(parser.parse_args(argv).comparison)
    print("| network | parameters | G multiply-adds | Dice by seed | mean | minus the first (95 % CI) | non-inferior |")
    print("|---|---:|---:|---|---:|---:|---|")
    for model in comparison.models:
        print(f"| {row(comparison, model)} |")


if __name__ == "__main__":
    main()
