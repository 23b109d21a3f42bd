"""What the figures have in common: style, badges of the models, and the way into a file."""

import io
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import offset_copy

from nnunet_lunet.compare.page.marks import BLACK, Mark
from nnunet_lunet.compare.record import Comparison

_T = TypeVar("_T")
Draw = Callable[[Comparison], Figure | None]
GRAY = "#6b7280"
_STYLE: dict[Any, Any] = {
    # Text stays text in an SVG, in the reader's fonts; the salt makes the same figure the same bytes.
    "svg.fonttype": "none", "svg.hashsalt": "nnunet-lunet", "font.size": 10, "text.color": BLACK,
    "axes.labelcolor": BLACK, "axes.edgecolor": GRAY, "xtick.color": GRAY, "ytick.color": GRAY,
    "xtick.labelcolor": BLACK, "ytick.labelcolor": BLACK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.axisbelow": True, "grid.color": "#e5e7eb", "text.parse_math": False,
}  # fmt: skip
#: Diameter of a badge, in points.
_BADGE = 15


def svg(draw: Callable[[_T], Figure | None], subject: _T) -> bytes | None:
    """The figure as SVG; None where there is nothing to draw."""
    return _drawn(draw, subject, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})


def png(draw: Callable[[_T], Figure | None], subject: _T) -> bytes | None:
    """The figure as PNG; None where there is nothing to draw."""
    return _drawn(draw, subject, format="png")


def _drawn(draw: Callable[[_T], Figure | None], subject: _T, **options: Any) -> bytes | None:
    buffer = io.BytesIO()
    with style():
        figure = draw(subject)
        if figure is None:
            return None
        figure.savefig(buffer, dpi=200, **options)
    return buffer.getvalue()


@contextmanager
def style() -> Iterator[None]:
    """How all figures are drawn."""
    # nnU-Net's own plot leaves seaborn's style with letters of two and a half times the size behind.
    with matplotlib.rc_context(matplotlib.rcParamsDefault), warnings.catch_warnings():
        matplotlib.rcParams.update(_STYLE)
        # Names in scripts that matplotlib's font lacks: an SVG shows them all the same.
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        yield


def in_two_lines(name: str, width: int) -> str:
    """A long name in two lines of at most ``width`` characters; of a longer one the beginning and the end."""
    if len(name) <= width:
        return name
    if len(name) > 2 * width:
        name = f"{name[: width - 1]}…{name[-width:]}"
    breaks = [place for place in range(len(name) - width, width + 1) if name[place - 1] in "_- "]
    place = breaks[-1] if breaks else width
    return f"{name[:place]}\n{name[place:]}"


def badge(axes: Any, mark: Mark, place: tuple[float, float], offset: tuple[float, float] = (0, 0)) -> None:
    """The model's number on its colour.

    :param offset: in points, with a line back to the place
    """
    if any(offset):
        line = {"arrowstyle": "-", "color": mark.colour, "linewidth": 1}
        axes.annotate("", place, offset, textcoords="offset points", arrowprops=line, annotation_clip=False, zorder=4)
    there = offset_copy(axes.transData, axes.figure, *offset, units="points")
    axes.plot(
        *place, marker="o", markersize=_BADGE, color=mark.colour, markeredgecolor="white", transform=there,
        clip_on=False, zorder=5,
    )  # fmt: skip
    axes.annotate(
        str(mark.number), place, offset, textcoords="offset points", ha="center", va="center_baseline", fontsize=8,
        fontweight="bold", color=mark.ink, zorder=6, annotation_clip=False,
    )  # fmt: skip


def badges(figure: Figure, axes: Any, places: Mapping[str, tuple[float, float]], looks: dict[str, Mark]) -> None:
    """Each model's badge on its place or, where another one is there already, beside it."""
    figure.draw_without_rendering()
    scale = 72 / figure.dpi
    taken: list[tuple[float, float]] = []
    for name, place in places.items():
        x, y = axes.transData.transform(place) * scale
        # To the sides first: above and below are the error bars.
        free = (
            (radius * math.cos(angle), radius * math.sin(angle))
            for radius in range(0, 100 * _BADGE, _BADGE // 2)
            for angle in (0, math.pi, 0.5, -0.5, math.pi - 0.5, math.pi + 0.5, 1, -1)
            if all(
                math.dist((x + radius * math.cos(angle), y + radius * math.sin(angle)), other) > _BADGE
                for other in taken
            )
        )
        offset = next(free)
        taken.append((x + offset[0], y + offset[1]))
        badge(axes, looks[name], place, offset)


def size_axis(axes: Any, sizes: Sequence[float], what: str) -> None:
    """A logarithmic axis for what networks cost."""
    low, high = min(sizes), max(sizes)
    room = max((high / low) ** 0.08, 1.35)
    axes.set_xscale("log")
    axes.set_xlim(low / room, high * room)
    subdivisions = (1, 2, 5) if high / low < 100 else (1, 3) if high / low < 3000 else (1,)
    # Where fewer than two of its ticks fit, LogLocator draws as many others as would on a wide axis.
    narrow = high / low * room**2 < 5
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]) if narrow else LogLocator(subs=subdivisions))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"{what} (logarithmic)")


def names(axes: Any, models: Sequence[str], looks: dict[str, Mark], below: dict[str, str] | None = None) -> None:
    """A row a model, badge and name, in axes of their own; ``below`` follows a name."""
    below = below or {}
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(max(len(models), 13) + 1.5, -0.5))
    for row, name in enumerate(models):
        badge(axes, looks[name], (0.04, row))
        entry(axes, in_two_lines(name + below.get(name, ""), 38), row)


def entry(axes: Any, text: str, row: float) -> None:
    """A text in the key, beside what it explains."""
    axes.annotate(text, (0.04, row), (12, 0), textcoords="offset points", va="center", fontsize=8.5, linespacing=1)
