"""Where in a block a convolution's channel is looked at, and where it can be taken away without a trace."""

from collections.abc import Iterator
from typing import Any

from dynamic_network_architectures.building_blocks.residual import BasicBlockD, BottleneckD
from dynamic_network_architectures.building_blocks.simple_conv_blocks import ConvDropoutNormReLU
from torch import nn


def after_nonlinearity(network: nn.Module, layer: str) -> str:
    """Name of the module whose output is the map that STAMP ranks: what the nonlinearity leaves.

    In nnU-Net's block (convolution, norm, nonlinearity) that is what the next layer sees; in the paper's (convolution,
    nonlinearity, norm) it is what the norm gets. A convolution without a nonlinearity of its own, as in a residual
    encoder before the addition, has that of its residual block. A convolution in no block has its own output.

    :param layer: name of a convolution
    """
    for name, module in _parents(network, layer):
        if isinstance(module, ConvDropoutNormReLU) and hasattr(module, "nonlin"):
            return f"{name}.nonlin"
        for residual, last in ((BasicBlockD, "nonlin2"), (BottleneckD, "nonlin3")):
            if isinstance(module, residual) and isinstance(getattr(module, last), nn.Module):
                return f"{name}.{last}"
    return layer


def behind_block(network: nn.Module, layer: str) -> str:
    """Name of the module whose output, set to zero in a channel, is the network without that channel.

    The block that ends with the layer's norm and nonlinearity; before an addition its last norm. What comes behind the
    convolution alone will not do: the norm makes a constant out of zeros, and a shift of it.

    :param layer: name of a convolution
    """
    for name, module in _parents(network, layer):
        if isinstance(module, ConvDropoutNormReLU):
            return name
    return layer


def _parents(network: nn.Module, layer: str) -> Iterator[tuple[str, Any]]:
    """Modules around a layer, the nearest first."""
    while layer := layer.rpartition(".")[0]:
        yield layer, network.get_submodule(layer)
