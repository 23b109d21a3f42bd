"""What lies in ``benchmarks/data``, as the generators read it."""

import csv
import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from benchmarks import packed, study_table
from nnunet_lunet.compare import words
from nnunet_lunet.compare.record import Verdict
from nnunet_lunet.numbers import p_value, signed
from result_pages.markdown import ROOT, row

DATA = ROOT / "benchmarks" / "data"
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PARTS = {4: "a quarter", 9: "a ninth", 14: "a fourteenth", 35: "a 35th"}


def read(file: str) -> Any:
    """:param file: JSON, or JSON of each line; below ``benchmarks/data``"""
    text = (DATA / file).read_text()
    return [json.loads(line) for line in text.splitlines()] if file.endswith(".jsonl") else json.loads(text)


def rows_of(file: Path | str) -> list[dict[str, str]]:
    """Of a table in CSV, below ``benchmarks/data``."""
    return list(csv.DictReader((DATA / file).read_text().splitlines()))


@cache
def comparison(file: str) -> Any:
    """The :class:`Comparison` in a ``.json.gz``."""
    return packed.read(DATA / file)


def tests(file: str) -> dict[str, Any]:
    """Each model's :class:`Test` of the mean foreground Dice."""
    return {test.model: test for test in words.main_tests(comparison(file))}


def dice(file: str) -> dict[str, list[float]]:
    """Of each seed, by model."""
    compared = comparison(file)
    return {model.name: study_table.dice_by_seed(compared, model.name) for model in compared.models}


def networks(file: str) -> dict[str, Any]:
    """Each model's :class:`NetworkCost`."""
    return {model.name: model.cost.network for model in comparison(file).models}


def study(file: str) -> Iterator[str]:
    """Rows of a comparison, as ``benchmarks.study_table`` prints them."""
    for model in comparison(file).models:
        yield row(study_table.row(comparison(file), model))


def pair(file: Path | str) -> dict[str, dict[str, str]]:
    """Tests of the mean foreground Dice in a ``tests.csv``, by model."""
    return {each["model"]: each for each in rows_of(file) if (each["label"], each["metric"]) == ("foreground", "dice")}


def pair_cells(test: dict[str, str]) -> tuple[str, str, str]:
    """Difference with its interval, corrected p and verdict, as pages show them."""
    difference, low, high = (points(float(test[key])) for key in ("difference", "low", "high"))
    return f"{difference} ({low} to {high})", p_value(float(test["p_holm"])), test["verdict"]


def points(value: float) -> str:
    """A difference of Dice in points of 0.01, with its sign."""
    return signed(100 * value, 1)


def unsigned(value: float) -> str:
    """The same without its sign."""
    return points(value).lstrip("+−")


def mean(values: Sequence[float]) -> str:
    return f"{fmean(values):.3f} ± {stdev(values):.3f}"


def by_seed(values: Sequence[float], others: Sequence[float]) -> list[str]:
    """Differences of Dice in points, seed by seed."""
    return [points(value - other) for value, other in zip(values, others, strict=True)]


def listed(values: Sequence[object]) -> str:
    """``1, 2 and 3``."""
    *first, last = map(str, values)
    return f"{', '.join(first)} and {last}" if first else last


def span(values: Sequence[float], digits: int) -> str:
    """``0.93 to 0.97``."""
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def all_are(verdict: Verdict | None, verdicts: Sequence[Verdict | None]) -> str:
    """The verdict in words, where it is that of all."""
    assert verdict is not None and {*verdicts} == {verdict}
    return verdict.value
