"""``MedNeXt``: MONAI's network in the form that nnU-Net's trainer and planner know."""

from collections.abc import Sequence
from typing import Any

from dynamic_network_architectures.building_blocks.helper import convert_conv_op_to_dim, maybe_convert_scalar_to_list
from torch import Tensor, nn

from nnunet_lunet.architectures import feature_maps
from nnunet_lunet.architectures.decoder import Decoder
from nnunet_lunet.errors import missing

SIZES = ("S", "B", "M", "L")
STAGES = 5


class _Encoder(nn.Module):
    """Stem, four stages and the bottleneck; gives the features ``(B, C, …)`` of each, full resolution first."""

    def __init__(self, network: Any, conv_op: type[nn.Module], strides: list[list[int]]) -> None:
        super().__init__()
        self.conv_op = conv_op
        self.strides = strides
        self.stem = network.stem
        self.stages = nn.ModuleList([*network.enc_stages, network.bottleneck])
        self.downsampling = network.down_blocks

    def forward(self, x: Tensor) -> list[Tensor]:
        skips = [self.stages[0](self.stem(x))]
        for halve, stage in zip(self.downsampling, self.stages[1:], strict=True):
            skips.append(stage(halve(skips[-1])))
        return skips


class _Decoder(Decoder):
    def __init__(self, network: Any, num_classes: int, deep_supervision: bool) -> None:
        # The first of MONAI's heads stands at the bottleneck, where nnU-Net's loss expects none.
        super().__init__([*network.out_blocks[1:], network.out_0], num_classes, deep_supervision)
        self.stages = network.dec_stages
        self.upsampling = network.up_blocks

    def forward(self, skips: Sequence[Tensor]) -> Tensor | list[Tensor]:
        *upper, x = skips
        features = []
        for double, skip, stage in zip(self.upsampling, reversed(upper), self.stages, strict=True):
            x = stage(double(x) + skip)
            features.append(x)
        return self.segment(features)


class MedNeXt(nn.Module):
    """MedNeXt (Roy et al., MICCAI 2023, arXiv 2303.09975) as MONAI builds it.

    Input ``(B, C, H, W)`` or ``(B, C, D, H, W)``, each spatial size divisible by 16; output logits
    ``(B, num_classes, …)`` of the same size, or, with deep supervision, a list of four from full to lowest resolution.

    Its structure is fixed: five stages, each half as large in every axis and twice as wide as the one before, from 32
    channels on. Of ``PlainConvUNet``'s arguments it honours input channels, classes, the dimensions of ``conv_op`` and
    deep supervision, and checks stages and strides.

    :param n_stages: must be 5
    :param strides: must be 1 for the first and 2 for the other stages, since deep supervision follows them
    :param features_per_stage: what plans say of its widths, for those who read plans; ignored
    :param width_profile: must be None, since no other widths can be had
    :param size: ``S``, ``B``, ``M`` or ``L``: how many blocks a stage has and how far they expand
    :param of_a_unet: all that plans say of a U-Net's blocks (widths, kernels, convolutions a stage, norm, dropout,
        nonlinearity), which it does not have: ignored
    :param kernel_size: odd edge of the depthwise convolutions; the paper's are 3 and 5
    :raises ValueError: another structure or another width is asked for
    :raises UserError: MONAI is missing
    """

    def __init__(
        self,
        input_channels: int,
        n_stages: int,
        conv_op: type[nn.Module],
        strides: int | Sequence[int | Sequence[int]],
        num_classes: int,
        features_per_stage: int | Sequence[int] | None = None,
        deep_supervision: bool = False,
        width_profile: str | None = None,
        size: str = "S",
        kernel_size: int = 3,
        **of_a_unet: Any,
    ) -> None:
        super().__init__()
        if width_profile is not None:
            raise ValueError(
                f"MedNeXt has the widths of its size and cannot be {width_profile}: use UNetTrainer without a width"
            )
        if size not in SIZES or kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(
                f"MedNeXt of size {size!r} and kernel_size {kernel_size}: use one of {', '.join(SIZES)} and an odd edge"
            )
        dim = convert_conv_op_to_dim(conv_op)
        per_stage = [strides] * n_stages if isinstance(strides, int) else strides
        per_axis = [list(maybe_convert_scalar_to_list(conv_op, stride)) for stride in per_stage]
        if per_axis != [[1] * dim] + [[2] * dim] * (STAGES - 1):
            raise ValueError(
                f"MedNeXt has {STAGES} stages, each half the size of the one before in every axis, but the plans have "
                f"strides {per_axis}: use plans with strides 1, 2, 2, 2, 2 and a patch size divisible by 16"
            )
        network = _monai_network(size, dim, input_channels, num_classes, kernel_size)
        self.encoder = _Encoder(network, conv_op, per_axis)
        self.decoder = _Decoder(network, num_classes, deep_supervision)

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        logits: Tensor | list[Tensor] = self.decoder(self.encoder(x))
        return logits

    def compute_conv_feature_map_size(self, input_size: Sequence[int]) -> int:
        """What nnU-Net's planner estimates memory by, see :func:`nnunet_lunet.architectures.feature_maps.count`."""
        return feature_maps.count(self, input_size)

    @staticmethod
    def initialize(module: nn.Module) -> None:
        """Leave the module as PyTorch initialised it, as MedNeXt's authors do; nnU-Net's own is for its U-Nets."""


def _monai_network(size: str, dim: int, channels: int, classes: int, kernel_size: int) -> Any:
    try:
        from monai.networks.nets.mednext import create_mednext
    except ModuleNotFoundError as error:
        raise missing("MONAI 1.5.1 or newer", "mednext", "MedNeXt") from error
    return create_mednext(
        size, spatial_dims=dim, in_channels=channels, out_channels=classes, kernel_size=kernel_size,
        deep_supervision=True,
    )  # fmt: skip
