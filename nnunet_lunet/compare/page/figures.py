"""Figures of a comparison: Dice against parameters, learning, channels by level; and the list of all."""

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnunet_lunet import numbers
from nnunet_lunet.compare.page import case_figures, drawing, pruning_figure, shown
from nnunet_lunet.compare.page.drawing import (
    GRAY,
    SHARE_OF_BEST,
    Draw,
    badges,
    entry,
    in_two_lines,
    names,
    of_model,
    size_axis,
)
from nnunet_lunet.compare.page.marks import BLACK, Mark, marks
from nnunet_lunet.compare.record import Comparison, Summary
from nnunet_lunet.compare.words import score

_TIME_UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))


def dice_against_parameters(comparison: Comparison) -> Figure | None:
    """Mean foreground Dice over parameters, with standard deviations, Pareto front and baseline."""
    points = shown.points(comparison)
    if not points:
        return None
    best = max(dice for _, dice in points.values())
    low = {name for name, (_, dice) in points.items() if dice < SHARE_OF_BEST * best}
    looks, summaries = marks(comparison), shown.dice(comparison)
    figure = Figure(figsize=(10, max(4.6, 0.29 * len(points) + 1.2)), layout="constrained")
    axes, key = figure.subplots(1, 2, width_ratios=(2.2, 1))
    for name in points.keys() - low:
        _spread(axes, points[name], summaries[name], looks[name])
    front = [points[name] for name in shown.pareto_front(points) if name not in low]
    axes.plot(*zip(*front, strict=True), drawstyle="steps-post", color=GRAY, linewidth=1.5, zorder=1)
    if comparison.baseline in points.keys() - low:
        axes.axhline(points[comparison.baseline][1], color=BLACK, linestyle=(0, (4, 4)), linewidth=1, zorder=1)
    size_axis(axes, [size for size, _ in points.values()], "parameters")
    axes.set_ylim(bottom=(bottom := axes.get_ylim()[0] - 0.03 * bool(low)))
    axes.set_ylabel("mean foreground Dice")
    axes.grid(axis="y")
    _key(key, comparison, points, looks, low)
    places = {name: (size, bottom if name in low else dice) for name, (size, dice) in points.items()}
    badges(figure, axes, places, looks)
    return figure


def _spread(axes: Any, point: tuple[int, float], summary: Summary, mark: Mark) -> None:
    """A thin bar for the cases, a thick one for the seeds or, with one seed, for the folds."""
    runs = summary.over_seeds if summary.over_seeds is not None else summary.over_folds
    bars = [
        axes.errorbar(*point, yerr=summary.over_cases, color=mark.colour, linewidth=1.2, capsize=3, zorder=2),
        axes.errorbar(*point, yerr=runs, color=mark.colour, linewidth=4, zorder=3, marker="o", markersize=5),
    ]
    of_model(mark, *bars)


def _key(
    axes: Any, comparison: Comparison, points: dict[str, tuple[int, float]], looks: dict[str, Mark], low: set[str]
) -> None:
    lines = {"Pareto front": (GRAY, "-", 1.5)}
    if comparison.baseline in points.keys() - low:
        lines[f"Dice of the baseline ({looks[comparison.baseline].number})"] = (BLACK, "--", 1)
    below = {name: f" ({score(points[name][1], 'dice')}, below the axis)" for name in low}
    names(axes, list(points), looks, below)
    for row, (text, (colour, style, width)) in enumerate(lines.items(), len(points)):
        axes.plot([0, 0.08], [row, row], color=colour, linestyle=style, linewidth=width)
        entry(axes, text, row)


def learning(comparison: Comparison) -> Figure | None:
    """A line a model: nnU-Net's pseudo Dice after each epoch, over epochs and over the time that they took."""
    lines = shown.learning(comparison)
    if not lines:
        return None
    looks = marks(comparison)
    figure = Figure(figsize=(10, max(4.2, 0.27 * len(lines) + 0.8)), layout="constrained")
    by_epoch, by_time, key = figure.subplots(1, 3, width_ratios=(1.2, 1.2, 1))
    longest = max(seconds[-1] for seconds, _ in lines.values())
    unit, length = next((pair for pair in _TIME_UNITS if longest > 2 * pair[1]), _TIME_UNITS[-1])
    ends: dict[Any, dict[str, tuple[float, float]]] = {by_epoch: {}, by_time: {}}
    for axes, of_axes in ends.items():
        for name, (seconds, dice) in lines.items():
            x = range(1, len(dice) + 1) if axes is by_epoch else [value / length for value in seconds]
            drawn = axes.plot(x, dice, color=looks[name].colour, linewidth=1.2, linestyle=looks[name].dashes)
            of_axes[name] = [end for end in zip(x, dice, strict=True) if not math.isnan(end[1])][-1]
            # The badge may have to stand beside it.
            drawn += axes.plot(*of_axes[name], marker="o", markersize=4, color=looks[name].colour)
            of_model(looks[name], *drawn)
        axes.set_ylim(bottom=0)
        axes.margins(x=0.08)
        # Room for badges beside each other.
        axes.set_xlim(right=axes.get_xlim()[1] + 0.012 * len(lines) * np.ptp(axes.get_xlim()))
        axes.grid(axis="y")
    by_epoch.set(xlabel="epoch", ylabel="pseudo Dice (moving average)")
    by_epoch.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    by_time.set_xlabel(f"{unit} of training epochs")
    by_time.tick_params(labelleft=False)
    by_time.set_ylim(by_epoch.get_ylim())
    names(key, list(lines), looks)
    for axes, places in ends.items():
        badges(figure, axes, places, looks)
    return figure


def channels(comparison: Comparison) -> Figure | None:
    """A panel a model: channels of the convolutions of each resolution, the highest on top, all on one scale."""
    counts = {model.name: model.cost.network.channels_per_level for model in comparison.models}
    known = {name: values for name, values in counts.items() if values}
    if not known:
        return None
    columns = min(4, len(known))
    rows = math.ceil(len(known) / columns)
    levels = max(len(values) for values in known.values())
    figure = Figure(figsize=(10, rows * (0.21 * levels + 0.65) + 0.4), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)
    looks = marks(comparison)
    for axes, (name, values) in zip(panels, known.items(), strict=False):
        bars = axes.barh(range(len(values)), values, color=looks[name].colour, height=0.72)
        texts = axes.bar_label(bars, [numbers.whole(value) for value in values], padding=3, fontsize=8)
        title = axes.set_title(f"{looks[name].number}  {in_two_lines(name, 30)}", fontsize=8.5, loc="left")
        of_model(looks[name], bars, *texts, title)
    for axes in panels[len(known) :]:
        axes.set_axis_off()
    panels[0].set_yticks(range(levels))
    panels[0].xaxis.set_major_locator(MaxNLocator(3))
    panels[0].set(ylim=(levels - 0.5, -0.5), xlim=(0, 1.22 * max(max(values) for values in known.values())))
    figure.supylabel("level (0: full resolution)", fontsize=9)
    figure.supxlabel("channels, summed over the convolutions of a level", fontsize=9)
    return figure


#: All figures by name, the main one first.
ALL: dict[str, Draw] = {
    "dice_against_parameters": dice_against_parameters, "learning": learning, "distribution": case_figures.distribution,
    "differences": case_figures.differences, "channels": channels,
    "dice_along_pruning": pruning_figure.dice_along_pruning,
}  # fmt: skip


def drawn(comparison: Comparison) -> dict[str, Figure]:
    """Those of :data:`ALL` that there is something to draw in."""
    found = {name: drawing.figure(draw, comparison) for name, draw in ALL.items()}
    return {name: figure for name, figure in found.items() if figure is not None}
