"""``UNetPlusPlus``: nested U-Nets of every depth in one, with dense skip connections."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nnunet_lunet.architectures.decoder import PlainDecoder
from nnunet_lunet.architectures.lean_unet import LeanUNet


class NestedDecoder(PlainDecoder):
    """Nodes ``X(i, j)`` of level ``i`` and column ``j`` from 1; takes what nnU-Net's ``UNetDecoder`` takes.

    ``nodes["i_j"]`` are the convolutions of ``X(i, j)``, and ``transpconvs["i_j"]`` brings ``X(i + 1, j - 1)`` to it.
    """

    def __init__(self, encoder: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(encoder, *args, **kwargs)
        channels = encoder.output_channels
        depth = len(channels) - 1
        # Column by column, each from full resolution down: a node stands after all that it needs.
        self._order = [(level, column) for column in range(1, depth + 1) for level in range(depth + 1 - column)]
        self.transpconvs = nn.ModuleDict(
            {f"{level}_{column}": self.upsampling(encoder, level) for level, column in self._order}
        )
        self.nodes = nn.ModuleDict(
            {
                f"{level}_{column}": self.block(encoder, level, (column + 1) * channels[level])
                for level, column in self._order
            }
        )

    def forward(self, skips: Sequence[Tensor]) -> Tensor | list[Tensor]:
        """:param skips: ``X(i, 0)`` of each level, full resolution first"""
        rows = [[skip] for skip in skips]
        for level, column in self._order:
            node = f"{level}_{column}"
            upsampled = self.transpconvs[node](rows[level + 1][column - 1])
            rows[level].append(self.nodes[node](torch.cat([*rows[level], upsampled], 1)))
        return self.segment([row[-1] for row in reversed(rows[:-1])])


class UNetPlusPlus(LeanUNet):
    """UNet++ (Zhou et al., arXiv 1807.10165; IEEE TMI 2019, arXiv 1912.05074); flat widths make it a lean one.

    ``X(i, 0)`` is stage ``i`` of the encoder, and every further node sees all nodes before it on its level and one of
    the level below: ``X(i, j) = convolutions(concat[X(i, 0), …, X(i, j - 1), up(X(i + 1, j - 1))])``. Each ``up`` is a
    transposed convolution of its own, and a node has as many convolutions as ``n_conv_per_stage_decoder`` says for its
    level. Arguments, input and outputs are ``LeanUNet``'s.

    Deep supervision differs from the paper's, whose heads all stand at full resolution, at ``X(0, 1)`` to ``X(0, L)``:
    nnU-Net's loss expects one output for every resolution, so they stand at the last node of each level, ``X(0, L)``,
    ``X(1, L - 1)``, …; the paper's pruning of columns at inference is therefore not possible.
    """

    decoder_class = NestedDecoder
