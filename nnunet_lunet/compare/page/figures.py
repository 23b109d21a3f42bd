"""Figures of a comparison: Dice against parameters, learning, differences by case, channels by level; their list."""

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnunet_lunet import numbers
from nnunet_lunet.compare.page import pruning_figure, shown
from nnunet_lunet.compare.page.drawing import GRAY, Draw, badges, entry, in_two_lines, names, size_axis
from nnunet_lunet.compare.page.marks import BLACK, Mark, marks
from nnunet_lunet.compare.record import Comparison, Summary
from nnunet_lunet.compare.words import main_tests, score

#: Models that did not learn are written at the edge of a figure, so that the others can be told apart: those with less
#: than this share of the best Dice, and with a mean difference of more than so many points.
_SHARE_OF_BEST, _FAR = 0.5, 25
_TIME_UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))
#: More cases than this are drawn as pixels.
_DOTS = 200


def dice_against_parameters(comparison: Comparison) -> Figure | None:
    """Mean foreground Dice over parameters, with standard deviations, Pareto front and baseline."""
    points = shown.points(comparison)
    if not points:
        return None
    best = max(dice for _, dice in points.values())
    low = {name for name, (_, dice) in points.items() if dice < _SHARE_OF_BEST * best}
    looks, summaries = marks(comparison), shown.dice(comparison)
    figure = Figure(figsize=(10, max(4.6, 0.29 * len(points) + 1.2)), layout="constrained")
    axes, key = figure.subplots(1, 2, width_ratios=(2.2, 1))
    for name in points.keys() - low:
        _spread(axes, points[name], summaries[name], looks[name].colour)
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


def _spread(axes: Any, point: tuple[int, float], summary: Summary, colour: str) -> None:
    """A thin bar for the cases, a thick one for the seeds or, with one seed, for the folds."""
    runs = summary.over_seeds if summary.over_seeds is not None else summary.over_folds
    axes.errorbar(*point, yerr=summary.over_cases, color=colour, linewidth=1.2, capsize=3, zorder=2)
    axes.errorbar(*point, yerr=runs, color=colour, linewidth=4, zorder=3, marker="o", markersize=5)


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
    for axes in (by_epoch, by_time):
        ends = {}
        for name, (seconds, dice) in lines.items():
            x = range(1, len(dice) + 1) if axes is by_epoch else [value / length for value in seconds]
            axes.plot(x, dice, color=looks[name].colour, linewidth=1.2, linestyle=looks[name].dashes)
            ends[name] = [end for end in zip(x, dice, strict=True) if not math.isnan(end[1])][-1]
            # The badge may have to stand beside it.
            axes.plot(*ends[name], marker="o", markersize=4, color=looks[name].colour)
        axes.set_ylim(bottom=0)
        axes.margins(x=0.08)
        axes.grid(axis="y")
        badges(figure, axes, ends, looks)
    by_epoch.set(xlabel="epoch", ylabel="pseudo Dice (moving average)")
    by_epoch.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    by_time.set_xlabel(f"{unit} of training epochs")
    by_time.tick_params(labelleft=False)
    by_time.set_ylim(by_epoch.get_ylim())
    names(key, list(lines), looks)
    return figure


def differences(comparison: Comparison) -> Figure | None:
    """A row of dots a model, a dot a case: foreground Dice minus the baseline's, quartiles, mean and its interval."""
    rows = {name: 100 * np.array(list(cases.values())) for name, cases in shown.differences(comparison).items()}
    if not rows:
        return None
    figure = Figure(figsize=(10, (0.62 if len(rows) < 8 else 0.42) * len(rows) + 1), layout="constrained")
    axes = figure.subplots()
    looks, tests = marks(comparison), {test.model: test for test in main_tests(comparison)}
    near = [name for name, points in rows.items() if abs(points.mean()) < _FAR] or list(rows)
    for row, (name, points) in enumerate(rows.items()):
        if name in near:
            _distribution(axes, row, points, looks[name].colour)
        else:
            side, arrow = ("left", "◂ mean {}") if points.mean() < 0 else ("right", "mean {} ▸")
            axes.annotate(
                arrow.format(numbers.fixed(points.mean(), 1)), (0.01 if side == "left" else 0.99, row), va="center",
                xycoords=("axes fraction", "data"), ha=side, fontsize=9,
            )  # fmt: skip
        if name in near and (test := tests.get(name)):
            mean, low, high = 100 * test.difference, 100 * test.low, 100 * test.high
            axes.plot([low, high], [row, row], color=BLACK, linewidth=2.5, zorder=4)
            axes.plot(mean, row, color=BLACK, marker="D", markersize=5, zorder=4)
    axes.axvline(0, color=BLACK, linewidth=1, zorder=1)
    for limit in {-100 * test.margin for test in tests.values() if test.margin is not None and test.verdict}:
        axes.axvline(limit, color=BLACK, linestyle=":", linewidth=1.2, zorder=1)
    axes.set_yticks(range(len(rows)), [f"{looks[name].number}  {in_two_lines(name, 38)}" for name in rows], fontsize=9)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"foreground Dice minus that of the baseline ({looks[comparison.baseline].number}), points of 0.01")
    axes.grid(axis="x")
    return figure


def _distribution(axes: Any, row: int, points: np.ndarray, colour: str) -> None:
    axes.boxplot(
        points, positions=[row], orientation="horizontal", widths=0.62, showfliers=False, patch_artist=True,
        boxprops={"facecolor": "#f3f4f6", "edgecolor": GRAY}, medianprops={"color": GRAY},
        whiskerprops={"color": GRAY}, capprops={"color": GRAY},
    )  # fmt: skip
    height = row + np.random.default_rng(row).uniform(-0.24, 0.24, len(points))
    # Of thousands of dots an SVG would become larger than the rest of the page.
    axes.scatter(points, height, s=16, color=colour, alpha=0.75, linewidths=0, zorder=3, rasterized=len(points) > _DOTS)


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
        axes.bar_label(bars, [numbers.whole(value) for value in values], padding=3, fontsize=8)
        axes.set_title(f"{looks[name].number}  {in_two_lines(name, 30)}", fontsize=8.5, loc="left")
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
    "dice_against_parameters": dice_against_parameters, "learning": learning, "differences": differences,
    "channels": channels, "dice_along_pruning": pruning_figure.dice_along_pruning,
}  # fmt: skip
