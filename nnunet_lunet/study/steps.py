"""One training of a study: how far it is by the files that nnU-Net wrote, and the stock commands that are left."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nnunetv2.paths import nnUNet_raw

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import command_lines, folders, training_state
from nnunet_lunet.study.matrix import Training
from nnunet_lunet.study.request import Predict
from nnunet_lunet.trainers import names

#: How far a training is, in this order; ``trained``: nnU-Net's own validation is missing.
STATES = ("new", "begun", "trained", "validated", "predicted", "done")
_OPTIONS: Mapping[str, list[str]] = {"new": [], "begun": ["--c"], "trained": ["--val"]}
_STOCK_EPOCHS = 1000


@dataclass(frozen=True)
class Settings:
    """What is asked of every training.

    :param output: the study's folder
    :param device: as nnU-Net's ``-device``
    :param groups: file with the group of each case, as in :class:`nnunet_lunet.study.request.Study`
    """

    output: Path
    device: str
    predict: Predict | None = None
    groups: str | None = None

    def log(self, training: Training) -> Path:
        return self.output / "logs" / training.dataset / f"{training.name}.log"

    def predictions(self, training: Training) -> Path:
        return self.output / "predictions" / training.dataset / training.name

    def inside_raw(self, dataset: str, folder: str) -> Path:
        """Absolute folders are themselves."""
        return Path(nnUNet_raw) / dataset / folder

    def groups_file(self, dataset: str) -> Path | None:
        return None if self.groups is None else self.inside_raw(dataset, self.groups)

    def check_folders(self, datasets: Sequence[str]) -> None:
        """:raises UserError: a folder to predict or to evaluate against is not there, or the groups' file"""
        for dataset in datasets:
            if (groups := self.groups_file(dataset)) is not None and not groups.is_file():
                raise UserError(f"groups: there is no file {groups}")
        for dataset in datasets if self.predict is not None else ():
            for key, folder in self.predict or ():
                if folder is not None and not self.inside_raw(dataset, folder).is_dir():
                    raise UserError(f"predict.{key}: there is no folder {self.inside_raw(dataset, folder)}")


def fold_folder(training: Training) -> Path:
    """Where nnU-Net keeps a training."""
    model = folders.model(training.dataset, training.trainer, training.plans, training.configuration)
    return model / f"fold_{training.fold}"


def state(training: Training, settings: Settings) -> str:
    """One of :data:`STATES`, from the files alone."""
    reached = training_state.reached(fold_folder(training))
    if reached != "validated" or settings.predict is None:
        return "done" if reached == "validated" else reached
    predictions = settings.predictions(training)
    if not predictions.is_dir():
        return "validated"
    return "done" if settings.predict.labels is None or training_state.is_evaluated(predictions) else "predicted"


def commands(training: Training, settings: Settings, reached: str) -> list[list[str]]:
    """The stock commands that take a training from ``reached`` to ``done``.

    Predictions are made beside their folder, which so is there whole or not at all.
    """
    left = []
    model = (training.configuration, training.fold, training.trainer, training.plans, settings.device)
    if reached in _OPTIONS:
        left.append(command_lines.train(training.dataset, *model, _OPTIONS[reached]))
    if settings.predict is None:
        return left
    folder = settings.predictions(training)
    if reached in (*_OPTIONS, "validated"):
        images = settings.inside_raw(training.dataset, settings.predict.images)
        left.append(command_lines.predict(training.dataset, images, _unfinished(folder), *model))
    if settings.predict.labels is not None and reached != "done":
        left.append(command_lines.evaluate(settings.inside_raw(training.dataset, settings.predict.labels), folder))
    return left


def before(command: list[str], training: Training, settings: Settings) -> list[str]:
    """Make way for a command of :func:`commands`; returns what there is to say about it in the log."""
    said = []
    if command[0] == command_lines.TRAIN:
        # Written by nnU-Net's own trainers when they were killed; --c would stumble over them.
        for name in training_state.CHECKPOINTS:
            checkpoint = fold_folder(training) / name
            if checkpoint.exists() and not training_state.is_whole(checkpoint):
                aside = checkpoint.replace(checkpoint.with_name(f"{name}.cut_off"))
                said.append(f"{checkpoint} is cut off; it is {aside.name} now")
    if command[0] == command_lines.PREDICT:
        shutil.rmtree(_unfinished(settings.predictions(training)), ignore_errors=True)
    return said


def after(command: list[str], training: Training, settings: Settings) -> None:
    """What makes a command's result final.

    :raises UserError: the command succeeded by its exit status, but its result is not there
    """
    if command[0] == command_lines.PREDICT:
        folder = settings.predictions(training)
        _unfinished(folder).replace(folder)
    if command[0] == command_lines.TRAIN and (reached := training_state.reached(fold_folder(training))) != "validated":
        raise UserError(f"{fold_folder(training)} is {reached} after training: see {settings.log(training)}")


def epochs(training: Training) -> int:
    """How many epochs a training has by its name; nnU-Net's 1000 where that does not say."""
    try:
        return names.parse(training.trainer).epochs or _STOCK_EPOCHS
    except names.TrainerNameError:
        named = re.search(r"_(\d+)epochs?(?=_|$)", training.trainer)
        return int(named[1]) if named else _STOCK_EPOCHS


def _unfinished(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.unfinished")
