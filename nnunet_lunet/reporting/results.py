"""Reads what nnU-Net wrote. No module of the reports but this and ``training_state`` opens a file of nnU-Net's."""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import median

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
