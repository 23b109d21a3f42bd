"""``SharedWeightsUNet``: a flat U-Net whose levels all convolve with the same weights."""

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

import torch

from nnunet_lunet.architectures.lean_unet import LeanUNet


class SharedWeightsUNet(LeanUNet):
    """Flat :class:`LeanUNet` in which convolutions at the same place within their level share weight and bias.

    The ``k``-th convolutions of the encoder's stages have one weight, so have the transposed convolutions and the
    ``k``-th convolutions of the decoder's stages, wherever their kernels agree: stages with a kernel of ``[1, 3, 3]``
    share among themselves. Levels differ in their norms, which are never shared, and in their segmentation heads. The
    first convolution of all, which takes the image, keeps its own weights.

    Only a flat width makes this possible. Arguments, input and outputs are ``LeanUNet``'s.

    :raises ValueError: widths that are not flat
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(set(self.encoder.output_channels)) > 1:
            raise ValueError(
                f"widths {self.encoder.output_channels} are not flat, and levels share weights only where they are: "
                "use LUnetTrainer, or width_profile 'flat' in the plans"
            )
        encoder = [[block.conv for block in stage[-1].convs] for stage in self.encoder.stages]
        stem = encoder[0][0]
        decoder = [[block.conv for block in stage.convs] for stage in self.decoder.stages]
        for same_place in (*zip_longest(*encoder), self.decoder.transpconvs, *zip_longest(*decoder)):
            _share(convolution for convolution in same_place if convolution not in (None, stem))


def _share(convolutions: Iterable[Any]) -> None:
    """Give all whose weights have one shape the weight and bias of the first of them."""
    first: dict[torch.Size, Any] = {}
    for convolution in convolutions:
        owner = first.setdefault(convolution.weight.shape, convolution)
        convolution.weight, convolution.bias = owner.weight, owner.bias
