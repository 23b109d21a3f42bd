"""A comparison as files: CSV for the numbers, JSON for all of it, Markdown to read, and the page."""

import csv
import dataclasses
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.compare import evaluation, latex, markdown, methods, older
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import (  # fmt: skip
    Comparison,
    Cost,
    LearningCurve,
    Model,
    PruningRun,
    Score,
    Sensitivity,
    Summary,
    Test,
    Verdict,
    WorstCase,
)
from nnunet_lunet.errors import UserError

#: Tables beside the page, and what a row of each is.
CSV = {
    "scores.csv": "a label of a case in a run", "summary.csv": "the mean and spread of a label and metric",
    "tests.csv": "a model against the baseline", "sensitivity.csv": "a mean with each failure as the worst value",
    "epochs.csv": "an epoch of a run",
}  # fmt: skip
LATEX, METHODS = "comparison.tex", "statistical_analysis.txt"
JSON, MARKDOWN, PAGE = "comparison.json", "comparison.md", "comparison.html"
#: What stands beside a page, and what a row of it is.
BESIDE = {**CSV, LATEX: "", METHODS: "", MARKDOWN: "", JSON: ""}
#: What was declared before scoring: the one file that may be in a folder that counts as empty.
DECLARED = "declared.json"


def check_free(folder: Path, overwrite: bool) -> None:
    """:raises UserError: the folder has something in it and ``overwrite`` is false, or it cannot be written"""
    try:
        there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
        if not there.is_dir():
            raise UserError(f"--output {folder}: {there} is no folder")
        if not os.access(there, os.W_OK):
            raise UserError(f"--output {folder}: {there} cannot be written")
        others = [file for file in folder.iterdir() if file.name != DECLARED] if folder.exists() else []
        if others and not overwrite:
            raise UserError(f"--output {folder} is not empty: choose another, or replace its files with --overwrite")
    except OSError as error:
        raise UserError(f"--output {folder}: {error.strerror}") from error


def declare(folder: Path, declared: Mapping[str, Any]) -> None:
    """Write down what is compared, by which margin, and why, before anything is scored.

    :param folder: made if it is not there
    :raises UserError: it cannot be written
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / DECLARED) as file:
            file.write(json.dumps(declared, indent=1).encode())
    except OSError as error:
        raise UserError(f"--output {folder}: {error.filename or folder}: {error.strerror}") from error


def write(comparison: Comparison, folder: Path, overwrite: bool) -> None:
    """Write the tables of :data:`CSV`, ``comparison.md``, ``comparison.tex``, ``statistical_analysis.txt`` and
    ``comparison.json``.

    :param folder: made if it is not there
    :raises UserError: it has something in it and ``overwrite`` is false, or a file cannot be written
    """
    tables = [
        csv_text(_flat_names(), map(_flat, comparison.scores)),
        _csv_of(Summary, comparison.summaries),
        _csv_of(Test, comparison.tests),
        _csv_of(Sensitivity, comparison.sensitivity),
        _csv_of(_Epoch, _epochs(comparison.learning)),
    ]
    contents = {
        **dict(zip(CSV, tables, strict=True)),
        LATEX: latex.latex(comparison),
        METHODS: methods.statistical_analysis(comparison) + "\n",
        MARKDOWN: markdown.markdown(comparison),
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
        is_older = older.is_older(content)
        if is_older:
            content = older.stripped(content)
        content["labels"] = {int(value): name for value, name in content["labels"].items()}
        content["models"] = [_model(model) for model in content["models"]]
        kinds: dict[str, type] = {
            "summaries": Summary, "learning": LearningCurve, "worst": WorstCase, "pruning": PruningRun,
            "sensitivity": Sensitivity,
        }  # fmt: skip
        for name in ("scores", "left_out_scores"):
            content[name] = [_score(score) for score in content.get(name, [])]
        content["tests"] = [_test(test) for test in content["tests"]]
        for name, kind in kinds.items():
            # Comparisons of the time before pruning runs were in them are records of results, too.
            content[name] = [kind(**entry) for entry in content.get(name, [])]
        comparison = Comparison(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file} is no readable comparison ({type(error).__name__}: {error})") from error
    return evaluation.evaluated(comparison) if is_older else comparison


def _model(content: dict[str, Any]) -> Model:
    return Model(
        **{
            **content,
            "runs": [(fold, seed) for fold, seed in content["runs"]],
            "cost": Cost(**{**content["cost"], "network": NetworkCost(**content["cost"]["network"])}),
        }
    )


def _test(content: dict[str, Any]) -> Test:
    verdicts = {name: content[name] for name in ("verdict", "verdict_alone")}
    return Test(**{**content, **{name: None if value is None else Verdict(value) for name, value in verdicts.items()}})


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
    flat = {name: [_flat(score) for score in getattr(comparison, name)] for name in ("scores", "left_out_scores")}
    # What is taken from `flat` would be copied value by value, which of many scores takes longer than all the rest.
    without = dataclasses.replace(comparison, scores=[], left_out_scores=[])
    return {**dataclasses.asdict(without), **flat}


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
    return csv_text([field.name for field in dataclasses.fields(kind)], map(_plain, map(vars, rows)))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Enumerations as their values."""
    return {name: value.value if isinstance(value, Enum) else value for name, value in row.items()}


def csv_text(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A line for each of the rows; None, and what a row does not have, is an empty field."""
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
