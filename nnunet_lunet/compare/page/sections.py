"""Sections of the page: from a comparison to what stands in each cell, and under each figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nnunet_lunet import numbers
from nnunet_lunet.compare import table, words
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import FOREGROUND, Comparison, Cost, Model, Summary, Test
from nnunet_lunet.host import checkpoints


@dataclass(frozen=True)
class Scores:
    """Summaries of one label.

    :param rows: by model, then by metric
    :param best: models with the best mean by metric; empty where there is nothing to compare
    """

    label: str
    rows: dict[str, dict[str, Summary]]
    best: dict[str, set[str]]


@dataclass(frozen=True)
class Tests:
    """All models against the baseline, for one label and metric."""

    label: str
    metric: str
    tests: list[Test]


@dataclass(frozen=True)
class Cell:
    """:param against: ratio to the baseline in words; :param sort: number to sort by"""

    text: str
    against: str
    sort: float | None


def scores(comparison: Comparison) -> list[Scores]:
    """The mean over the foreground labels first."""
    found = []
    for label in _labels(comparison):
        rows: dict[str, dict[str, Summary]] = {model.name: {} for model in comparison.models}
        for summary in comparison.summaries:
            if summary.label == label:
                rows[summary.model][summary.metric] = summary
        best = {metric: _best(metric, rows) for metric in METRICS}
        found.append(Scores(label, {name: row for name, row in rows.items() if row}, best))
    return found


def _best(metric: str, rows: dict[str, dict[str, Summary]]) -> set[str]:
    means = {name: row[metric].mean for name, row in rows.items() if metric in row}
    known = {name: mean for name, mean in means.items() if mean is not None}
    if len(known) < 2:
        return set()
    best = (max if METRICS[metric].more_is_better else min)(known.values())
    return {name for name, mean in known.items() if words.score(mean, metric) == words.score(best, metric)}


def tests(comparison: Comparison) -> list[Tests]:
    """The mean over the foreground labels first; models in the comparison's order."""
    order = {model.name: index for index, model in enumerate(comparison.models)}
    found = []
    for label in _labels(comparison):
        for metric in METRICS:
            of_both = [test for test in comparison.tests if (test.label, test.metric) == (label, metric)]
            if of_both:
                found.append(Tests(label, metric, sorted(of_both, key=lambda test: order[test.model])))
    return found


def _labels(comparison: Comparison) -> list[str]:
    """Of a single label the mean over all labels is its own."""
    labels = list(dict.fromkeys(summary.label for summary in comparison.summaries))
    single = [label for label in labels if label != FOREGROUND]
    if FOREGROUND not in labels:
        return single
    return [FOREGROUND, *(single if len(single) > 1 else [])]


def costs(comparison: Comparison) -> dict[str, list[Cell]]:
    """By model: a cell for each of :func:`nnunet_lunet.compare.table.cost_columns`."""
    baseline = next((model for model in comparison.models if model.name == comparison.baseline), None)
    columns = table.cost_columns(comparison)
    return {model.name: _cost(model, baseline, columns) for model in comparison.models}


def _cost(model: Model, baseline: Model | None, columns: Sequence[table.CostColumn]) -> list[Cell]:
    other = baseline.cost if baseline is not None and baseline is not model else Cost()
    return [_cell(column.show, column.value(model.cost), column.value(other), column.less) for column in columns]


def _cell(show: Callable[[float | None], str], value: float | None, baseline: float | None, less: str) -> Cell:
    same = "as many" if less == "fewer" else "as much"
    return Cell(show(value), numbers.ratio(value, baseline, less, same), value)


def noted(comparison: Comparison) -> dict[str, list[str]]:
    """Notes on single scores, and the cases, labels and models that they are about."""
    found: dict[str, list[str]] = {}
    for score in comparison.scores:
        if score.note:
            run = ", ".join(
                [f"fold {score.fold}"] * (score.fold is not None) + [f"seed {score.seed}"] * (score.seed is not None)
            )
            found.setdefault(score.note, []).append(
                f"{score.case}, {score.label}, {score.model}" + (f" ({run})" if run else "")
            )
    return found


def origins(comparison: Comparison) -> dict[str, str]:
    """By model: where it comes from, as far as its name does not say."""
    return {model.name: _origin(model) for model in comparison.models}


def _origin(model: Model) -> str:
    folds = sorted({fold for fold, _ in model.runs if fold is not None})
    seeds = sorted({seed for _, seed in model.runs if seed is not None})
    trainer = model.trainer if model.trainer and model.trainer not in model.name else None
    checkpoint = model.checkpoint
    if checkpoint and checkpoints.label(checkpoint) in model.name:
        checkpoint = None
    parts = [
        trainer, checkpoint, model.plans, model.configuration,
        f"{_plural('fold', folds)} {', '.join(folds)}" if folds else None,
        f"{_plural('seed', seeds)} {', '.join(map(str, seeds))}" if seeds else None,
    ]  # fmt: skip
    return " · ".join(part for part in parts if part) or "folder of predictions"


def _plural(noun: str, things: Sequence[object]) -> str:
    return noun if len(things) == 1 else f"{noun}s"
