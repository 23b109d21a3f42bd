"""The importances: how much a channel matters in one batch, as functions of what flows through it.

An importance is a row of :data:`IMPORTANCES`; trainer names, messages, documentation and tests take them from there.
torch is imported by those who hand tensors over, since the grammar of trainer names reads this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Importance:
    """What is measured of a channel, and where.

    :param score: of activation and gradient ``(B, C, …)`` the importance of each channel in each sample ``(B, C)``;
        the gradient is None where it is not needed
    :param needs_gradient: the activation then is what the next layer sees, after norm and nonlinearity, and the
        gradient that of the loss with respect to it: before a norm their products sum up to zero but for rounding,
        since the norm undoes any factor on the map. Else the activation is the map as the convolution gives it.
    :param about: one sentence, with the source
    """

    score: Callable[[Tensor, Tensor | None], Tensor]
    needs_gradient: bool
    about: str


def l2(activation: Tensor, gradient: Tensor | None) -> Tensor:
    """L2 norm of each channel's map."""
    return _norm(activation, 2)


def l1(activation: Tensor, gradient: Tensor | None) -> Tensor:
    """L1 norm of each channel's map."""
    return _norm(activation, 1)


def taylor(activation: Tensor, gradient: Tensor | None) -> Tensor:
    """``|sum(a * g)|``, the first-order change of the loss without the channel."""
    return _change_of_loss(activation, gradient).abs()


def fisher(activation: Tensor, gradient: Tensor | None) -> Tensor:
    """``sum(a * g) ** 2``, the second-order change with the Fisher information for the Hessian."""
    return _change_of_loss(activation, gradient).square()


IMPORTANCES = {
    "l2": Importance(l2, False, "L2 norm of the channel's map (STAMP, Dinsdale et al., Medical Image Analysis 2022)"),
    "l1": Importance(l1, False, "L1 norm of the channel's map"),
    "taylor": Importance(
        taylor, True, "first-order change of the loss without the channel (arXiv 1611.06440, equation 8)"
    ),
    "fisher": Importance(
        fisher, True, "second-order change of the loss (Group Fisher Pruning, arXiv 2108.00708, section 3.2)"
    ),
}
DEFAULT = "l2"


def _norm(activation: Tensor, order: int) -> Tensor:
    import torch

    dims = tuple(range(2, activation.ndim))
    norm: Tensor = torch.linalg.vector_norm(activation, order, dim=dims, dtype=torch.float32)
    return norm


def _change_of_loss(activation: Tensor, gradient: Tensor | None) -> Tensor:
    import torch

    assert gradient is not None
    # Sample by sample and as a dot product, no second map as large as the batch's is made.
    samples = zip(activation.flatten(2), gradient.flatten(2), strict=True)
    return torch.stack([torch.linalg.vecdot(a.float(), g.float()) for a, g in samples])
