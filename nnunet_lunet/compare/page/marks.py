"""How a model is told from the others on the page and in the figures: a number and a colour."""

from collections.abc import Sequence
from dataclasses import dataclass

from nnunet_lunet.compare.record import Comparison
from nnunet_lunet.pictures.palette import LINES

#: The baseline's alone. On a dark page it and the paper change places.
BLACK, PAPER = "#1a1a1a", "#fefefe"
#: Of a badge in any other colour, on light and dark pages.
_INKS = ("#111111", "#ffffff")
#: One for each turn through the colours.
_DASHES: tuple[str | tuple[int, tuple[int, ...]], ...] = ("-", (0, (5, 2)), (0, (1, 1)), (0, (6, 2, 1, 2)))


@dataclass(frozen=True)
class Mark:
    """:param number: place in the comparison, from 1; with many models colours repeat, numbers do not"""

    number: int
    colour: str

    @property
    def dashes(self) -> str | tuple[int, tuple[int, ...]]:
        """Line style, which tells models of the same colour apart."""
        return _DASHES[max(0, self.number - 2) // len(LINES) % len(_DASHES)]

    @property
    def ink(self) -> str:
        """The colour, black or white, in which the number is read best."""
        red, green, blue = (int(self.colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        luminance = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2
        if self.is_baseline:
            return PAPER
        return _INKS[luminance <= 0.18]

    @property
    def is_baseline(self) -> bool:
        return self.colour == BLACK


def marks(comparison: Comparison) -> dict[str, Mark]:
    """Mark of each model by its name."""
    return of_names([model.name for model in comparison.models], comparison.baseline)


def of_names(models: Sequence[str], baseline: str) -> dict[str, Mark]:
    """Mark of each of these names."""
    others = [name for name in models if name != baseline]
    colours = {name: LINES[index % len(LINES)] for index, name in enumerate(others)}
    return {name: Mark(number, colours.get(name, BLACK)) for number, name in enumerate(models, 1)}
