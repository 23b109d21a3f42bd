"""From which levels pruning took channels: one line of JSON a fold, full resolution first.

python -m benchmarks.levels $nnUNet_results/Dataset004_Hippocampus/LUnetPruningTrainer*/fold_0 > levels.jsonl
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path


def levels(fold: Path) -> dict[str, object]:
    """Channels by level before the first and after the last removal, and their difference."""
    epochs = json.loads((fold / "pruning_history.json").read_text())["epochs"]
    before, after = epochs[0]["channels_per_level"], epochs[-1]["channels_per_level"]
    lost = [first - last for first, last in zip(before, after, strict=True)]
    return {
        "trainer": fold.parent.name.partition("__")[0],
        "before": before,
        "after": after,
        "taken": lost,
        "parameters": [epochs[0]["parameters"], epochs[-1]["parameters"]],
    }


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folds", nargs="+", type=Path, metavar="FOLD", help="with a pruning_history.json")
    for fold in parser.parse_args(argv).folds:
        print(json.dumps(levels(fold)))


if __name__ == "__main__":
    main()
