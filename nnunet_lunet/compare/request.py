"""What a user asks ``lunet compare`` for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nnunet_lunet.compare import margins, metrics, tolerances
from nnunet_lunet.errors import UserError


@dataclass(frozen=True)
class Request:
    """What to compare.

    :param dataset: number or name, as nnU-Net's ``-d``
    :param models: trained ones, each [NAME=]TRAINER[:PLANS[:CONFIGURATION]]; all there are, if neither these nor
        ``predictions`` are given
    :param predictions: folders of label maps, each NAME=FOLDER or, made by a checkpoint of a fold,
        [NAME=]CHECKPOINT=FOLDER
    :param references: folder of label maps; those of training cases are found without it, and are not looked at with it
        where no trained model is compared
    :param baseline: name; the first that is asked for, and of all models the one with most parameters
    :param folds: all but ``all`` if not given
    :param tolerances: of surface Dice, each [LABEL=]MM, of all other labels without one; 1 mm if none is given
    :param margins: of non-inferiority, each [METRIC=]NUMBER, of Dice without a metric; 1 point of Dice if none is given
    :param margin_reason: why these, for the record
    :param large_margin: whether the user means a margin above 10 points
    :param command: what the user typed, for the record
    :param groups: file with the group of each case, such as its patient (:mod:`nnunet_lunet.compare.grouping`)
    :param images: folder of images, to draw on; those of a data set in ``nnUNet_raw`` are found without it
    """

    dataset: str | None = None
    models: Sequence[str] = ()
    predictions: Sequence[str] = ()
    references: Path | None = None
    baseline: str | None = None
    folds: Sequence[str] = ()
    plans: str | None = None
    configuration: str | None = None
    tolerances: Sequence[str] = ()
    margins: Sequence[str] = ()
    margin_reason: str = ""
    large_margin: bool = False
    processes: int | None = None
    overwrite: bool = False
    command: str = ""
    images: Path | None = None
    groups: Path | None = None

    @property
    def names_none(self) -> bool:
        """Whether it is of all trained models that there are."""
        return not self.models and not self.predictions

    def check(self) -> None:
        """:raises UserError: what is asked for cannot be; nothing was read but the names of folders"""
        if self.dataset is None and not self.predictions:
            raise UserError("name a dataset with -d, or folders with --predictions and --references")
        if self.models and self.dataset is None:
            raise UserError("-m needs a dataset: name it with -d")
        for option, folder in (("references", self.references), ("images", self.images)):
            if folder is not None and not folder.is_dir():
                raise UserError(f"--{option} {folder} is no folder")
        tolerances.check(self.tolerances)
        question = margins.large(margins.read(self.margins))
        if question and not self.large_margin:
            raise UserError(f"{question}; say --yes if that is meant")
        if self.processes is not None and self.processes < 1:
            raise UserError(f"--processes {self.processes}: give 1 or more")
        for fold in self.folds:
            if not (fold.isdigit() or fold == "all"):
                raise UserError(f"-f {fold!r}: give numbers separated by commas, or all")
        metrics.check_installed()
