"""Margins of non-inferiority: how much worse still counts as no worse. They are chosen before anything is scored."""

from collections.abc import Mapping, Sequence
from math import inf

from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import PRIMARY_ENDPOINT
from nnunet_lunet.errors import UserError, did_you_mean

#: Where none is given.
DEFAULT = {PRIMARY_ENDPOINT[1]: 0.01}
#: Of overlaps, from 0 to 1: larger margins need a confirmation, and from the second on they say nothing.
_LARGE, _MEANINGLESS = 0.1, 0.5


def read(given: Sequence[str]) -> dict[str, float]:
    """By metric, in its own unit.

    :param given: each ``[METRIC=]NUMBER``, of Dice without a metric
    :raises UserError: no number, no such metric, one twice, or a margin that says nothing
    """
    found: dict[str, float] = {}
    for text in given:
        name, equals, number = text.rpartition("=")
        metric = name if equals else PRIMARY_ENDPOINT[1]
        if metric not in METRICS:
            hint = did_you_mean(metric, METRICS, most=1, cutoff=0.3) or f"there are {', '.join(METRICS)}"
            raise UserError(f"--margin {text}: no metric {metric!r}: {hint}")
        if metric in found:
            raise UserError(f"--margin {text}: {metric} has a margin already; give one for each metric")
        found[metric] = _number(text, number, METRICS[metric].in_points)
    return found or dict(DEFAULT)


def _number(text: str, number: str, in_points: bool) -> float:
    most = _MEANINGLESS if in_points else inf
    try:
        value = float(number)
    except ValueError:
        value = 0
    if not 0 < value < most:
        if in_points:
            raise UserError(f"--margin {text}: give a difference above 0 and below {most:g}; 0.01 is 1 point")
        raise UserError(f"--margin {text}: give mm, above 0")
    return value


def large(margins: Mapping[str, float]) -> str | None:
    """What to ask about; None where no margin is large."""
    found = [f"{name} {value:g}" for name, value in margins.items() if METRICS[name].in_points and value > _LARGE]
    if not found:
        return None
    points = f"{100 * _LARGE:g} points"
    return f"--margin {', '.join(found)}: more than {points} worse would still count as no worse"
