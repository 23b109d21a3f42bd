"""``NoSkipUNet``: the U-Net without skip connections, the control for what they carry."""

from typing import Any

from torch import Tensor, nn

from nnunet_lunet.architectures.decoder import PlainDecoder
from nnunet_lunet.architectures.lean_unet import LeanUNet


class NoSkipDecoder(PlainDecoder):
    """Upsamples the bottleneck alone; takes what nnU-Net's ``UNetDecoder`` takes."""

    def __init__(self, encoder: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(encoder, *args, **kwargs)
        levels = range(len(encoder.output_channels) - 2, -1, -1)
        self.transpconvs = nn.ModuleList(self.upsampling(encoder, level) for level in levels)
        self.stages = nn.ModuleList(self.block(encoder, level, encoder.output_channels[level]) for level in levels)

    def forward(self, bottleneck: Tensor) -> Tensor | list[Tensor]:
        features = [bottleneck]
        for upsample, convolve in zip(self.transpconvs, self.stages, strict=True):
            features.append(convolve(upsample(features[-1])))
        return self.segment(features[1:])


class NoSkipUNet(LeanUNet):
    """:class:`LeanUNet` without skip connections: the bottleneck is all that the decoder sees of the image.

    The Lean Unet's argument (arXiv 2512.03834) is that skip connections are what lets the bottleneck shrink. Where its
    width alone was varied, it mattered without them and hardly with them (docs/results/pruning_study.md); at equal
    parameters flat networks lost no more than doubling ones (docs/results/table2.md). Arguments, input and outputs are
    ``LeanUNet``'s.
    """

    decoder_class = NoSkipDecoder

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.encoder.return_skips = False
