"""What the figures have in common: style, badges of the models, and the way into a file."""

import io
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import matplotlib
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import offset_copy

from nnunet_lunet.compare.page.marks import BLACK, PAPER, Mark
from nnunet_lunet.compare.record import Comparison

_T = TypeVar("_T")
Draw = Callable[[Comparison], Figure | None]
GRAY, GRID, BOX = "#6b7280", "#e5e7eb", "#f3f4f6"
_STYLE: dict[Any, Any] = {
    # Text stays text in an SVG, in the reader's fonts; the salt makes the same figure the same bytes.
    "svg.fonttype": "none", "svg.hashsalt": "nnunet-lunet", "font.size": 10, "text.color": BLACK,
    "axes.labelcolor": BLACK, "axes.edgecolor": GRAY, "xtick.color": GRAY, "ytick.color": GRAY,
    "xtick.labelcolor": BLACK, "ytick.labelcolor": BLACK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.axisbelow": True, "grid.color": GRID, "text.parse_math": False,
}  # fmt: skip
#: Models with less than this share of the best Dice did not learn. They are at the edge of a figure, so that the others
#: can be told apart.
SHARE_OF_BEST = 0.5
#: Diameter of a badge, in points.
_BADGE = 15
#: Colours of a figure on a light page, and those that take their place on a dark one.
_DARK = {
    f"fill: {BLACK}": "#e6e8eb", f"stroke: {BLACK}": "#e6e8eb", f"fill: {GRAY}": "#9ca3af",
    f"stroke: {GRAY}": "#9ca3af", f"stroke: {GRID}": "#353a43", f"fill: {BOX}": "#262b33", f"fill: {PAPER}": "#14171c",
    f"stroke: {PAPER}": "#14171c",
}  # fmt: skip


def figure(draw: Callable[[_T], Figure | None], subject: _T) -> Figure | None:
    """The figure, to be saved by :func:`svg` and :func:`png`; None where there is nothing to draw."""
    with style():
        found = draw(subject)
        if found is not None:
            settle(found)
    return found


def settle(figure: Figure) -> None:
    """Give everything its place for good: looking for it again each time takes longer than all the rest."""
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
        figure.set_layout_engine(None)


def svg(figure: Figure) -> bytes:
    """Transparent, with colours that follow the reader's light or dark style; of each model all parts have the id that
    :func:`of_model` gives."""
    metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
    content = _saved(figure, format="svg", metadata=metadata, transparent=True)
    rules = "".join(f'[style*="{light}"]{{{light.split(":")[0]}:{dark} !important}}' for light, dark in _DARK.items())
    dark = f"<style>@media screen and (prefers-color-scheme: dark) {{{rules}}}</style></svg>"
    return content.replace(b"</svg>", dark.encode())


def png(figure: Figure) -> bytes:
    """On white."""
    return _saved(figure, format="png", dpi=200)


def _saved(figure: Figure, **options: Any) -> bytes:
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, **options)
    return buffer.getvalue()


def of_model(mark: Mark, *artists: Any) -> None:
    """Say which model this is of, so that a page can leave it out."""
    for artist in artists:
        for part in artist.get_children() if isinstance(artist, Container) else [artist]:
            part.set_gid(f"m{mark.number}")


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


def badge(axes: Any, mark: Mark, place: tuple[float, float], aside: float = 0) -> None:
    """The model's number on its colour.

    :param aside: to the right, in points, with a line back to the place
    """
    if aside:
        line = {"arrowstyle": "-", "color": mark.colour, "linewidth": 1}
        away = axes.annotate(
            "", place, (aside, 0), textcoords="offset points", arrowprops=line, annotation_clip=False, zorder=4
        )
        of_model(mark, away.arrow_patch)
    there = offset_copy(axes.transData, axes.figure, aside, 0, units="points")
    circle = axes.plot(
        *place, marker="o", markersize=_BADGE, color=mark.colour, markeredgecolor=PAPER, transform=there,
        clip_on=False, zorder=5,
    )  # fmt: skip
    number = axes.annotate(
        str(mark.number), place, (aside, 0), textcoords="offset points", ha="center", va="center_baseline", fontsize=8,
        fontweight="bold", color=mark.ink, zorder=6, annotation_clip=False,
    )  # fmt: skip
    of_model(mark, *circle, number)


def badges(figure: Figure, axes: Any, places: Mapping[str, tuple[float, float]], looks: dict[str, Mark]) -> None:
    """Each model's badge on its place or, where another one is there already, beside it: never above or below, as its
    height is what the figure is about. Nothing may be laid out anew after that."""
    settle(figure)
    scale = 72 / figure.dpi
    left, right = axes.bbox.x0 * scale, axes.bbox.x1 * scale
    taken: list[tuple[float, float]] = []
    for name, place in places.items():
        x, y = axes.transData.transform(place) * scale
        # How far from each other badge it has to be.
        rooms = [
            (other, math.sqrt(_BADGE**2 - (y - height) ** 2)) for other, height in taken if abs(y - height) < _BADGE
        ]
        beside = [other + side * room for other, room in rooms for side in (1, -1)]
        last = max((other for other, _ in rooms), default=x) + _BADGE
        free = [there for there in (x, *beside, last) if all(abs(there - other) > room - 1e-9 for other, room in rooms)]
        there = min(free, key=lambda there: (not left <= there <= right, abs(there - x)))
        taken.append((there, y))
        badge(axes, looks[name], place, there - x)


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
        of_model(looks[name], entry(axes, in_two_lines(name + below.get(name, ""), 38), row))


def entry(axes: Any, text: str, row: float) -> Any:
    """A text in the key, beside what it explains."""
    return axes.annotate(
        text, (0.04, row), (12, 0), textcoords="offset points", va="center", fontsize=8.5, linespacing=1
    )
