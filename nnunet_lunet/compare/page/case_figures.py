"""Figures with a dot for each case: Dice of each model, and what it differs by from the baseline."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from nnunet_lunet import numbers
from nnunet_lunet.compare.page import shown
from nnunet_lunet.compare.page.drawing import BOX, GRAY, SHARE_OF_BEST, in_two_lines, of_model
from nnunet_lunet.compare.page.marks import BLACK, Mark, marks
from nnunet_lunet.compare.record import Comparison, Test
from nnunet_lunet.compare.words import main_tests, score

#: Models with a mean difference of more than so many points did not learn; they are written at the edge.
_FAR = 25
#: More cases than this are drawn as pixels.
_DOTS = 200
#: The axis ends where the boxes' whiskers do if all dots would make it longer by more than this factor.
_STRETCH = 1.6
#: By model the values of its cases.
_Rows = Mapping[str, np.ndarray]
_EDGES = (("right", "◂", 0.003), ("left", "▸", 0.997))


def distribution(comparison: Comparison) -> Figure | None:
    """A row of dots a model, a dot a case: foreground Dice, quartiles, median and mean."""
    rows = {name: np.array(list(cases.values())) for name, cases in shown.dice_by_case(comparison).items() if cases}
    if not rows:
        return None
    best = max(values.mean() for values in rows.values())
    near = {name: values for name, values in rows.items() if values.mean() >= SHARE_OF_BEST * best}
    looks = marks(comparison)
    figure, axes = _rows(rows, near, [], looks, lambda value: score(value, "dice"))
    for row, (name, values) in enumerate(rows.items()):
        if name in near:
            of_model(looks[name], *axes.plot(values.mean(), row, color=BLACK, marker="D", markersize=5, zorder=4))
    axes.set_xlabel("foreground Dice")
    return figure


def differences(comparison: Comparison) -> Figure | None:
    """A row of dots a model, a dot a case: foreground Dice minus the baseline's, quartiles, mean and its interval."""
    rows = {name: 100 * np.array(list(cases.values())) for name, cases in shown.differences(comparison).items()}
    if not rows:
        return None
    looks, tests = marks(comparison), {test.model: test for test in main_tests(comparison)}
    near = {name: points for name, points in rows.items() if abs(points.mean()) < _FAR} or rows
    margins = {-100 * test.margin for test in tests.values() if test.margin is not None and test.verdict}
    figure, axes = _rows(rows, near, [0, *margins], looks, lambda value: numbers.signed(value, 1))
    for row, name in enumerate(rows):
        if name in near and (test := tests.get(name)):
            _interval(axes, row, test, looks[name])
    axes.axvline(0, color=BLACK, linewidth=1, zorder=1)
    for limit in margins:
        axes.axvline(limit, color=BLACK, linestyle=":", linewidth=1.2, zorder=1)
    axes.set_xlabel(f"foreground Dice minus that of the baseline ({looks[comparison.baseline].number}), points of 0.01")
    return figure


def limits(rows: _Rows, always: Sequence[float]) -> tuple[float, float]:
    """Of the axis: all dots where that is not much more than all whiskers, or else the whiskers.

    :param rows: a value for each case of a model
    :param always: what has to be on the axis
    """
    every = np.concatenate([*rows.values(), np.array(always)])
    typical = np.concatenate([np.array(always), *map(_within_whiskers, rows.values())])
    values = every if np.ptp(every) <= _STRETCH * np.ptp(typical) else typical
    room = 0.05 * np.ptp(values) or 0.01
    return float(values.min() - room), float(values.max() + room)


def _within_whiskers(points: np.ndarray) -> np.ndarray:
    """Not further from the quartiles than 1.5 times their distance (Tukey), as the boxes are drawn."""
    first, third = np.percentile(points, (25, 75))
    reach = 1.5 * (third - first)
    return points[(first - reach <= points) & (points <= third + reach)]


def _rows(
    rows: _Rows, near: _Rows, always: Sequence[float], looks: dict[str, Mark], show: Callable[[float], str]
) -> tuple[Figure, Any]:
    """One failed case, or model, would press all others together: what lies beyond the axis is an arrow at its end.

    :param near: of the ``rows``, those that have to be on the axis, as ``always`` has to
    """
    figure = Figure(figsize=(10, (0.62 if len(rows) < 8 else 0.42) * len(rows) + 1), layout="constrained")
    axes = figure.subplots()
    low, high = limits(near, always)
    axes.set(xlim=(low, high), ylim=(len(rows) - 0.5, -0.5))
    axes.set_yticks(range(len(rows)), [f"{looks[name].number}  {in_two_lines(name, 38)}" for name in rows], fontsize=9)
    axes.grid(axis="x")
    for row, (name, points) in enumerate(rows.items()):
        of_model(looks[name], axes.get_yticklabels()[row])
        if name in near:
            inside = (low <= points) & (points <= high)
            _dots(axes, row, points, inside, looks[name])
            _beyond(axes, row, points[~inside], looks[name], show)
        else:
            _at_edge(axes, row, f"mean {show(points.mean())}", bool(points.mean() > high), looks[name])
    return figure, axes


def _dots(axes: Any, row: int, points: np.ndarray, inside: np.ndarray, mark: Mark) -> None:
    """A box of all points, and a dot for each of those ``inside`` the axis."""
    box = axes.boxplot(
        points, positions=[row], orientation="horizontal", widths=0.62, showfliers=False, patch_artist=True,
        boxprops={"facecolor": BOX, "edgecolor": GRAY}, medianprops={"color": GRAY},
        whiskerprops={"color": GRAY}, capprops={"color": GRAY}, manage_ticks=False,
    )  # fmt: skip
    height = row + np.random.default_rng(row).uniform(-0.24, 0.24, len(points))
    # Of thousands of dots an SVG would become larger than the rest of the page.
    dots = axes.scatter(
        points[inside], height[inside], s=16, color=mark.colour, alpha=0.75, linewidths=0, zorder=3,
        rasterized=len(points) > _DOTS,
    )  # fmt: skip
    of_model(mark, dots, *(part for parts in box.values() for part in parts))


def _beyond(axes: Any, row: int, points: np.ndarray, mark: Mark, show: Callable[[float], str]) -> None:
    """How many cases are beyond each end of the axis, and how far the furthest is."""
    low, high = axes.get_xlim()
    for of_side, is_high in ((points[points < low], False), (points[points > high], True)):
        if len(of_side):
            furthest = show(of_side.max() if is_high else of_side.min())
            text = furthest if len(of_side) == 1 else f"{len(of_side)} cases to {furthest}"
            _at_edge(axes, row, text, is_high, mark)


def _at_edge(axes: Any, row: int, text: str, is_high: bool, mark: Mark) -> None:
    side, arrow, x = _EDGES[is_high]
    # Above the dots, where an interval leaves room.
    label = axes.annotate(
        f"{text} {arrow}" if is_high else f"{arrow} {text}", (x, row - 0.26), xycoords=("axes fraction", "data"),
        va="center", ha="right" if side == "left" else "left", fontsize=8,
    )  # fmt: skip
    of_model(mark, label)


def _interval(axes: Any, row: int, test: Test, mark: Mark) -> None:
    """Mean and interval; an arrow head where it goes on beyond the axis."""
    low, high = axes.get_xlim()
    mean, *ends = (100 * value for value in (test.difference, test.low, test.high))
    parts = axes.plot(np.clip(ends, low, high), [row, row], color=BLACK, linewidth=2.5, zorder=4)
    parts += axes.plot(np.clip(mean, low, high), row, color=BLACK, marker="D", markersize=5, zorder=4)
    for end, edge, head in ((ends[0], low, "<"), (ends[1], high, ">")):
        if not low <= end <= high:
            parts += axes.plot(edge, row, color=BLACK, marker=head, markersize=8, clip_on=False, zorder=4)
    of_model(mark, *parts)
