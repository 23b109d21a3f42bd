"""Sums up finished folds of nnU-Net as JSON: one entry a folder, sorted by trainer and fold.

python -m benchmarks.collect $nnUNet_results/Dataset004_Hippocampus/*/fold_* > benchmarks/data/recipe/hippocampus.json
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from nnunet_lunet.host import checkpoints, results


def summary(fold: Path) -> dict[str, object]:
    """Validation Dice of one fold: mean over cases for each label, and of the cases' foreground means."""
    evaluation = results.evaluation(fold / "validation" / "summary.json")
    cases = [statistics.fmean(dice.values()) for dice in evaluation.dice_per_case.values()]
    log = checkpoints.read(fold / "checkpoint_final.pth")["logging"]
    return {
        "trainer": fold.parent.name.partition("__")[0],
        "configuration": fold.parent.name.rpartition("__")[2],
        "fold": fold.name.removeprefix("fold_"),
        "parameters": results.trained_fold(fold, 1).network.parameters,
        "epochs": len(log["train_losses"]),
        "validation_cases": len(cases),
        "foreground_dice": round(evaluation.foreground_dice, 4),
        "dice_by_label": {str(label): round(dice, 4) for label, dice in evaluation.mean_dice.items()},
        "standard_deviation_over_cases": round(statistics.stdev(cases), 4),
    }


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folds", nargs="+", type=Path, metavar="FOLD", help="those without a validation are left out")
    folds: list[Path] = parser.parse_args(argv).folds
    rows = [summary(fold) for fold in folds if (fold / "validation" / "summary.json").exists()]
    print(json.dumps(sorted(rows, key=lambda row: (str(row["trainer"]), str(row["fold"]))), indent=1))


if __name__ == "__main__":
    main()
