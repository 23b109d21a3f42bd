"""Folders of predictions as models: what the user calls them, and which checkpoints made them.

nnU-Net's predictor writes no word on model and checkpoint beside its predictions, so the user says which it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nnunet_lunet.compare.selection import Candidate, Key, Run, key_of, name_of, seed_of
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints, folders, results

_OPTION = "--predictions"


@dataclass(frozen=True)
class Predictions:
    """One ``--predictions [NAME=][CHECKPOINT=]FOLDER``.

    :param name: None where the checkpoint gives the name
    :param checkpoint: file in the folder of its fold, whether that is still there or not
    """

    asked: str
    folder: Path
    name: str | None
    checkpoint: Path | None


def read(asked: Sequence[str]) -> list[Predictions]:
    """What the user asks for, in that order.

    :raises UserError: of another form, a folder that is not there, or a name that is there twice
    """
    found = [_read(entry) for entry in asked]
    names = [entry.name for entry in found if entry.checkpoint is None]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{_OPTION} {name!r} is there twice: give each folder a name of its own")
    return found


def candidates(asked: Sequence[Predictions], trained: Sequence[Candidate], ending: str) -> list[Candidate]:
    """The folders as models; those of one checkpoint's name, of several folds or seeds of a model, are one model.

    :param trained: models that they are compared with, whose names tell which of plans and configuration differ
    :param ending: of the names of label maps
    :raises UserError: without label maps, two folders of one fold, or predictions that cannot be of the checkpoint
    """
    folds = {entry: _fold(entry, entry.checkpoint) for entry in asked if entry.checkpoint is not None}
    keys = [key_of(fold) for fold in folds.values()] + [key for one in trained if (key := _key(one)) is not None]
    groups: dict[tuple[str | None, Key | None, str], list[Predictions]] = {}
    for entry in asked:
        key = key_of(folds[entry]) if entry in folds else None
        groups.setdefault((entry.name, key, entry.checkpoint.name if entry.checkpoint else ""), []).append(entry)
    found = []
    for (name, key, checkpoint), members in groups.items():
        if key is None:
            runs = [Run(None, None, None, _label_maps(members[0], ending))]
            found.append(Candidate(str(name), None, None, None, runs))
            continue
        shown = name or f"{name_of(key, keys)} ({checkpoints.label(checkpoint)})"
        runs = [_run(folds[entry], _label_maps(entry, ending)) for entry in members]
        if len({(run.fold, run.seed) for run in runs}) < len(runs):
            raise UserError(f"{_OPTION}: two folders are of {checkpoint} of one fold ({shown}): name one of them")
        found.append(Candidate(shown, *key, runs, checkpoint))
    return found


def _read(asked: str) -> Predictions:
    before, of_checkpoint, folder = asked.partition(".pth=")
    if of_checkpoint:
        name, file = _name_and_checkpoint(f"{before}.pth")
        found = Predictions(asked, Path(folder), name, Path(file).absolute())
    else:
        name, _, folder = asked.partition("=")
        found = Predictions(asked, Path(folder), name, None)
    if not folder or (found.name is not None and not found.name.strip()):
        raise UserError(f"{_OPTION} {asked!r}: write NAME=FOLDER, CHECKPOINT=FOLDER or NAME=CHECKPOINT=FOLDER")
    if not found.folder.is_dir():
        raise UserError(f"{_OPTION} {asked}: {folder} is no folder")
    return found


def _name_and_checkpoint(text: str) -> tuple[str | None, str]:
    """``[NAME=]CHECKPOINT``, each of which may have equals signs of its own: the file that is there tells."""
    if Path(text).is_file() or "=" not in text:
        return None, text
    words = text.split("=")
    splits = [("=".join(words[:index]), "=".join(words[index:])) for index in range(1, len(words))]
    return next((split for split in splits if Path(split[1]).is_file()), splits[0])


def _fold(entry: Predictions, checkpoint: Path) -> results.Fold:
    fold = results.fold_at(checkpoint.parent)
    if fold is None:
        raise UserError(
            f"{_OPTION} {entry.asked}: {checkpoint} does not lie in a fold of a model; name it as "
            ".../TRAINER__PLANS__CONFIGURATION/fold_0/checkpoint_NAME.pth"
        )
    recorded = entry.folder / "plans.json"
    if recorded.is_file() and (plans := folders.read_json(recorded).get("plans_name")) not in (None, fold.plans):
        raise UserError(f"{_OPTION} {entry.asked}: its plans.json is of {plans}, that checkpoint is of {fold.plans}")
    return fold


def _key(candidate: Candidate) -> Key | None:
    if candidate.trainer is None or candidate.plans is None or candidate.configuration is None:
        return None
    return candidate.trainer, candidate.plans, candidate.configuration


def _run(fold: results.Fold, label_maps: dict[str, Path]) -> Run:
    return Run(fold.fold, seed_of(fold.trainer), fold.folder, label_maps)


def _label_maps(entry: Predictions, ending: str) -> dict[str, Path]:
    found = results.label_maps(entry.folder, ending)
    if not found:
        raise UserError(f"{_OPTION} {entry.asked}: there is no {ending} file in it")
    return found
