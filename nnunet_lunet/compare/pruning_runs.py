"""What pruning models went through while they trained: reads their histories, and finds the best of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from nnunet_lunet.compare.record import Comparison, PruningRun
from nnunet_lunet.compare.selection import Candidate, Run
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints, folders
from nnunet_lunet.trainers import names

_FILE = "pruning_history.json"
_FAMILY = "LUnetPruningTrainer"
_DAMAGED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


@dataclass(frozen=True)
class Moment:
    """One epoch of one run; ``epoch`` is counted from 1, and parameters are also given as a share of the unpruned."""

    epoch: int
    epochs: int
    pseudo_dice: float | None
    parameters: int
    share: float
    multiply_adds: int


@dataclass(frozen=True)
class Moments:
    """Of each run of a model the epoch with the best pseudo Dice, and the last.

    :param best: only of runs that have pseudo Dice
    """

    best: list[Moment]
    last: list[Moment]


def read(candidates: Sequence[Candidate]) -> tuple[list[PruningRun], list[str]]:
    """Histories of the runs that pruned, each once, and notes on those that cannot be read.

    Of a run that is compared at several checkpoints, the history is that of the whole training or, where this is not
    among the models, of the first.
    """
    found, notes, seen = [], [], set()
    for candidate in sorted(candidates, key=lambda one: one.checkpoint not in (None, checkpoints.FINAL)):
        for run in candidate.runs:
            if run.folder is None or run.folder in seen or not _prunes(candidate, run.folder):
                continue
            seen.add(run.folder)
            try:
                found.append(_run(candidate.name, run, folders.read_json(run.folder / _FILE)))
            except UserError as error:
                notes.append(f"No pruning history of {candidate.name}, fold {run.fold}: {error.message}.")
            except _DAMAGED as error:
                reason = f"{run.folder / _FILE} is damaged ({type(error).__name__}: {error})"
                notes.append(f"No pruning history of {candidate.name}, fold {run.fold}: {reason}.")
    order = {candidate.name: place for place, candidate in enumerate(candidates)}
    return sorted(found, key=lambda run: order[run.model]), notes


def moments(comparison: Comparison) -> dict[str, Moments]:
    """By model, in the comparison's order. Of epochs that are equally good the last is the best, which is smallest."""
    found: dict[str, Moments] = {}
    for model in comparison.models:
        runs = [run for run in comparison.pruning if run.model == model.name]
        if runs:
            best = [_moment(run, where) for run in runs if (where := _best(run)) is not None]
            found[model.name] = Moments(best, [_moment(run, len(run.pseudo_dice) - 1) for run in runs])
    return found


def _prunes(candidate: Candidate, folder: Path) -> bool:
    try:
        ours = candidate.trainer is not None and names.parse(candidate.trainer).family == _FAMILY
    except names.TrainerNameError:
        ours = False
    return ours or (folder / _FILE).is_file()


def _run(model: str, run: Run, content: dict[str, Any]) -> PruningRun:
    """:raises Exception: one of ``_DAMAGED``; the record is not what a pruning trainer writes"""
    epochs = content["epochs"]
    if not epochs:
        raise ValueError("no epochs")
    places = {epoch["epoch"]: place for place, epoch in enumerate(epochs)}
    dice = [epoch["pseudo_dice"] for epoch in epochs]
    return PruningRun(
        model=model,
        fold=run.fold,
        seed=run.seed,
        parameters=[_size(epoch["parameters"]) for epoch in epochs],
        multiply_adds=[_size(epoch["multiply_adds"]) for epoch in epochs],
        pseudo_dice=[float(value) if value is not None and isfinite(value) else None for value in dice],
        kept={str(percent): places[epoch] for percent, epoch in content.get("marks", {}).items()},
    )


def _size(value: Any) -> int:
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"a size of {value!r}")
    return value


def _best(run: PruningRun) -> int | None:
    known = [(dice, epoch) for epoch, dice in enumerate(run.pseudo_dice) if dice is not None]
    return max(known)[1] if known else None


def _moment(run: PruningRun, epoch: int) -> Moment:
    return Moment(
        epoch=epoch + 1,
        epochs=len(run.pseudo_dice),
        pseudo_dice=run.pseudo_dice[epoch],
        parameters=run.parameters[epoch],
        share=run.parameters[epoch] / run.parameters[0],
        multiply_adds=run.multiply_adds[epoch],
    )
