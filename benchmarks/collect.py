"""Sums up finished folds of nnU-Net as JSON: one entry a folder, sorted by trainer and fold.

python docs/results/collect.py $nnUNet_results/Dataset004_Hippocampus/*/fold_* > docs/results/hippocampus.json
"""

import json
import statistics
import sys
from pathlib import Path

from nnunet_lunet.host import results
from nnunet_lunet.trainers import checkpointing


def summary(fold: Path) -> dict[str, object]:
    """Validation Dice of one fold: mean over cases for each label, and of the cases' foreground means."""
    evaluation = results.evaluation(fold / "validation" / "summary.json")
    cases = [statistics.fmean(dice.values()) for dice in evaluation.dice_per_case.values()]
    log = checkpointing.read(fold / "checkpoint_final.pth")["logging"]
    return {
        "trainer": fold.parent.name.partition("__")[0],
        "configuration": fold.parent.name.rpartition("__")[2],
        "fold": fold.name.removeprefix("fold_"),
        "parameters": results.trained_fold(fold, 1).parameters,
        "epochs": len(log["train_losses"]),
        "validation_cases": len(cases),
        "foreground_dice": round(evaluation.foreground_dice, 4),
        "dice_by_label": {str(label): round(dice, 4) for label, dice in evaluation.mean_dice.items()},
        "standard_deviation_over_cases": round(statistics.stdev(cases), 4),
    }


if __name__ == "__main__":
    finished = [Path(argument) for argument in sys.argv[1:] if Path(argument, "validation", "summary.json").exists()]
    print(json.dumps(sorted(map(summary, finished), key=lambda row: (row["trainer"], row["fold"])), indent=1))
