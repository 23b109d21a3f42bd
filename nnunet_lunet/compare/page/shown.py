"""What the figures show, as plain data."""

from collections.abc import Sequence
from math import isnan, nan
from statistics import fmean

from nnunet_lunet.compare.record import FOREGROUND, Comparison, LearningCurve, Summary


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


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else nan


def differences(comparison: Comparison) -> dict[str, dict[str, float]]:
    """Foreground Dice minus the baseline's by model and case, of the models that share a case with the baseline.

    Each model's Dice of a case is the mean over its runs.
    """
    values: dict[str, dict[str, list[float]]] = {model.name: {} for model in comparison.models}
    for entry in comparison.scores:
        if entry.label == FOREGROUND and entry.values["dice"] is not None:
            values[entry.model].setdefault(entry.case, []).append(entry.values["dice"])
    baseline = values.pop(comparison.baseline, {})
    pairs = {
        model: {case: fmean(found) - fmean(baseline[case]) for case, found in cases.items() if case in baseline}
        for model, cases in values.items()
    }
    return {model: cases for model, cases in pairs.items() if cases}
