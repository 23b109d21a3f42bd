"""A comparison as files: CSV for the numbers, JSON for all of it, Markdown to read, and the page."""

import csv
import dataclasses
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.compare import table
from nnunet_lunet.compare.record import Comparison, Cost, Model, Score, Summary, Test, Training, WorstCase  # fmt: skip
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
        "scores.csv": _csv(Score, comparison.scores),
        "summary.csv": _csv(Summary, comparison.summaries),
        "tests.csv": _csv(Test, comparison.tests),
        "epochs.csv": _csv(_Epoch, _epochs(comparison.trainings)),
        MARKDOWN: table.markdown(comparison),
        JSON: json.dumps(dataclasses.asdict(comparison), indent=1, allow_nan=False),
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
            "scores": Score, "summaries": Summary, "tests": Test, "trainings": Training, "worst": WorstCase,
        }  # fmt: skip
        for name, kind in kinds.items():
            content[name] = [kind(**entry) for entry in content[name]]
        return Comparison(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file} is no readable comparison ({type(error).__name__}: {error})") from error


def _model(content: dict[str, Any]) -> Model:
    return Model(
        **{
            **content,
            "runs": [(fold, seed) for fold, seed in content["runs"]],
            "cost": Cost(**content["cost"]),
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


def _epochs(trainings: Sequence[Training]) -> list[_Epoch]:
    return [
        _Epoch(run.model, run.fold, run.seed, epoch, round(seconds, 3), dice)
        for run in trainings
        for epoch, (seconds, dice) in enumerate(zip(run.seconds, run.pseudo_dice, strict=True), 1)
    ]


def _csv(kind: type, rows: Sequence[Any]) -> str:
    """None is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in dataclasses.fields(kind)]
    writer.writerow(names)
    writer.writerows([getattr(row, name) for name in names] for row in rows)
    return text.getvalue()
