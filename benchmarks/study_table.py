"""The main table of a study, as Markdown: Dice of each seed, and how each network compares with the first.

python -m benchmarks.study_table benchmarks/data/table2/comparison.json.gz > table.md
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

from benchmarks import packed
from nnunet_lunet import numbers
from nnunet_lunet.compare import words
from nnunet_lunet.compare.record import FOREGROUND, Comparison, Model


def dice_by_seed(comparison: Comparison, model: str) -> list[float]:
    """Foreground Dice of each seed of a model: mean over its cases."""
    seeds: dict[int | None, list[float]] = {}
    for score in comparison.scores:
        dice = score.values["dice"]
        if (score.model, score.label) == (model, FOREGROUND) and dice is not None:
            seeds.setdefault(score.seed, []).append(dice)
    return [fmean(dice) for _, dice in sorted(seeds.items(), key=lambda item: item[0] or 0)]


def row(comparison: Comparison, model: Model) -> str:
    """One network, as a line of the table; differences in points of 0.01."""
    dice = dice_by_seed(comparison, model.name)
    spread = f" ± {numbers.fixed(stdev(dice), 3)}" if len(dice) > 1 else ""
    cells = [numbers.MISSING] * 2
    for test in comparison.tests:
        if test.is_primary and test.model == model.name:
            cells = [f"{words.mean_difference(test)} ({words.interval(test)})", words.short_verdict(test)]
    multiply_adds = model.cost.network.multiply_adds
    giga = numbers.significant(None if multiply_adds is None else multiply_adds / 1e9)
    by_seed = ", ".join(numbers.fixed(value, 3) for value in dice)
    mean = numbers.fixed(fmean(dice), 3) + spread
    return " | ".join([model.name, numbers.whole(model.cost.network.parameters), giga, by_seed, mean, *cells])


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", type=Path, help="comparison.json or comparison.json.gz")
    comparison = packed.read(parser.parse_args(argv).comparison)
    print("| network | parameters | G multiply-adds | Dice by seed | mean | minus the first (95 % CI) | verdict |")
    print("|---|---:|---:|---|---:|---:|---|")
    for model in comparison.models:
        print(f"| {row(comparison, model)} |")


if __name__ == "__main__":
    main()
