"""How long a training must be to fill a given time."""

from dataclasses import dataclass

#: nnU-Net's learning rate falls from epoch to epoch, and something is written after each: few, but not too few.
_EPOCHS = range(8, 17)
#: With so many training iterations our trainers run one for validation, whatever multiple of it an epoch has.
BLOCK = 5


@dataclass(frozen=True)
class Length:
    """Of a training, as its trainer's name says it.

    :param iters: training iterations an epoch, a multiple of :data:`BLOCK`
    """

    epochs: int
    iters: int

    @property
    def steps(self) -> int:
        return self.epochs * self.iters

    def named(self, trainer: str) -> str:
        """``LUnetTrainer_w8`` with this length: ``LUnetTrainer_w8_10epochs_20iters``."""
        return f"{trainer}_{self.epochs}epochs_{self.iters}iters"


def filling(seconds: float, seconds_per_block: float) -> Length:
    """The training of 8 to 16 epochs that comes nearest to ``seconds``; of fewer where these are too many.

    :param seconds_per_block: of :data:`BLOCK` training iterations and the one for validation that belongs to them
    """
    blocks = max(1, round(seconds / seconds_per_block))
    if blocks < _EPOCHS.start:
        return Length(blocks, BLOCK)
    nearest = min(_EPOCHS, key=lambda epochs: abs(epochs * round(blocks / epochs) - blocks))
    return Length(nearest, BLOCK * round(blocks / nearest))
