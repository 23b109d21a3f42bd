"""The main table of a study, as Markdown: Dice of each seed, and how each network compares with the first.

python docs/results/study_table.py docs/results/table2/comparison.json.gz > table.md
"""

import gzip
import json
import sys
from pathlib import Path
from statistics import fmean, stdev


def dice_by_seed(comparison: dict, model: str) -> list[float]:
    """Foreground Dice of each seed of a model: mean over its cases and labels."""
    seeds: dict[int, list[float]] = {}
    for score in comparison["scores"]:
        if score["model"] == model:
            seeds.setdefault(score["seed"], []).append(score["dice"])
    return [fmean(dice) for _, dice in sorted(seeds.items())]


def row(comparison: dict, model: dict) -> str:
    """One network, as a line of the table; differences in points of 0.01."""
    name, cost = model["name"], model["cost"]
    dice = dice_by_seed(comparison, name)
    spread = f" ± {stdev(dice):.3f}" if len(dice) > 1 else ""
    tests = [each for each in comparison["tests"] if (each["model"], each["metric"]) == (name, "dice")]
    cells = ["–", "–"]
    for test in tests:
        if test["label"] == "foreground":
            interval = f"{100 * test['low']:+.1f} to {100 * test['high']:+.1f}"
            cells = [f"{100 * test['difference']:+.1f} ({interval})", "yes" if test["non_inferior"] else "not shown"]
    size = [f"{cost['parameters']:,}", f"{cost['multiply_adds'] / 1e9:.3g}"]
    return " | ".join([name, *size, ", ".join(f"{value:.3f}" for value in dice), f"{fmean(dice):.3f}{spread}", *cells])


if __name__ == "__main__":
    file = Path(sys.argv[1])
    found = json.loads(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_text())
    print("| network | parameters | G multiply-adds | Dice by seed | mean | minus the first (95 % CI) | non-inferior |")
    print("|---|---:|---:|---|---:|---:|---|")
    for each in found["models"]:
        print(f"| {row(found, each)} |")
