"""``LeanUNet``: nnU-Net's own U-Nets with a width profile, shaped by the weights they load."""

from collections.abc import Sequence
from typing import Any

from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from dynamic_network_architectures.building_blocks.helper import convert_conv_op_to_dim
from dynamic_network_architectures.building_blocks.plain_conv_encoder import PlainConvEncoder
from dynamic_network_architectures.building_blocks.simple_conv_blocks import ConvDropoutNormReLU
from dynamic_network_architectures.building_blocks.unet_decoder import UNetDecoder
from torch import nn

from nnunet_lunet.architectures import feature_maps, shapes, widths

POOLS = ("conv", "max", "avg")


class LeanUNet(PlainConvUNet):
    """U-Net with a plain convolutional encoder whose widths follow a profile (Lean Unet, arXiv 2512.03834).

    Input ``(B, C, H, W)`` or ``(B, C, D, H, W)``; output logits ``(B, num_classes, …)`` of the same spatial size,
    or, with deep supervision, a list of them from full to lowest resolution. Each spatial size must be divisible
    by the product of its strides. All arguments but these are ``PlainConvUNet``'s.

    :param features_per_stage: channels of the first stage, or an explicit list of one entry a stage
    :param width_profile: what a single number grows to, one of :data:`nnunet_lunet.architectures.widths.PROFILES`;
        None is ``flat``
    :param pool: what makes a stage smaller: ``conv``, its first convolution with a stride, as in nnU-Net; ``max``, max
        pooling before its convolutions, as in the paper; ``avg``, average pooling
    :param dropout_last: puts dropout behind norm and nonlinearity, as the paper's code does, where a dropped channel is
        absent for the next layer, and leaves it out before the head of full resolution; else it stands behind each
        convolution, as in nnU-Net, and the norm makes something else than 0 of a dropped channel
    :raises ValueError: an unknown ``pool``; see :func:`nnunet_lunet.architectures.widths.resolve`
    """

    #: Takes what nnU-Net's ``UNetDecoder`` takes.
    decoder_class: type[nn.Module] = UNetDecoder

    def __init__(
        self,
        input_channels: int,
        n_stages: int,
        features_per_stage: int | Sequence[int],
        conv_op: type[nn.Module],
        kernel_sizes: int | Sequence[int | Sequence[int]],
        strides: int | Sequence[int | Sequence[int]],
        n_conv_per_stage: int | Sequence[int],
        num_classes: int,
        n_conv_per_stage_decoder: int | Sequence[int],
        conv_bias: bool = False,
        norm_op: type[nn.Module] | None = None,
        norm_op_kwargs: dict[str, Any] | None = None,
        dropout_op: type[nn.Module] | None = None,
        dropout_op_kwargs: dict[str, Any] | None = None,
        nonlin: type[nn.Module] | None = None,
        nonlin_kwargs: dict[str, Any] | None = None,
        deep_supervision: bool = False,
        nonlin_first: bool = False,
        width_profile: str | None = None,
        pool: str = "conv",
        dropout_last: bool = False,
    ) -> None:
        if pool not in POOLS:
            raise ValueError(f"pool {pool!r} is unknown: use one of {', '.join(POOLS)}")
        features = widths.resolve(features_per_stage, width_profile, n_stages, convert_conv_op_to_dim(conv_op))
        # PlainConvUNet's constructor does not pass ``pool`` on, so its two halves are built here.
        super(PlainConvUNet, self).__init__()
        self.key_to_encoder = "encoder.stages"
        self.key_to_stem = "encoder.stages.0"
        self.keys_to_in_proj = ("encoder.stages.0.0.convs.0.all_modules.0", "encoder.stages.0.0.convs.0.conv")
        self.encoder = PlainConvEncoder(
            input_channels, n_stages, features, conv_op, kernel_sizes, strides, n_conv_per_stage, conv_bias,
            norm_op, norm_op_kwargs, dropout_op, dropout_op_kwargs, nonlin, nonlin_kwargs,
            return_skips=True, nonlin_first=nonlin_first, pool=pool,
        )  # fmt: skip
        self.decoder: Any = self.decoder_class(
            self.encoder, num_classes, n_conv_per_stage_decoder, deep_supervision, nonlin_first=nonlin_first
        )
        if dropout_last:
            _drop_last(self)
        shapes.follow_state_dict(self)

    def compute_conv_feature_map_size(self, input_size: Sequence[int]) -> int:
        """What nnU-Net's planner estimates memory by, see :func:`nnunet_lunet.architectures.feature_maps.count`."""
        # PlainConvEncoder's own count takes the size before the pooling.
        return feature_maps.count(self, input_size)


def _drop_last(network: nn.Module) -> None:
    blocks: list[Any] = [module for module in network.modules() if isinstance(module, ConvDropoutNormReLU)]
    for block in blocks:
        if hasattr(block, "dropout"):
            block.all_modules = nn.Sequential(*(layer for layer in block.all_modules if layer is not block.dropout))
            # Decoders are built from the bottleneck to the head, so the last block is the one before the head.
            if block is blocks[-1]:
                del block.dropout
            else:
                block.all_modules.append(block.dropout)


class LeanResidualEncoderUNet(ResidualEncoderUNet):
    """:class:`LeanUNet` with nnU-Net's residual encoder: all arguments but its widths are ``ResidualEncoderUNet``'s."""

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
        super().__init__(input_channels, n_stages, features, conv_op, *args, **kwargs)
        shapes.follow_state_dict(self)
