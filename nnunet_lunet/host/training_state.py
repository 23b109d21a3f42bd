"""Reads how far nnU-Net is: trainings, their logs while they run, preprocessing. No torch."""

import json
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import mean

#: Of nnU-Net's checkpoints, the order in which ``--c`` looks for one to continue from.
CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_latest.pth", "checkpoint_best.pth")


def reached(fold: Path) -> str:
    """How far the training of a fold's folder is: ``new``, ``begun``, ``trained`` or ``validated``.

    Whatever is cut off counts as not there.
    """
    final, *others = [is_whole(fold / name) for name in CHECKPOINTS]
    if final:
        return "validated" if is_evaluated(fold / "validation") else "trained"
    return "begun" if any(others) else "new"


def is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint is there and was written to its end."""
    return zipfile.is_zipfile(checkpoint)


def is_evaluated(folder: Path) -> bool:
    """Whether nnU-Net evaluated the predictions of a folder to the end."""
    try:
        return "foreground_mean" in json.loads((folder / "summary.json").read_text())
    except (OSError, ValueError):
        return False


@dataclass(frozen=True)
class TrainingLog:
    """What the last log of a fold's folder tells while training goes on.

    :param epoch: that was begun last, counted from 0; None before the first
    :param seconds_per_epoch: mean of this log's epochs; None before the end of its first
    :param seconds_after: from the end of the last epoch to the log's last line: once finished, that is the validation
    """

    epoch: int | None
    seconds_per_epoch: float | None
    seconds_after: float


def training_log(fold: Path) -> TrainingLog | None:
    """The last training's log, or None if none was begun."""
    logs = sorted(fold.glob("training_log_*.txt"), key=lambda log: log.stat().st_mtime)
    if not logs:
        return None
    text = logs[-1].read_text(encoding="utf-8", errors="replace")
    begun = re.findall(r"^\S+ \S+: Epoch (\d+)\s*$", text, flags=re.MULTILINE)
    epochs = re.findall(r"^(\S+ \S+): Epoch time: ([\d.]+) s", text, flags=re.MULTILINE)
    lines = re.findall(r"^(\d{4}-\S+ \S+): ", text, flags=re.MULTILINE)
    since = (datetime.fromisoformat(lines[-1]) - datetime.fromisoformat(epochs[-1][0])).total_seconds() if epochs else 0
    return TrainingLog(
        epoch=int(begun[-1]) if begun else None,
        seconds_per_epoch=mean(float(seconds) for _, seconds in epochs) if epochs else None,
        seconds_after=since,
    )


def missing_cases(dataset: Path, identifier: str) -> bool:
    """Whether preprocessing of a configuration has still to run, or did not come to its end.

    :param dataset: its folder in ``nnUNet_preprocessed``
    :param identifier: ``data_identifier`` of the configuration
    """
    description = json.loads((dataset / "dataset.json").read_text())
    return len(list((dataset / identifier).glob("*.pkl"))) < int(description["numTraining"])
