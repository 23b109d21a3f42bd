"""Figures over data sets: differences to the baseline with their intervals, and how stable ranks are."""

import math
from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure

from nnunet_lunet.compare import words
from nnunet_lunet.compare.over.record import OverDatasets, Ranking
from nnunet_lunet.compare.page import drawing
from nnunet_lunet.compare.page.drawing import GRAY, GRID, in_two_lines, names
from nnunet_lunet.compare.page.marks import BLACK, Mark, of_names
from nnunet_lunet.compare.record import PRIMARY_ENDPOINT

#: Differences of more points than this are written at the edge, so that the others can be told apart.
_FAR = 25
#: Panels beside each other, and the diameter in points of a rank that all resamples have.
_COLUMNS, _BLOB = 3, 24


def looks(over: OverDatasets) -> dict[str, Mark]:
    """Number and colour of each model."""
    return of_names(over.models, over.baseline)


def differences(over: OverDatasets) -> Figure | None:
    """A block a data set, a line a model: difference with its interval; below, the means over data sets."""
    others = [model for model in over.models if model != over.baseline]
    tested = {(cell.dataset, cell.model): cell for cell in over.cells if cell.test is not None}
    means = over.means
    if not tested:
        return None
    blocks = [*over.datasets, *["mean over data sets"] * bool(means)]
    figure = Figure(figsize=(10, max(3.2, 0.24 * len(blocks) * (len(others) + 1) + 1.2)), layout="constrained")
    axes, key = figure.subplots(1, 2, width_ratios=(2.6, 1))
    marks = looks(over)
    step = len(others) + 1
    for block, name in enumerate(blocks):
        for place, model in enumerate(others):
            row = block * step + place
            cell = tested.get((name, model))
            if cell is not None and cell.test is not None:
                _line(axes, row, marks[model], (cell.test.difference, cell.test.low, cell.test.high), "o")
            elif name in over.datasets:
                axes.annotate(
                    "missing", (0, row), va="center", ha="center", fontsize=8, color=GRAY,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
                )  # fmt: skip
            elif model in means:
                _line(axes, row, marks[model], (means[model].mean, means[model].low, means[model].high), "D")
        if block:
            axes.axhline(block * step - 1, color="#e5e7eb", linewidth=1, zorder=0)
    axes.axvline(0, color=BLACK, linewidth=1, zorder=1)
    if over.margin is not None:
        axes.axvline(-100 * over.margin, color=BLACK, linestyle=":", linewidth=1.2, zorder=1)
    middles = [block * step + (len(others) - 1) / 2 for block in range(len(blocks))]
    axes.set_yticks(middles, [in_two_lines(name, 24) for name in blocks], fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(blocks) * step - 1, -1)
    axes.set_xlabel(f"foreground Dice minus that of {in_two_lines(over.baseline, 40)}, {_unit()} of 0.01")
    axes.grid(axis="x")
    names(key, others, marks)
    return figure


def _unit() -> str:
    return words.unit(PRIMARY_ENDPOINT[1])


def _line(axes: Any, row: float, mark: Mark, numbers: tuple[float, float | None, float | None], marker: str) -> None:
    middle, low, high = (None if value is None else 100 * value for value in numbers)
    assert middle is not None
    if abs(middle) > _FAR:
        side, text = ("left", "◂ {}") if middle < 0 else ("right", "{} ▸")
        axes.annotate(
            text.format(words.difference(numbers[0], PRIMARY_ENDPOINT[1])), (0.01 if side == "left" else 0.99, row),
            xycoords=("axes fraction", "data"), va="center", ha=side, fontsize=8, color=mark.colour,
        )  # fmt: skip
        return
    if low is not None:
        axes.plot([low, high], [row, row], color=mark.colour, linewidth=2, zorder=3)
    axes.plot(middle, row, color=mark.colour, marker=marker, markersize=6, zorder=4)


def rank_stability(over: OverDatasets) -> Figure | None:
    """A panel a data set, and one of the mean rank: areas, the share of resamples in which a model has a rank."""
    if over.overall is None:
        return None
    panels = {**over.rankings, "mean rank over data sets": over.overall}
    order = [rank.model for rank in sorted(over.overall.ranks, key=lambda rank: rank.value)]
    columns = min(_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    height = max(1.8, 0.36 * len(order) + 0.9)
    figure = Figure(figsize=(10, max(3.6, 0.29 * len(order) + 0.5, rows * height + 0.3)), layout="constrained")
    grid = figure.add_gridspec(rows, columns + 1, width_ratios=[1] * columns + [1.1])
    marks = looks(over)
    for place, (name, ranking) in enumerate(panels.items()):
        axes = figure.add_subplot(grid[divmod(place, columns)])
        _blobs(axes, ranking, order, marks)
        axes.set_title(in_two_lines(name, 26), fontsize=9, loc="left")
    names(figure.add_subplot(grid[:, columns]), order, marks)
    figure.supylabel("rank (1: best)", fontsize=9)
    return figure


def _blobs(axes: Any, ranking: Ranking, order: list[str], marks: dict[str, Mark]) -> None:
    """Models from left to right by mean rank; a cross is the rank of the ranking itself."""
    by_model = {rank.model: rank for rank in ranking.ranks}
    for place, model in enumerate(order):
        rank = by_model[model]
        for number, frequency in enumerate(rank.frequencies, 1):
            axes.plot(
                place, number, marker="o", markersize=_BLOB * frequency**0.5, color=marks[model].colour, alpha=0.75,
                markeredgewidth=0, linestyle="none", zorder=2,
            )  # fmt: skip
        for colour, width in (("white", 3), (BLACK, 1.2)):
            axes.plot(place, rank.rank, marker="x", markersize=5, color=colour, markeredgewidth=width, zorder=3)
    last = len(order)
    axes.set(xlim=(-0.6, last - 0.4), ylim=(last + 0.6, 0.4))
    axes.set_xticks(range(last), [str(marks[model].number) for model in order], fontsize=8)
    axes.set_yticks(range(1, last + 1))
    axes.tick_params(axis="y", labelsize=8)
    axes.grid(color=GRID, linewidth=0.7)


#: All figures by name.
ALL: dict[str, Callable[[OverDatasets], Figure | None]] = {
    "differences_over_datasets": differences, "rank_stability": rank_stability,
}  # fmt: skip


def drawn(over: OverDatasets) -> dict[str, Figure]:
    """Those of :data:`ALL` that there is something to draw in."""
    found = {name: drawing.figure(draw, over) for name, draw in ALL.items()}
    return {name: figure for name, figure in found.items() if figure is not None}
