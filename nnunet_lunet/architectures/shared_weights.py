"""``SharedWeightsUNet``: a flat U-Net whose levels all convolve with the same weights."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

import torch
from dynamic_network_architectures.building_blocks.helper import convert_conv_op_to_dim
from torch import nn

from nnunet_lunet.architectures import widths
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
        if len(set(features)) > 1:
            raise ValueError(
                f"widths {features} are not flat, and levels share weights only where they are: use LUnetTrainer, or "
                "width_profile 'flat' in the plans"
            )
        super().__init__(input_channels, n_stages, features, conv_op, *args, **kwargs)
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
