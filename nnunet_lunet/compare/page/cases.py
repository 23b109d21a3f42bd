"""Every case on the page: what each model scores on each label, to be opened, and the worst cases of each model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from nnunet_lunet import numbers
from nnunet_lunet.compare import analysis, words, worst
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.page.panels import CasePictures, Panel
from nnunet_lunet.compare.record import FOREGROUND, PRIMARY_ENDPOINT, Comparison

#: So many numbers are on the page, each of which takes about 15 bytes of it.
_CELLS = 200_000
#: With more rows than this, a print has the cases alone that are open.
_ROWS_IN_PRINT = 200

#: By case, model, label and metric the values of all runs.
Values = dict[str, dict[str, dict[tuple[str, str], list[float | None]]]]


@dataclass(frozen=True)
class Case:
    """A case to open.

    :param number: for links, from 1
    :param about: Dice of the baseline and of the others
    :param rows: by model a text for each label and metric
    :param pictures: None where it is not drawn
    """

    name: str
    number: int
    about: str
    rows: dict[str, list[str]]
    pictures: CasePictures | None


@dataclass(frozen=True)
class Cases:
    """All cases, those of the lowest Dice first.

    :param columns: labels and metrics, in the order of the texts in a row
    :param left_out: what the page has no room for, as a sentence; empty otherwise
    :param is_printed: whether a print opens all of them
    """

    cases: list[Case]
    labels: list[str]
    metrics: list[str]
    left_out: str
    is_printed: bool


@dataclass(frozen=True)
class WorstOf:
    """One of a model's worst cases.

    :param number: of the case that can be opened; 0 where the page has no room for it
    :param panel: None where it is not drawn
    """

    case: str
    number: int
    dice: float
    panel: Panel | None
    place: str


def cases(comparison: Comparison, values: Values, labels: Sequence[str], pictures: Sequence[CasePictures]) -> Cases:
    """:param labels: that are shown, the mean over labels first"""
    drawn = {case.name: case for case in pictures}
    order = analysis.hardest(comparison.scores, len(values))
    order += [case for case in values if case not in order]
    shown_labels, shown_metrics, number = _room(len(order), len(comparison.models), labels)
    columns = [(label, metric) for label in shown_labels for metric in shown_metrics]
    found = [
        Case(
            case,
            index,
            _about(values[case], comparison.baseline),
            _rows(comparison, values[case], columns),
            drawn.get(case),
        )
        for index, case in enumerate(order[:number], 1)
    ]
    left_out = _left_out(len(shown_labels) < len(labels), len(shown_metrics) < len(METRICS), len(order) - number)
    is_printed = len(found) * len(comparison.models) <= _ROWS_IN_PRINT
    return Cases(found, shown_labels, shown_metrics, left_out, is_printed)


def worst_of_models(comparison: Comparison, values: Values, every: Cases) -> dict[str, list[WorstOf]]:
    """By model, in the comparison's order; cases that are not drawn are named."""
    by_name = {case.name: case for case in every.cases}
    chosen = worst.of_models(comparison.scores)
    found = {}
    for model in comparison.models:
        own = []
        for name in chosen.get(model.name, []):
            case = by_name.get(name)
            pictures = case.pictures if case else None
            panel, place = pictures.own.get(model.name, (None, "")) if pictures else (None, "")
            dice = _mean(values[name][model.name][PRIMARY_ENDPOINT])
            assert dice is not None, "a case without Dice is no worst case"
            own.append(WorstOf(name, case.number if case else 0, dice, panel, place))
        if own:
            found[model.name] = own
    return found


def values_of(comparison: Comparison) -> Values:
    """The scores, by case first."""
    found: Values = {}
    for score in comparison.scores:
        of_model = found.setdefault(score.case, {}).setdefault(score.model, {})
        for metric, value in score.values.items():
            of_model.setdefault((score.label, metric), []).append(value)
    return found


def _room(number: int, models: int, labels: Sequence[str]) -> tuple[list[str], list[str], int]:
    """Labels, metrics and number of cases that there is room for."""
    primary = [PRIMARY_ENDPOINT[1]]
    choices = [(list(labels), list(METRICS)), (list(labels), primary), ([FOREGROUND], list(METRICS))]
    for own_labels, metrics in choices:
        if number * models * len(own_labels) * len(metrics) <= _CELLS:
            return own_labels, metrics, number
    return [FOREGROUND], primary, min(number, max(1, _CELLS // max(1, models)))


def _left_out(labels: bool, metrics: bool, cases: int) -> str:
    parts = ["single labels"] * labels + ["distances and surface Dice"] * metrics
    parts += [f"the {numbers.whole(cases)} cases of the highest Dice"] * (cases > 0)
    return f"Left out, for want of room: {', '.join(parts)}; scores.csv has them." if parts else ""


def _rows(
    comparison: Comparison,
    values: Mapping[str, Mapping[tuple[str, str], list[float | None]]],
    columns: Sequence[tuple[str, str]],
) -> dict[str, list[str]]:
    return {
        model.name: [_text(values[model.name].get(column, []), column[1]) for column in columns]
        for model in comparison.models
        if model.name in values
    }


def _text(values: Sequence[float | None], metric: str) -> str:
    """``0.853``, the mean over runs; ``1.85 (1 of 3)`` where one of three has none."""
    undefined = sum(value is None for value in values)
    text = words.score(_mean(values), metric)
    return f"{text} ({undefined} of {len(values)})" if 0 < undefined < len(values) else text


def _about(values: Mapping[str, Mapping[tuple[str, str], list[float | None]]], baseline: str) -> str:
    """Dice of the baseline, and the mean of the other models."""
    known = {model: mean for model, own in values.items() if (mean := _mean(own.get(PRIMARY_ENDPOINT, []))) is not None}
    of_baseline = words.score(known.pop(baseline, None), PRIMARY_ENDPOINT[1])
    others = words.score(fmean(known.values()), PRIMARY_ENDPOINT[1]) if known else ""
    return f"Dice of the baseline {of_baseline}" + (f", of the others {others}" if others else "")


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
