"""What a channel is said to cost is what a network without it no longer costs."""

import copy
from typing import Any

import pytest
from conftest import make_network
from torch import nn

from nnunet_lunet.architectures import cost
from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet
from nnunet_lunet.architectures.nested import UNetPlusPlus
from nnunet_lunet.pruning import channel_costs, groups, surgery

NETWORKS: dict[str, dict[str, Any]] = {
    "2d": {"cls": LeanUNet, "dim": 2},
    "3d": {"cls": LeanUNet, "dim": 3},
    "anisotropic": {"cls": LeanUNet, "dim": 3, "strides": [1, [1, 2, 2], 2]},
    "residual": {"cls": LeanResidualEncoderUNet, "dim": 2},
    "nested": {"cls": UNetPlusPlus, "dim": 2},
    "paper": {"dim": 3, "norm": "batch", "nonlin": nn.ReLU, "nonlin_first": True, "pool": "max"},
    "deep supervision": {"dim": 2, "deep_supervision": True},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_costs_are_what_a_removal_saves(name):
    network = make_network([3, 4, 5], **NETWORKS[name])
    patch = [16] * NETWORKS[name]["dim"]
    found = groups.find_groups(network)
    # At prediction the lower heads do not run, and at training they do.
    network.decoder.deep_supervision = False
    for kind, whole in (("multiply_adds", cost.multiply_adds), ("activation_bytes", cost.activation_memory)):
        said = channel_costs.COSTS[kind].count(network, found, patch)
        before = whole(network, 1, patch)
        for group in found:
            pruned = copy.deepcopy(network)
            surgery.remove_channels(pruned, {group.name: [1]})
            assert said[group.name] == before - whole(pruned, 1, patch) > 0


def test_activation_memory_of_a_channel_does_not_depend_on_how_many_there_are():
    network = make_network([4, 6, 8], dim=2)
    found = groups.find_groups(network)
    before = channel_costs.activation_bytes(network, found, [32, 32])
    surgery.remove_channels(network, {group.name: [0, 1] for group in found})
    assert channel_costs.activation_bytes(network, groups.find_groups(network), [32, 32]) == before
    assert all(channel_costs.COSTS[kind].is_constant == (kind == "activation_bytes") for kind in channel_costs.COSTS)
