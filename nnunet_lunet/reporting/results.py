"""Reads what nnU-Net wrote. No other module of the reports opens a file of nnU-Net's."""

import json
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import mean, median

from nnunet_lunet.trainers import checkpointing

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class TrainedFold:
    """What one finished training left in its fold's folder.

    :param parameters: trainable numbers, layers that the state dict names twice counted once
    :param seconds_per_iteration: median epoch time over the epoch's training iterations; the epoch's validation
        iterations are in it
    """

    trainer: str
    parameters: int
    seconds_per_iteration: float


def trained_fold(folder: Path, iterations_per_epoch: int) -> TrainedFold:
    """:raises UserError: no readable ``checkpoint_final.pth`` in the fold's folder"""
    checkpoint = checkpointing.read(folder / "checkpoint_final.pth")
    log = checkpoint["logging"]
    epochs = zip(log["epoch_start_timestamps"], log["epoch_end_timestamps"], strict=True)
    tensors = {
        tensor.data_ptr(): tensor.numel()
        for key, tensor in checkpoint["network_weights"].items()
        if not key.endswith(_STATISTICS)
    }
    return TrainedFold(
        trainer=checkpoint["trainer_name"],
        parameters=sum(tensors.values()),
        seconds_per_iteration=median(end - start for start, end in epochs) / iterations_per_epoch,
    )


@dataclass(frozen=True)
class Evaluation:
    """``summary.json`` of ``nnUNetv2_evaluate_folder``: Dice by label value, as mean and for each case."""

    mean_dice: dict[int, float]
    foreground_dice: float
    dice_per_case: dict[str, dict[int, float]]


def evaluation(summary: Path) -> Evaluation:
    """:param summary: a ``summary.json`` of label-based (not region-based) evaluation"""
    content = json.loads(summary.read_text())
    return Evaluation(
        mean_dice={int(label): metrics["Dice"] for label, metrics in content["mean"].items()},
        foreground_dice=content["foreground_mean"]["Dice"],
        dice_per_case={
            Path(case["prediction_file"]).name: {int(label): m["Dice"] for label, m in case["metrics"].items()}
            for case in content["metric_per_case"]
        },
    )


def label_names(dataset_json: Path) -> dict[int, str]:
    """Names of the foreground labels by value, from a raw data set's ``dataset.json``."""
    labels = json.loads(dataset_json.read_text())["labels"]
    return {int(value): name for name, value in labels.items() if int(value) != 0}


#: Of nnU-Net's checkpoints, the order in which ``--c`` looks for one to continue from.
CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_latest.pth", "checkpoint_best.pth")


def training_state(fold: Path) -> str:
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
