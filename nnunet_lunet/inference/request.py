"""What ``lunet predict`` can be asked for. No torch."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nnunet_lunet.errors import UserError, did_you_mean


@dataclass(frozen=True)
class Request:
    """One call; the names are those of ``nnUNetv2_predict``'s options where there is one.

    :param model: its folder, e.g. ``…/LUnetTrainer__nnUNetPlans__3d_fullres``
    :param folds: as they are named in it; of several the mean is predicted
    :param previous: folder of label maps of the stage before, for a cascade
    :param loading: cases that are read at a time
    :param saving: cases that are written at a time
    :param command: as it was given
    """

    images: Path
    output: Path
    model: Path
    folds: tuple[str, ...] = ("0", "1", "2", "3", "4")
    checkpoint: str = "checkpoint_final.pth"
    step_size: float = 0.5
    mirroring: bool = True
    probabilities: bool = False
    continued: bool = False
    previous: Path | None = None
    num_parts: int = 1
    part_id: int = 0
    device: str = "cpu"
    engine: str = "auto"
    precision: str = "f32"
    loading: int = 1
    saving: int = 1
    report: Path | None = None
    command: tuple[str, ...] = ()

    def check(self) -> None:
        """:raises UserError: something that cannot be, or is not there"""
        if not 0 < self.step_size <= 1:
            raise UserError(f"-step_size {self.step_size}: it must be above 0 and at most 1 (no overlap)")
        if not 0 <= self.part_id < self.num_parts:
            raise UserError(f"-part_id {self.part_id}: parts count from 0 to -num_parts minus 1, {self.num_parts - 1}")
        if min(self.loading, self.saving) < 1:
            raise UserError("-npp and -nps count cases that are read and written at a time: at least 1")
        self._check_model()
        if self.previous is not None and not self.previous.is_dir():
            raise UserError(f"-prev_stage_predictions {self.previous} is no folder")
        if self.report is not None and not self.report.absolute().parent.is_dir():
            raise UserError(f"--report {self.report}: name a file in a folder that exists")
        try:
            self.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"-o {self.output} cannot be made: {error.strerror}") from error
        if not os.access(self.output, os.W_OK):
            raise UserError(f"-o {self.output} cannot be written to")
        if self.output.resolve() == self.images.resolve():
            raise UserError("-i and -o are the same folder: choose another for the predictions")

    def _check_model(self) -> None:
        if not self.model.is_dir():
            near = did_you_mean(self.model.name, (other.name for other in self.model.parent.glob("*__*__*")))
            raise UserError(f"there is no model {self.model}: {near or 'name its trainer, plans, configuration'}")
        absent = [fold for fold in self.folds if not (self.model / f"fold_{fold}" / self.checkpoint).is_file()]
        if absent:
            there = sorted(file.parent.name[5:] for file in self.model.glob(f"fold_*/{self.checkpoint}"))
            has = f"it is in folds {' '.join(there)}: name them with -f" if there else "no fold has it: see -chk"
            raise UserError(f"{self.model} has no {self.checkpoint} in fold {', '.join(absent)}; {has}")


def model_folder(model: Path | None, dataset: str | None, trainer: str, plans: str, configuration: str) -> Path:
    """The folder that ``-m`` names, or that the other options name in ``nnUNet_results``.

    :raises UserError: both, neither, or no such data set
    """
    if (model is None) == (dataset is None):
        raise UserError("name the model, by its folder (-m) or by its data set (-d), trainer, plans, configuration")
    if model is not None:
        return model
    from nnunet_lunet.host import folders

    return folders.model(folders.dataset_name(str(dataset)), trainer, plans, configuration)


def folds(first: str, more: Sequence[str]) -> tuple[str, ...]:
    """Folds as nnU-Net's ``-f 0 1`` or as ``-f 0,1``.

    :param first: what follows ``-f``
    :param more: what no option takes
    :raises UserError: something else is among them
    """
    named = [*first.split(","), *more]
    wrong = [fold for fold in named if not (fold.isdecimal() or fold == "all")]
    if wrong:
        raise UserError(f"{wrong[0]!r} is no fold: use numbers, or all")
    return tuple(dict.fromkeys(named))
