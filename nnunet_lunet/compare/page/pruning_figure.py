"""Figure of pruning runs: where along the way Dice falls."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from nnunet_lunet.compare.page import shown
from nnunet_lunet.compare.page.drawing import GRAY, badges, entry, names, of_model, size_axis
from nnunet_lunet.compare.page.marks import PAPER, Mark, marks
from nnunet_lunet.compare.record import Comparison

#: More dots than this are drawn as pixels.
_DOTS = 300
_AXES = ("parameters", "multiply-adds")
_SQUARE = {"marker": "s", "markersize": 6, "markerfacecolor": PAPER, "markeredgewidth": 1.4, "linestyle": "none"}
_BEHIND = {"facecolor": PAPER, "alpha": 0.75, "linewidth": 0, "pad": 0.5}


def dice_along_pruning(comparison: Comparison) -> Figure | None:
    """Pseudo Dice of each pruning model over what its network costs, and validated Dice of all models for reference."""
    lines = shown.pruning(comparison)
    if not lines:
        return None
    looks, validated = marks(comparison), _validated(comparison)
    figure = Figure(figsize=(10, max(4.6, 0.27 * (len(comparison.models) + 6) + 0.8)), layout="constrained")
    *panels, key = figure.subplots(1, 3, width_ratios=(1.2, 1.2, 1))
    placed = []
    for axis, (axes, what) in enumerate(zip(panels, _AXES, strict=True)):
        for line in lines:
            _draw(axes, line, axis, looks[line.model])
        places = {name: (size, dice) for name, (costs, dice) in validated.items() if (size := costs[axis])}
        sizes = [point[axis] for line in lines for point in line.points] + [size for size, _ in places.values()]
        size_axis(axes, sizes, what)
        axes.set_ylim(*_range(lines, validated))
        axes.grid(axis="y")
        placed.append((axes, places))
    panels[0].set_ylabel("pseudo Dice, of random patches during training")
    panels[1].tick_params(labelleft=False)
    _key(key, [model.name for model in comparison.models], looks, any(line.kept for line in lines))
    for axes, places in placed:
        badges(figure, axes, places, looks)
    return figure


def _validated(comparison: Comparison) -> dict[str, tuple[tuple[int | None, int | None], float]]:
    """By model its parameters and multiply-adds, and its mean foreground Dice."""
    networks = {model.name: model.cost.network for model in comparison.models}
    return {
        name: ((networks[name].parameters, networks[name].multiply_adds), summary.mean)
        for name, summary in shown.dice(comparison).items()
        if summary.mean is not None
    }


def _draw(axes: Any, line: shown.PruningLine, axis: int, mark: Mark) -> None:
    every, drawn = ([(point[axis], point.pseudo_dice) for point in points] for points in (line.epochs, line.points))
    dots = axes.scatter(
        *zip(*every, strict=True), s=8, color=mark.colour, alpha=0.3, linewidths=0, rasterized=len(every) > _DOTS
    )
    lines = axes.plot(*zip(*drawn, strict=True), color=mark.colour, linewidth=1.3, linestyle=mark.dashes)
    of_model(mark, dots, *lines)
    for percent, point in line.kept.items():
        place = (point[axis], point.pseudo_dice)
        square = axes.plot(*place, markeredgecolor=mark.colour, zorder=3, **_SQUARE)
        text = axes.annotate(
            percent, place, (0, 6), textcoords="offset points", ha="center", fontsize=8, zorder=3, bbox=_BEHIND
        )
        of_model(mark, *square, text)


def _range(lines: list[shown.PruningLine], validated: Mapping[str, tuple[Any, float]]) -> tuple[float, float]:
    values = [point.pseudo_dice for line in lines for point in (*line.points, *line.kept.values())]
    values += [dice for _, dice in validated.values()]
    room = max(0.06 * (max(values) - min(values)), 0.01)
    return min(values) - room, max(values) + 1.5 * room


def _key(axes: Any, models: list[str], looks: dict[str, Mark], kept: bool) -> None:
    names(axes, models, looks)
    row = len(models) + 0.3
    entry(axes, "numbers: validated Dice, of whole cases\n(another measure than the lines)", row)
    axes.plot([0, 0.08], [row + 1.5, row + 1.5], color=GRAY, linewidth=1.3)
    entry(axes, "a model's pseudo Dice, mean of its runs", row + 1.5)
    axes.plot(0.04, row + 2.5, marker="o", markersize=3, color=GRAY, linestyle="none")
    entry(axes, "an epoch of one run", row + 2.5)
    if kept:
        axes.plot(0.04, row + 3.5, markeredgecolor=GRAY, **_SQUARE)
        entry(axes, "a checkpoint kept, at % of the channels", row + 3.5)
    axes.set_ylim(max(row + 4.5, 14.5), -0.5)
