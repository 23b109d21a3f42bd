"""Reads what trainings and evaluations left: finished folds, their learning, Dice."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any

from nnunetv2.utilities.file_path_utilities import convert_identifier_to_trainer_plans_config
from nnunetv2.utilities.label_handling.label_handling import LabelManager

from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints, folders, training_state

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class TrainedFold:
    """What one training left in its fold's folder.

    :param network: its trainable numbers, layers that the state dict names twice counted once; weights tell no more
    :param seconds_per_iteration: median epoch time over the epoch's training iterations; the epoch's validation
        iterations are in it
    :param seconds: that the epochs took up to the end of each, without what lies between them (a stop, a checkpoint)
    :param peak_memory: bytes, of the training process (CPU) or torch's allocator (CUDA); nnU-Net's own trainers do not
        tell it
    :param device: that it was trained on, such as cuda or cpu; None where the checkpoint does not tell
    :param pseudo_dice: nnU-Net's exponential moving average after each epoch; None where no label was in its patches
    """

    trainer: str
    network: NetworkCost
    seconds_per_iteration: float
    seconds: list[float]
    pseudo_dice: list[float | None]
    peak_memory: int | None
    device: str | None = None


def trained_fold(folder: Path, iterations_per_epoch: int, checkpoint_name: str = checkpoints.FINAL) -> TrainedFold:
    """
    :param checkpoint_name: of the file in ``folder``; of one that was written on the way, the epochs up to it
    :raises UserError: no such checkpoint that can be read, or none of its epochs came to an end
    """
    checkpoint = checkpoints.read(folder / checkpoint_name)
    log = checkpoint["logging"]
    # A checkpoint on the way may have been written before the end of its epoch was logged.
    epochs = zip(log["epoch_start_timestamps"], log["epoch_end_timestamps"], strict=False)
    durations = [end - start for start, end in epochs]
    if not durations:
        raise UserError(f"checkpoint {folder / checkpoint_name} was written before the end of its first epoch")
    tensors = {
        tensor.data_ptr(): tensor.numel()
        for key, tensor in checkpoint["network_weights"].items()
        if not key.endswith(_STATISTICS)
    }
    device = checkpoint.get("init_args", {}).get("device")
    return TrainedFold(
        trainer=checkpoint["trainer_name"],
        network=NetworkCost(parameters=sum(tensors.values())),
        seconds_per_iteration=median(durations) / iterations_per_epoch,
        seconds=list(accumulate(durations)),
        pseudo_dice=[float(dice) if isfinite(dice) else None for dice in log["ema_fg_dice"][: len(durations)]],
        peak_memory=checkpoints.own_state(checkpoint).get("peak_memory"),
        device=None if device is None else str(device).partition(":")[0],
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


@dataclass(frozen=True)
class Labels:
    """Labels of a data set, by nnU-Net's rules.

    :param foreground: what is evaluated, by name: one value, or all values of a region
    :param drawn: the value that stands for a name in a label map; where regions overlap, the last one written
    :param allowed: all values that a prediction can have
    :param ignore: the value of voxels of a reference that nothing is said about
    """

    foreground: dict[str, int | tuple[int, ...]]
    drawn: dict[int, str]
    allowed: frozenset[int]
    ignore: int | None


def labels(description: Mapping[str, Any]) -> Labels:
    """:param description: content of a ``dataset.json``
    :raises UserError: labels that nnU-Net does not take
    """
    try:
        manager = LabelManager(description["labels"], description.get("regions_class_order"))
        evaluated = manager.foreground_regions if manager.has_regions else manager.foreground_labels
        names = {
            tuple(value) if isinstance(value, list) and manager.has_regions else _single(value): name
            for name, value in description["labels"].items()
            if name != "ignore"
        }
        foreground = {names[value]: value for value in evaluated}
        drawn = description["regions_class_order"] if manager.has_regions else evaluated
        return Labels(
            foreground=foreground,
            drawn={int(value): name for value, name in zip(drawn, foreground, strict=True)},
            allowed=frozenset(map(int, manager.all_labels)),
            ignore=manager.ignore_label,
        )
    except (KeyError, TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise UserError(f"labels of dataset.json: {type(error).__name__}: {error}") from error


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def label_names(dataset_json: Path) -> dict[int, str]:
    """Names of the foreground labels by value, from a raw data set's ``dataset.json``."""
    return labels(json.loads(dataset_json.read_text())).drawn


@dataclass(frozen=True)
class Fold:
    """A fold's folder in ``nnUNet_results``.

    :param fold: ``0``, …, ``all``
    """

    trainer: str
    plans: str
    configuration: str
    fold: str
    folder: Path

    @cached_property
    def is_validated(self) -> bool:
        """Whether nnU-Net finished the validation and its result can be read."""
        return training_state.is_evaluated(self.folder / "validation")


def folds(dataset: str) -> list[Fold]:
    """All folds of all models of a data set, validated or not, by name.

    :param dataset: e.g. ``Dataset004_Hippocampus``
    :raises UserError: nnUNet_results is not set
    """
    found = []
    for folder in sorted((folders.results_folder() / dataset).glob("*__*__*/fold_*")):
        fold = fold_at(folder)
        if fold is not None and folder.is_dir():
            found.append(fold)
    return found


def fold_at(folder: Path) -> Fold | None:
    """What the path of a fold's folder says, whether it is there or not; None for a path of another form."""
    parts = convert_identifier_to_trainer_plans_config(str(folder.parent))
    if len(parts) != 3 or not folder.name.startswith("fold_"):
        return None
    trainer, plans, configuration = parts
    return Fold(trainer, plans, configuration, folder.name.removeprefix("fold_"), folder)


def label_maps(folder: Path, ending: str) -> dict[str, Path]:
    """Label maps of a folder by the name of their case.

    :param ending: of the file names, e.g. ``.nii.gz``
    :raises UserError: no such folder, or not readable
    """
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror}") from error
    return {file.name[: -len(ending)]: file for file in files if file.name.endswith(ending) and file.is_file()}
