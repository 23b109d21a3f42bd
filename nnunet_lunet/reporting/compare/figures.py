"""Figures of a comparison: Dice against parameters, differences by case, channels by level."""

import io
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import fmean
from typing import IO, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter

from nnunet_lunet.reporting.compare.comparison import FOREGROUND, Comparison, Summary
from nnunet_lunet.reporting.compare.marks import BLACK, Mark, marks
from nnunet_lunet.reporting.compare.words import main_tests

GRAY = "#6b7280"
_STYLE = {
    # Text stays text in an SVG, in the reader's fonts; the salt makes the same figure the same bytes.
    "svg.fonttype": "none", "svg.hashsalt": "nnunet-lunet", "font.size": 10, "text.color": BLACK,
    "axes.labelcolor": BLACK, "axes.edgecolor": GRAY, "xtick.color": GRAY, "ytick.color": GRAY,
    "xtick.labelcolor": BLACK, "ytick.labelcolor": BLACK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.axisbelow": True, "grid.color": "#e5e7eb", "text.parse_math": False,
}  # fmt: skip
#: Diameter of a model's badge, in points.
_BADGE = 15


def svg(draw: Callable[[Comparison], Figure | None], comparison: Comparison) -> bytes | None:
    """One of the figures below as SVG; None where there is nothing to draw."""
    with _style():
        figure = draw(comparison)
        if figure is None:
            return None
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return buffer.getvalue()


def write_png(comparison: Comparison, file: IO[bytes]) -> bool:
    """The main figure, :func:`dice_against_parameters`; False, and nothing written, where there is nothing to draw."""
    with _style():
        figure = dice_against_parameters(comparison)
        if figure is not None:
            figure.savefig(file, format="png", dpi=200)
    return figure is not None


@contextmanager
def _style() -> Iterator[None]:
    # nnU-Net's own plot leaves seaborn's style with letters of two and a half times the size behind.
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **_STYLE}), warnings.catch_warnings():
        # Names in scripts that matplotlib's font lacks: an SVG shows them all the same.
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        yield


def pareto_front(points: dict[str, tuple[int, float]]) -> list[str]:
    """Models for which no other has at most as many parameters and a higher Dice; fewest parameters first.

    :param points: parameters and Dice by model
    """
    front: list[str] = []
    for name in sorted(points, key=lambda name: (points[name][0], -points[name][1])):
        if not front or points[name][1] > points[front[-1]][1]:
            front.append(name)
    return front


def plotted(comparison: Comparison) -> dict[str, tuple[int, float]]:
    """Parameters and mean foreground Dice of the models that have both."""
    sizes = {model.name: model.cost.parameters for model in comparison.models}
    return {
        name: (size, summary.mean)
        for name, summary in _dice(comparison).items()
        if (size := sizes.get(name)) and summary.mean is not None
    }


def dice_against_parameters(comparison: Comparison) -> Figure | None:
    """Mean foreground Dice over parameters, with standard deviations, Pareto front and baseline."""
    points = plotted(comparison)
    if not points:
        return None
    rows = len(points)
    figure = Figure(figsize=(10, max(4.6, 0.27 * rows + 1.2)), layout="constrained")
    axes, key = figure.subplots(1, 2, width_ratios=(2.3, 1))
    summaries, looks = _dice(comparison), marks(comparison)
    for name, (size, dice) in points.items():
        summary, colour = summaries[name], looks[name].colour
        runs = summary.over_seeds if summary.over_seeds is not None else summary.over_folds
        axes.errorbar(size, dice, yerr=summary.over_cases, color=colour, linewidth=1.2, capsize=3, zorder=2)
        axes.errorbar(size, dice, yerr=runs, color=colour, linewidth=4, zorder=3, marker="o", markersize=5)
    front = [points[name] for name in pareto_front(points)]
    axes.plot(*zip(*front, strict=True), drawstyle="steps-post", color=GRAY, linewidth=1.5, zorder=1)
    if comparison.baseline in points:
        axes.axhline(points[comparison.baseline][1], color=BLACK, linestyle=(0, (4, 4)), linewidth=1, zorder=1)
    _parameter_axis(axes, [size for size, _ in points.values()])
    axes.set_ylabel("mean foreground Dice")
    axes.grid(axis="y")
    _key(key, comparison, points, looks)
    _badges(figure, axes, {name: points[name] for name in points}, looks)
    return figure


def _dice(comparison: Comparison) -> dict[str, Summary]:
    found = {s.model: s for s in comparison.summaries if (s.label, s.metric) == (FOREGROUND, "dice")}
    return {model.name: found[model.name] for model in comparison.models if model.name in found}


def _parameter_axis(axes: Any, sizes: list[int]) -> None:
    low, high = min(sizes), max(sizes)
    room = max((high / low) ** 0.08, 1.35)
    axes.set_xscale("log")
    axes.set_xlim(low / room, high * room)
    narrow = high * room / (low / room) < 300
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("parameters (logarithmic)")


def _key(axes: Any, comparison: Comparison, points: dict[str, tuple[int, float]], looks: dict[str, Mark]) -> None:
    axes.set_axis_off()
    rows = max(len(points), 15)
    axes.set(xlim=(0, 1), ylim=(rows + 1.5, -0.5))
    for row, name in enumerate(points):
        _badge(axes, looks[name], (0.04, row))
        axes.annotate(shortened(name, 34), (0.04, row), (12, 0), textcoords="offset points", va="center", fontsize=9)
    lines = {"Pareto front": (GRAY, "-", 1.5), f"Dice of {looks[comparison.baseline].number}, the baseline": (BLACK, "--", 1)}
    for row, (text, (colour, style, width)) in enumerate(lines.items(), len(points)):
        axes.plot([0, 0.08], [row, row], color=colour, linestyle=style, linewidth=width)
        axes.annotate(text, (0.04, row), (12, 0), textcoords="offset points", va="center", fontsize=9)


def _badges(figure: Figure, axes: Any, points: dict[str, tuple[int, float]], looks: dict[str, Mark]) -> None:
    """Each badge on its point, or beside it with a line to it where another one is there already."""
    figure.draw_without_rendering()
    scale = 72 / figure.dpi
    places = {name: axes.transData.transform(point) * scale for name, point in points.items()}
    taken: list[np.ndarray] = []
    for name, place in places.items():
        # Straight to the sides first: above and below are the error bars.
        offsets = (
            (radius * math.cos(angle), radius * math.sin(angle))
            for radius in (0, *range(_BADGE + 1, 300, _BADGE // 2))
            for angle in (0, math.pi, 0.5, -0.5, math.pi - 0.5, math.pi + 0.5, 1, -1)
        )
        offset = next(o for o in offsets if all(math.dist(place + o, other) > _BADGE for other in taken))
        taken.append(place + offset)
        _badge(axes, looks[name], points[name], offset)


def _badge(axes: Any, mark: Mark, place: tuple[float, float], offset: tuple[float, float] = (0, 0)) -> None:
    line = {"arrowstyle": "-", "color": mark.colour, "linewidth": 1} if any(offset) else None
    axes.annotate(
        "", place, offset, textcoords="offset points", arrowprops=line, annotation_clip=False, zorder=4,
    )  # fmt: skip
    axes.annotate(
        str(mark.number), place, offset, textcoords="offset points", ha="center", va="center_baseline", fontsize=8,
        fontweight="bold", color=mark.ink, zorder=5, annotation_clip=False,
        bbox={"boxstyle": f"circle,pad={0.3 if mark.number < 10 else 0.1}", "facecolor": mark.colour, "edgecolor": "white"},
    )  # fmt: skip


def shortened(name: str, length: int) -> str:
    """The beginning and the end of a long name."""
    if len(name) <= length:
        return name
    return f"{name[: length - length // 2 - 1]}…{name[-(length // 2) :]}"


def per_case(comparison: Comparison) -> dict[str, dict[str, float]]:
    """Foreground Dice by model and case, the mean over the runs that have the case."""
    values: dict[str, dict[str, list[float]]] = {model.name: {} for model in comparison.models}
    for entry in comparison.scores:
        if entry.label == FOREGROUND and entry.dice is not None:
            values[entry.model].setdefault(entry.case, []).append(entry.dice)
    return {model: {case: fmean(found) for case, found in cases.items()} for model, cases in values.items()}


def paired(comparison: Comparison) -> dict[str, dict[str, float]]:
    """Foreground Dice minus the baseline's by model and case, of the models that share a case with the baseline."""
    values = per_case(comparison)
    baseline = values.pop(comparison.baseline, {})
    differences = {
        model: {case: dice - baseline[case] for case, dice in cases.items() if case in baseline}
        for model, cases in values.items()
    }
    return {model: cases for model, cases in differences.items() if cases}


def differences(comparison: Comparison) -> Figure | None:
    """A row of dots a model, a dot a case: foreground Dice minus the baseline's, with quartiles, mean and its interval."""
    rows = paired(comparison)
    if not rows:
        return None
    figure = Figure(figsize=(10, 0.62 * len(rows) + 1), layout="constrained")
    axes = figure.subplots()
    looks, tests = marks(comparison), {test.model: test for test in main_tests(comparison)}
    random = np.random.default_rng(0)
    for row, (name, cases) in enumerate(rows.items()):
        points = 100 * np.array(list(cases.values()))
        axes.boxplot(
            points, positions=[row], orientation="horizontal", widths=0.62, showfliers=False, patch_artist=True,
            boxprops={"facecolor": "#f3f4f6", "edgecolor": GRAY}, medianprops={"color": GRAY},
            whiskerprops={"color": GRAY}, capprops={"color": GRAY},
        )  # fmt: skip
        axes.scatter(
            points, row + random.uniform(-0.24, 0.24, len(points)), s=16, color=looks[name].colour, alpha=0.75,
            linewidths=0, zorder=3,
        )  # fmt: skip
        if test := tests.get(name):
            interval = [[100 * (test.difference - test.low)], [100 * (test.high - test.difference)]]
            axes.errorbar(
                100 * test.difference, row, xerr=interval, color=BLACK, marker="D", markersize=5, linewidth=2.5, zorder=4
            )
    axes.axvline(0, color=BLACK, linewidth=1, zorder=1)
    for limit in {-100 * test.margin for test in tests.values() if test.margin is not None}:
        axes.axvline(limit, color=BLACK, linestyle=":", linewidth=1.2, zorder=1)
    axes.set_yticks(range(len(rows)), [f"{shortened(name, 36)}  ({looks[name].number})" for name in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"foreground Dice minus that of the baseline ({looks[comparison.baseline].number}), points of 0.01")
    axes.grid(axis="x")
    return figure


def channels(comparison: Comparison) -> Figure | None:
    """A panel a model: channels of the convolutions of each resolution, the highest on top, all on one scale."""
    models = [model for model in comparison.models if model.cost.channels_per_level]
    if not models:
        return None
    columns = min(4, len(models))
    rows = math.ceil(len(models) / columns)
    levels = max(len(model.cost.channels_per_level or []) for model in models)
    figure = Figure(figsize=(2.5 * columns, rows * (0.21 * levels + 0.75)), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat
    looks = marks(comparison)
    for axes, model in zip(panels, models, strict=False):
        counts = model.cost.channels_per_level or []
        bars = axes.barh(range(len(counts)), counts, color=looks[model.name].colour, height=0.72)
        axes.bar_label(bars, [f"{count:,}" for count in counts], padding=3, fontsize=8)
        axes.set_title(f"{looks[model.name].number}  {shortened(model.name, 26)}", fontsize=9, loc="left")
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.set_yticks(range(levels))
    for axes in list(figure.axes)[len(models) :]:
        axes.set_axis_off()
    first = figure.axes[0]
    first.set_ylim(levels - 0.5, -0.5)
    first.set_xlim(0, 1.22 * max(max(model.cost.channels_per_level or [0]) for model in models))
    figure.supylabel("level (0: full resolution)", fontsize=9)
    figure.supxlabel("channels, summed over the convolutions of a level", fontsize=9)
    return figure
