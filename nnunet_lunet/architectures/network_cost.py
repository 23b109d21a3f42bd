"""The record of what a network costs, whatever machine it runs on. No torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkCost:
    """None where it was not counted, or nothing tells.

    :param parameters: all of them, those of the deep supervision heads among them
    :param multiply_adds: of one pass of one patch of the plans, as at prediction (without the lower heads), counted by
        torch; norms and nonlinearities are not in it
    :param activation_bytes: kept for the backward pass of one patch, in single precision
        (:func:`nnunet_lunet.architectures.cost.activation_memory`)
    :param channels_per_level: output channels of all convolutions of a resolution, highest resolution first; without
        transposed convolutions and heads
    """

    parameters: int | None = None
    multiply_adds: int | None = None
    activation_bytes: int | None = None
    channels_per_level: list[int] | None = None
