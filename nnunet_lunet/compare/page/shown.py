"""What the figures show, as plain data."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isnan, nan
from statistics import fmean
from typing import NamedTuple

from nnunet_lunet.compare.record import FOREGROUND, Comparison, LearningCurve, PruningRun, Summary

#: Of more networks along a pruning run, neighbours are drawn as their mean.
_POINTS = 60


def dice(comparison: Comparison) -> dict[str, Summary]:
    """Mean foreground Dice by model, in the comparison's order."""
    found = {s.model: s for s in comparison.summaries if (s.label, s.metric) == (FOREGROUND, "dice")}
    return {model.name: found[model.name] for model in comparison.models if model.name in found}


def points(comparison: Comparison) -> dict[str, tuple[int, float]]:
    """Parameters and mean foreground Dice of the models that have both."""
    sizes = {model.name: model.cost.network.parameters for model in comparison.models}
    return {
        name: (size, summary.mean)
        for name, summary in dice(comparison).items()
        if (size := sizes[name]) and summary.mean is not None
    }


def pareto_front(points: dict[str, tuple[int, float]]) -> list[str]:
    """Models for which no other has at most as many parameters and at least the same Dice; fewest parameters first.

    :param points: parameters and Dice by model
    """
    front: list[str] = []
    for name in sorted(points, key=lambda name: (points[name][0], -points[name][1])):
        if not front or points[name][1] > points[front[-1]][1]:
            front.append(name)
    return front


def learning(comparison: Comparison) -> dict[str, tuple[list[float], list[float]]]:
    """Seconds and pseudo Dice after each epoch by model, means over its runs up to the end of the shortest.

    Pseudo Dice is NaN where a run has none. Models with fewer than two epochs, or with no pseudo Dice, are not in it.
    """
    runs: dict[str, list[LearningCurve]] = {model.name: [] for model in comparison.models}
    for curve in comparison.learning:
        runs[curve.model].append(curve)
    found = {}
    for name, curves in runs.items():
        seconds = [fmean(values) for values in zip(*(run.seconds for run in curves), strict=False)]
        dice = [_mean(values) for values in zip(*(run.pseudo_dice for run in curves), strict=False)]
        if len(seconds) > 1 and not all(map(isnan, dice)):
            found[name] = seconds, dice
    return found


class Point(NamedTuple):
    """A network along a pruning run, or the mean of some."""

    parameters: float
    multiply_adds: float
    pseudo_dice: float


@dataclass(frozen=True)
class PruningLine:
    """A pruning model, epoch by epoch the mean of its runs (of those that have pseudo Dice of it).

    :param points: of each network on the way its last epoch or, of more than :data:`_POINTS`, means of as many groups
        of neighbours; the first and the last network stand alone
    :param epochs: every epoch of every run that has pseudo Dice
    :param kept: the epochs that a checkpoint was kept of, by the percentage in its name
    """

    model: str
    points: list[Point]
    epochs: list[Point]
    kept: dict[str, Point]


def pruning(comparison: Comparison) -> list[PruningLine]:
    """A line a model that has pseudo Dice."""
    models: dict[str, list[PruningRun]] = {}
    for run in comparison.pruning:
        if any(dice is not None for dice in run.pseudo_dice):
            models.setdefault(run.model, []).append(run)
    return [_line(model, runs) for model, runs in models.items()]


def _known(run: PruningRun) -> dict[int, Point]:
    every = zip(run.parameters, run.multiply_adds, run.pseudo_dice, strict=True)
    return {epoch: Point(*values[:2], values[2]) for epoch, values in enumerate(every) if values[2] is not None}


def _line(model: str, runs: Sequence[PruningRun]) -> PruningLine:
    each = [_known(run) for run in runs]
    means = [_mean_point([known[epoch] for known in each if epoch in known]) for epoch in sorted(set().union(*each))]
    reached = {point[:2]: point for point in means}
    kept: dict[str, list[Point]] = {}
    for run, known in zip(runs, each, strict=True):
        for percent, epoch in run.kept.items():
            if epoch in known:
                kept.setdefault(percent, []).append(known[epoch])
    return PruningLine(
        model,
        _thinned(list(reached.values())),
        [point for known in each for point in known.values()],
        {percent: _mean_point(points) for percent, points in kept.items()},
    )


def _mean_point(points: Sequence[Point]) -> Point:
    return Point(*map(fmean, zip(*points, strict=True)))


def _thinned(points: list[Point]) -> list[Point]:
    """With a network for each of hundreds of epochs, what one epoch gives by chance would hide where Dice falls."""
    first, *between, last = points if len(points) > 1 else [*points, *points]
    size = max(1, ceil(len(between) / _POINTS))
    groups = [between[start : start + size] for start in range(0, len(between), size)]
    return [first, *map(_mean_point, groups), last]


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else nan


def dice_by_case(comparison: Comparison) -> dict[str, dict[str, float]]:
    """Foreground Dice by model and case, the mean over the runs that have one."""
    values: dict[str, dict[str, list[float]]] = {model.name: {} for model in comparison.models}
    for entry in comparison.scores:
        if entry.label == FOREGROUND and entry.values["dice"] is not None:
            values[entry.model].setdefault(entry.case, []).append(entry.values["dice"])
    return {model: {case: fmean(found) for case, found in cases.items()} for model, cases in values.items()}


def differences(comparison: Comparison) -> dict[str, dict[str, float]]:
    """Foreground Dice minus the baseline's by model and case, of the models that share a case with the baseline."""
    values = dice_by_case(comparison)
    baseline = values.pop(comparison.baseline, {})
    pairs = {
        model: {case: dice - baseline[case] for case, dice in cases.items() if case in baseline}
        for model, cases in values.items()
    }
    return {model: cases for model, cases in pairs.items() if cases}
