"""The importances: how much a channel matters in one training step.

An importance is a row of :data:`IMPORTANCES`; trainer names, messages, documentation and tests take them from there.
torch is imported by those who hand tensors over, since the grammar of trainer names reads this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

#: Score of the channel's map ``(B, C, …)`` behind the nonlinearity
#: (:func:`nnunet_lunet.pruning.places.after_nonlinearity`).
ACTIVATION = "activation"
#: Score of ``sum(a * dL/da)`` ``(B, C)``, the first-order change of the loss L without the channel: over all positions
#: of what the next layer sees (:func:`nnunet_lunet.pruning.places.behind_block`) and over all coupled convolutions.
CHANGE = "change"
#: Score of nothing: equal noise for all channels.
NOTHING = "nothing"


@dataclass(frozen=True)
class Importance:
    """What is measured of a channel, and where.

    :param of: :data:`ACTIVATION`, :data:`CHANGE` or :data:`NOTHING`
    :param score: of what ``of`` says, the importance of each channel in each sample ``(B, C)``; their mean over samples
        is the channel's
    :param by_layer: whether the published method divides each layer by the root of its summed squares
    :param about: one sentence, with the source
    :param cost: what it is divided by, one of :data:`nnunet_lunet.pruning.channel_costs.COSTS`
    """

    of: str
    score: Callable[[Tensor], Tensor]
    by_layer: bool
    about: str
    cost: str | None = None

    def is_by_layer(self, asked: bool | None) -> bool:
        """Whether layers are divided: as asked or, if None, as published."""
        return self.by_layer if asked is None else asked


def l2(activation: Tensor) -> Tensor:
    """L2 norm of each channel's map."""
    return _norm(activation, 2)


def l1(activation: Tensor) -> Tensor:
    """L1 norm of each channel's map."""
    return _norm(activation, 1)


def taylor(change: Tensor) -> Tensor:
    """``|sum(a * g)|``. The paper's mean over positions differs by a factor that its normalisation takes away."""
    return change.abs()


def fisher(change: Tensor) -> Tensor:
    """``sum(a * g) ** 2``, with the Fisher information in place of the Hessian."""
    return change.square()


_GROUP_FISHER = "second-order change of the loss, coupled convolutions summed before squaring"
_GROUP_FISHER_SOURCE = "(Group Fisher Pruning, Liu et al., arXiv 2108.00708"
IMPORTANCES = {
    "l2": Importance(
        ACTIVATION, l2, True, "L2 norm of the channel's map (STAMP, Dinsdale et al., Medical Image Analysis 2022)"
    ),
    "l1": Importance(ACTIVATION, l1, True, "L1 norm of the channel's map, otherwise as l2"),
    "taylor": Importance(
        CHANGE, taylor, True, "first-order change of the loss (Molchanov et al., arXiv 1611.06440, equation 8)"
    ),
    "fisher": Importance(CHANGE, fisher, False, f"{_GROUP_FISHER} {_GROUP_FISHER_SOURCE}, section 3.2)"),
    "fisherMacs": Importance(
        CHANGE, fisher, False,
        f"fisher by multiply-adds that the channel costs {_GROUP_FISHER_SOURCE}, section 3.4)", "multiply_adds",
    ),
    "fisherMemory": Importance(
        CHANGE, fisher, False,
        f"fisher by activation memory that the channel costs {_GROUP_FISHER_SOURCE}, section 3.4)", "activation_bytes",
    ),
    "none": Importance(
        NOTHING, lambda nothing: nothing, True,
        "equal noise for all channels, |N(1, 0.3)|: what the normalisation and the strategy do without information",
    ),
}  # fmt: skip

#: Name of the option, whether each layer is divided by the root of its summed squares, and what that is for.
NORMALISATIONS = {
    "byLayer": (True, "each layer's importances are divided by the root of their summed squares"),
    "raw": (False, "importances are compared between layers as they are"),
}


def _norm(activation: Tensor, order: int) -> Tensor:
    import torch

    dims = tuple(range(2, activation.ndim))
    norm: Tensor = torch.linalg.vector_norm(activation, order, dim=dims, dtype=torch.float32)
    return norm
