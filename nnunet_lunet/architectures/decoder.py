"""What decoders of our own are built from: nnU-Net's blocks in the manner of the encoder, and a head a resolution."""

from collections.abc import Iterable, Sequence
from typing import Any

from dynamic_network_architectures.building_blocks.helper import get_matching_convtransp
from dynamic_network_architectures.building_blocks.simple_conv_blocks import StackedConvBlocks
from torch import Tensor, nn


class Decoder(nn.Module):
    """Segmentation heads at every resolution but the lowest, as nnU-Net's deep supervision wants them.

    :param heads: from low to full resolution, as in nnU-Net's ``UNetDecoder``; all are there whether or not
        ``deep_supervision`` is on, so that weights load either way
    """

    def __init__(self, heads: Iterable[nn.Module], num_classes: int, deep_supervision: bool) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.deep_supervision = deep_supervision
        self.seg_layers = nn.ModuleList(heads)

    def segment(self, features: Sequence[Tensor]) -> Tensor | list[Tensor]:
        """Logits of the last features ``(B, C, …)`` of each level, given from low to full resolution.

        With deep supervision a list of them from full to lowest resolution, else those of full resolution.
        """
        if not self.deep_supervision:
            logits: Tensor = self.seg_layers[-1](features[-1])
            return logits
        return [head(feature) for head, feature in zip(self.seg_layers, features, strict=True)][::-1]


class PlainDecoder(Decoder):
    """Makes blocks and transposed convolutions for each level in the manner of the encoder; 0 is full resolution.

    :param encoder: knows width, stride and kernel of each stage, and what its blocks are made of (``PlainConvEncoder``)
    :param n_conv_per_stage: convolutions of a block, one number or one a level from low to full resolution
    :raises ValueError: a list of the wrong length
    """

    def __init__(
        self,
        encoder: Any,
        num_classes: int,
        n_conv_per_stage: int | Sequence[int],
        deep_supervision: bool,
        nonlin_first: bool = False,
    ) -> None:
        *upper, _ = encoder.output_channels
        heads = (encoder.conv_op(channels, num_classes, 1, bias=True) for channels in reversed(upper))
        super().__init__(heads, num_classes, deep_supervision)
        convs = [n_conv_per_stage] * len(upper) if isinstance(n_conv_per_stage, int) else list(n_conv_per_stage)
        if len(convs) != len(upper):
            raise ValueError(f"n_conv_per_stage_decoder {convs} must hold {len(upper)} numbers, one less than n_stages")
        self._convs = convs[::-1]
        self._nonlin_first = nonlin_first

    def upsampling(self, encoder: Any, level: int) -> nn.Module:
        """Transposed convolution from the level below ``level`` to it; with the widths of both."""
        below, here = encoder.output_channels[level + 1], encoder.output_channels[level]
        stride = encoder.strides[level + 1]
        transposed: nn.Module = get_matching_convtransp(encoder.conv_op)(
            below, here, stride, stride, bias=encoder.conv_bias
        )
        return transposed

    def block(self, encoder: Any, level: int, input_channels: int) -> nn.Module:
        """Convolutions of one node at ``level``, which give the level's width."""
        return StackedConvBlocks(
            self._convs[level], encoder.conv_op, input_channels, encoder.output_channels[level],
            encoder.kernel_sizes[level], 1, encoder.conv_bias, encoder.norm_op, encoder.norm_op_kwargs,
            encoder.dropout_op, encoder.dropout_op_kwargs, encoder.nonlin, encoder.nonlin_kwargs, self._nonlin_first,
        )  # fmt: skip
