"""``LeanUNet``: nnU-Net's own U-Nets with a width profile, shaped by the weights they load."""

from collections.abc import Sequence
from typing import Any

from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from dynamic_network_architectures.building_blocks.helper import convert_conv_op_to_dim
from torch import nn

from nnunet_lunet.architectures import shapes, widths


class _Lean:
    """Mix-in: widths from a profile, shapes from the state dict; everything else is the U-Net it is mixed into."""

    def __init__(
        self,
        input_channels: int,
        n_stages: int,
        features_per_stage: int | Sequence[int],
        conv_op: type[nn.Module],
        *args: Any,
        width_profile: str | None = None,
        **kwargs: Any,
    ) -> None:
        features = widths.resolve(features_per_stage, width_profile, n_stages, convert_conv_op_to_dim(conv_op))
        super().__init__(input_channels, n_stages, features, conv_op, *args, **kwargs)  # type: ignore[call-arg]
        shapes.follow_state_dict(self)  # type: ignore[arg-type]


class LeanUNet(_Lean, PlainConvUNet):
    """U-Net with a plain convolutional encoder whose widths follow a profile (Lean Unet, arXiv 2512.03834).

    Input ``(B, C, H, W)`` or ``(B, C, D, H, W)``; output logits ``(B, num_classes, …)`` of the same spatial size,
    or, with deep supervision, a list of them from full to lowest resolution. Each spatial size must be divisible
    by the product of its strides. All arguments but these are ``PlainConvUNet``'s.

    :param features_per_stage: channels of the first stage, or an explicit list of one entry a stage
    :param width_profile: ``flat`` (default), ``linear`` or ``doubling``: what a single number grows to
    :raises ValueError: see :func:`nnunet_lunet.architectures.widths.resolve`
    """


class LeanResidualEncoderUNet(_Lean, ResidualEncoderUNet):
    """:class:`LeanUNet` with nnU-Net's residual encoder: all arguments but those are ``ResidualEncoderUNet``'s."""


_LEAN_CLASSES: dict[str, type[nn.Module]] = {
    "PlainConvUNet": LeanUNet,
    "LeanUNet": LeanUNet,
    "ResidualEncoderUNet": LeanResidualEncoderUNet,
    "LeanResidualEncoderUNet": LeanResidualEncoderUNet,
}


def lean_class_name(network_class_name: str) -> str:
    """Import path of the lean twin of a network class that plans name.

    :param network_class_name: e.g. ``dynamic_network_architectures.architectures.unet.PlainConvUNet``
    :raises KeyError: a class that has no lean twin
    """
    lean = _LEAN_CLASSES[network_class_name.rsplit(".", 1)[-1]]
    return f"{lean.__module__}.{lean.__name__}"


def stock_class_name(network_class_name: str) -> str:
    """Import path of nnU-Net's own twin of a network class that plans name; the inverse of :func:`lean_class_name`.

    :raises KeyError: a class that has no lean twin
    """
    lean = _LEAN_CLASSES[network_class_name.rsplit(".", 1)[-1]]
    stock = ResidualEncoderUNet if issubclass(lean, ResidualEncoderUNet) else PlainConvUNet
    return f"{stock.__module__}.{stock.__name__}"
