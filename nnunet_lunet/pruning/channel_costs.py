"""What one channel of a group costs, and so saves when it leaves."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.modules.conv import _ConvTransposeNd

from nnunet_lunet.architectures import cost, feature_maps
from nnunet_lunet.pruning import surgery
from nnunet_lunet.pruning.groups import Group


def multiply_adds(network: nn.Module, groups: Sequence[Group], patch_size: Sequence[int]) -> dict[str, float]:
    """Multiply-adds of one patch that leave with one channel of each group, as the network now is.

    Exact, by arithmetic: a convolution of ``n`` inputs and ``m`` outputs has ``n m`` times its kernel's size and
    positions. What :func:`nnunet_lunet.architectures.cost.multiply_adds` counts is counted: the lower heads where deep
    supervision runs them.
    """
    units = _multiply_adds_a_pair(network, patch_size)
    found = {}
    for group in groups:
        total = 0
        for name in {*group.layers, *group.consumers} & units.keys():
            layer: Any = network.get_submodule(name)
            inputs = layer.in_channels - group.consumers.get(name, 0)
            outputs = layer.out_channels - (name in group.layers)
            total += units[name] * (layer.in_channels * layer.out_channels - inputs * outputs)
        found[group.name] = float(total)
    return found


def _multiply_adds_a_pair(network: nn.Module, patch_size: Sequence[int]) -> dict[str, int]:
    """Multiply-adds of each convolution for one input channel and one output channel."""
    shapes = feature_maps.shapes_of(network, patch_size)
    units = {}
    for name, shape in shapes.items():
        layer: Any = network.get_submodule(name)
        positions = math.prod(shape[2:])
        if isinstance(layer, _ConvTransposeNd):
            positions //= math.prod(layer.stride)
        units[name] = positions * math.prod(layer.kernel_size)
    return units


def activation_bytes(network: nn.Module, groups: Sequence[Group], patch_size: Sequence[int]) -> dict[str, float]:
    """Bytes that autograd keeps for one channel of each group in the pass of one patch, counted by torch.

    The difference between :func:`nnunet_lunet.architectures.cost.activation_memory` with the channel and without. It is
    the same for each channel of a group and does not depend on how many there are, so it need not be counted again.
    That of a group with a single channel, which cannot leave, is infinite.
    """
    channels = feature_maps.input_channels(network)
    whole = cost.activation_memory(network, channels, patch_size)
    found = {}
    for group in groups:
        if group.channels < 2:
            found[group.name] = math.inf
            continue
        twin = feature_maps.without_memory(network)
        surgery.remove_channels(twin, {group.name: [0]})
        found[group.name] = float(whole - cost.activation_memory(twin, channels, patch_size))
    return found


@dataclass(frozen=True)
class ChannelCost:
    """One kind of cost.

    :param count: for the network, its groups and a patch size, the cost of one channel of each group
    :param is_constant: whether it stays the same while channels leave
    """

    count: Callable[[nn.Module, Sequence[Group], Sequence[int]], dict[str, float]]
    is_constant: bool


COSTS = {
    "multiply_adds": ChannelCost(multiply_adds, is_constant=False),
    "activation_bytes": ChannelCost(activation_bytes, is_constant=True),
}
