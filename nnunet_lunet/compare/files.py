"""A comparison as files: CSV for the numbers, JSON for all of it, Markdown to read, and the page."""

import csv
import dataclasses
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.compare import table
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import (  # fmt: skip
    Comparison,
    Cost,
    LearningCurve,
    Model,
    PruningRun,
    Score,
    Summary,
    Test,
    WorstCase,
)
from nnunet_lunet.errors import UserError

JSON, MARKDOWN, PAGE = "comparison.json", "comparison.md", "comparison.html"


def check_free(folder: Path, overwrite: bool) -> None:
    """:raises UserError: the folder has something in it and ``overwrite`` is false, or it cannot be written"""
    try:
        there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
        if not there.is_dir():
            raise UserError(f"--output {folder}: {there} is no folder")
        if not os.access(there, os.W_OK):
            raise UserError(f"--output {folder}: {there} cannot be written")
        if folder.exists() and any(folder.iterdir()) and not overwrite:
            raise UserError(f"--output {folder} is not empty: choose another, or replace its files with --overwrite")
    except OSError as error:
        raise UserError(f"--output {folder}: {error.strerror}") from error


def write(comparison: Comparison, folder: Path, overwrite: bool) -> None:
    """Write ``comparison.md``, ``scores.csv``, ``summary.csv``, ``tests.csv``, ``epochs.csv`` and ``comparison.json``.

    :param folder: made if it is not there
    :raises UserError: it has something in it and ``overwrite`` is false, or a file cannot be written
    """
    contents = {
        "scores.csv": _csv(_flat_names(), map(_flat, comparison.scores)),
        "summary.csv": _csv_of(Summary, comparison.summaries),
        "tests.csv": _csv_of(Test, comparison.tests),
        "epochs.csv": _csv_of(_Epoch, _epochs(comparison.learning)),
        MARKDOWN: table.markdown(comparison),
        JSON: json.dumps(_content(comparison), indent=1, allow_nan=False),
    }
    check_free(folder, overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            with atomic_write(folder / name) as file:
                file.write(text.encode())
    except OSError as error:
        raise UserError(f"--output {folder}: {error.filename or folder}: {error.strerror}") from error


def read_json(file: Path) -> Comparison:
    """The comparison in a ``comparison.json``.

    :raises UserError: not readable, or something else
    """
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        content["labels"] = {int(value): name for value, name in content["labels"].items()}
        content["models"] = [_model(model) for model in content["models"]]
        kinds: dict[str, type] = {
            "summaries": Summary, "tests": Test, "learning": LearningCurve, "worst": WorstCase, "pruning": PruningRun,
        }  # fmt: skip
        content["scores"] = [_score(score) for score in content["scores"]]
        for name, kind in kinds.items():
            # Comparisons of the time before pruning runs were in them are records of results, too.
            content[name] = [kind(**entry) for entry in content.get(name, [])]
        return Comparison(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file} is no readable comparison ({type(error).__name__}: {error})") from error


def _model(content: dict[str, Any]) -> Model:
    return Model(
        **{
            **content,
            "runs": [(fold, seed) for fold, seed in content["runs"]],
            "cost": Cost(**{**content["cost"], "network": NetworkCost(**content["cost"]["network"])}),
        }
    )


@dataclasses.dataclass(frozen=True)
class _Epoch:
    model: str
    fold: str | None
    seed: int | None
    epoch: int
    seconds: float
    pseudo_dice: float | None


def _epochs(curves: Sequence[LearningCurve]) -> list[_Epoch]:
    return [
        _Epoch(run.model, run.fold, run.seed, epoch, round(seconds, 3), dice)
        for run in curves
        for epoch, (seconds, dice) in enumerate(zip(run.seconds, run.pseudo_dice, strict=True), 1)
    ]


def _content(comparison: Comparison) -> dict[str, Any]:
    return {**dataclasses.asdict(comparison), "scores": [_flat(score) for score in comparison.scores]}


def _flat_names() -> list[str]:
    names = [field.name for field in dataclasses.fields(Score)]
    where = names.index("values")
    return [*names[:where], *METRICS, *names[where + 1 :]]


def _flat(score: Score) -> dict[str, Any]:
    """A score with a column for each metric."""
    every = {**vars(score), **score.values}
    return {name: every[name] for name in _flat_names()}


def _score(content: dict[str, Any]) -> Score:
    """The inverse of :func:`_flat`."""
    own = {name: value for name, value in content.items() if name not in METRICS}
    return Score(**own, values={metric: content[metric] for metric in METRICS})


def _csv_of(kind: type, rows: Sequence[Any]) -> str:
    return _csv([field.name for field in dataclasses.fields(kind)], map(vars, rows))


def _csv(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """None is an empty field."""
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
