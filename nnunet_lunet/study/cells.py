"""One training of a study: how far it is by the files that nnU-Net wrote, and the stock commands that are left."""

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nnunetv2.paths import nnUNet_raw
from nnunetv2.utilities.file_path_utilities import get_output_folder

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import training_state
from nnunet_lunet.study.matrix import Cell
from nnunet_lunet.study.request import Predict
from nnunet_lunet.trainers import names

#: How far a cell is, in this order; ``trained``: nnU-Net's own validation is missing.
STATES = ("new", "begun", "trained", "validated", "predicted", "done")
_OPTIONS: Mapping[str, list[str]] = {"new": [], "begun": ["--c"], "trained": ["--val"]}
_STOCK_EPOCHS = 1000


@dataclass(frozen=True)
class Plan:
    """What is asked of every cell.

    :param output: the study's folder
    :param device: as nnU-Net's ``-device``
    """

    output: Path
    device: str
    predict: Predict | None = None

    def log(self, cell: Cell) -> Path:
        return self.output / "logs" / cell.dataset / f"{cell.name}.log"

    def predictions(self, cell: Cell) -> Path:
        return self.output / "predictions" / cell.dataset / cell.name

    def inside_raw(self, dataset: str, folder: str) -> Path:
        """Absolute folders are themselves."""
        return Path(nnUNet_raw) / dataset / folder

    def check_folders(self, datasets: Iterable[str]) -> None:
        """:raises UserError: a folder to predict or to evaluate against is not there"""
        for dataset in datasets if self.predict is not None else ():
            for key, folder in self.predict or ():
                if folder is not None and not self.inside_raw(dataset, folder).is_dir():
                    raise UserError(f"predict.{key}: there is no folder {self.inside_raw(dataset, folder)}")


def fold_folder(cell: Cell) -> Path:
    """Where nnU-Net trains a cell."""
    return Path(get_output_folder(cell.dataset, cell.trainer, cell.plans, cell.configuration)) / f"fold_{cell.fold}"


def state(cell: Cell, plan: Plan) -> str:
    """One of :data:`STATES`, from the files alone."""
    reached = training_state.reached(fold_folder(cell))
    if reached != "validated" or plan.predict is None:
        return "done" if reached == "validated" else reached
    predictions = plan.predictions(cell)
    if not predictions.is_dir():
        return "validated"
    return "done" if plan.predict.labels is None or training_state.is_evaluated(predictions) else "predicted"


def commands(cell: Cell, plan: Plan, reached: str) -> list[list[str]]:
    """The stock commands that take a cell from ``reached`` to ``done``.

    Predictions are made beside their folder, which so is there whole or not at all.
    """
    left = []
    if reached in _OPTIONS:
        left.append([
            "nnUNetv2_train", cell.dataset, cell.configuration, str(cell.fold), "-tr", cell.trainer,
            "-p", cell.plans, "-device", plan.device, *_OPTIONS[reached],
        ])  # fmt: skip
    if plan.predict is None:
        return left
    folder = plan.predictions(cell)
    if reached in (*_OPTIONS, "validated"):
        left.append([
            "nnUNetv2_predict", "-d", cell.dataset, "-i", str(plan.inside_raw(cell.dataset, plan.predict.images)),
            "-o", str(_unfinished(folder)), "-tr", cell.trainer, "-p", cell.plans, "-c", cell.configuration,
            "-f", str(cell.fold), "-device", plan.device,
        ])  # fmt: skip
    if plan.predict.labels is not None and reached != "done":
        left.append([
            "nnUNetv2_evaluate_folder", str(plan.inside_raw(cell.dataset, plan.predict.labels)), str(folder),
            "-djfile", str(folder / "dataset.json"), "-pfile", str(folder / "plans.json"),
        ])  # fmt: skip
    return left


def before(command: list[str], cell: Cell, plan: Plan) -> list[str]:
    """Make way for a command of :func:`commands`; returns what there is to say about it in the log."""
    said = []
    if command[0] == "nnUNetv2_train":
        # Written by nnU-Net's own trainers when they were killed; --c would stumble over them.
        for name in training_state.CHECKPOINTS:
            checkpoint = fold_folder(cell) / name
            if checkpoint.exists() and not training_state.is_whole(checkpoint):
                aside = checkpoint.replace(checkpoint.with_name(f"{name}.cut_off"))
                said.append(f"{checkpoint} is cut off; it is {aside.name} now")
    if command[0] == "nnUNetv2_predict":
        shutil.rmtree(_unfinished(plan.predictions(cell)), ignore_errors=True)
    return said


def after(command: list[str], cell: Cell, plan: Plan) -> None:
    """What makes a command's result final.

    :raises UserError: the command succeeded by its exit status, but its result is not there
    """
    if command[0] == "nnUNetv2_predict":
        folder = plan.predictions(cell)
        _unfinished(folder).replace(folder)
    if command[0] == "nnUNetv2_train" and (reached := training_state.reached(fold_folder(cell))) != "validated":
        raise UserError(f"{fold_folder(cell)} is {reached} after training: see {plan.log(cell)}")


def epochs(cell: Cell) -> int:
    """How many epochs a training has by its name; nnU-Net's 1000 where that does not say."""
    try:
        return names.parse(cell.trainer).epochs or _STOCK_EPOCHS
    except names.TrainerNameError:
        named = re.search(r"_(\d+)epochs?(?=_|$)", cell.trainer)
        return int(named[1]) if named else _STOCK_EPOCHS


def _unfinished(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.unfinished")
