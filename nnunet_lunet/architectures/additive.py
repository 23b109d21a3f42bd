"""``AdditiveUNet``: the U-Net whose skip connections are added."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from nnunet_lunet.architectures.decoder import PlainDecoder
from nnunet_lunet.architectures.lean_unet import LeanUNet


class AdditiveDecoder(PlainDecoder):
    """Adds each skip to what comes from below; takes what nnU-Net's ``UNetDecoder`` takes."""

    def __init__(self, encoder: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(encoder, *args, **kwargs)
        levels = range(len(encoder.output_channels) - 2, -1, -1)
        self.transpconvs = nn.ModuleList(self.upsampling(encoder, level) for level in levels)
        self.stages = nn.ModuleList(self.block(encoder, level, encoder.output_channels[level]) for level in levels)

    def forward(self, skips: Sequence[Tensor]) -> Tensor | list[Tensor]:
        """:param skips: features ``(B, C, …)`` of each level, full resolution first"""
        *upper, bottleneck = skips
        features = [bottleneck]
        for upsample, convolve, skip in zip(self.transpconvs, self.stages, reversed(upper), strict=True):
            features.append(convolve(upsample(features[-1]) + skip))
        return self.segment(features[1:])


class AdditiveUNet(LeanUNet):
    """:class:`LeanUNet` with added skip connections (LinkNet, arXiv 1707.03718). Arguments, input and outputs are its."""

    decoder_class = AdditiveDecoder
