from typing import Any

import numpy as np
import pytest
import torch
from conftest import make_network
from torch import nn

from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet
from nnunet_lunet.pruning import dropout, groups, places, surgery
from nnunet_lunet.pruning.dropout import TargetedDropout

BLOCKS: dict[str, dict[str, Any]] = {
    "nnunet": {},
    "paper": {"norm": "batch", "nonlin": nn.ReLU, "nonlin_first": True, "pool": "max"},
    "residual": {"cls": LeanResidualEncoderUNet},
}


def test_targeted_dropout_by_hand():
    # Ranks from the least important: b1, a1, b0, a0, a2 -> 1, 0.75, 0.5, 0.25, 0.
    probabilities = dropout.dropout_probabilities({"a": [0.5, 0.2, 0.9], "b": [0.3, 0.1]})
    assert probabilities == pytest.approx({"a": 0.1 * (1 / 3) / 0.75, "b": 0.1})


@pytest.mark.parametrize("block", BLOCKS)
def test_a_dropped_channel_is_an_absent_one(block):
    """The output is that of the network from which the surgery took the very channels that were drawn."""
    torch.manual_seed(0)
    network = make_network(8, dim=2, **BLOCKS[block]).double()
    found = groups.find_groups(network)
    wanted = found[2] if block != "residual" else max(found, key=lambda group: len(group.layers))
    # In training mode dropout draws; the norms stay in evaluation mode so that batch statistics are not in the way.
    network.train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    watched = TargetedDropout(network, found, {group.name: 0.4 if group is wanted else 0.0 for group in found})
    x = torch.randn(1, 1, 32, 32, dtype=torch.float64)
    output = network(x).detach()
    kept = watched._masks[wanted.name][0]
    lost = [channel for channel, factor in enumerate(kept.tolist()) if factor == 0]
    assert 0 < len(lost) < 8
    watched.close()
    surgery.remove_channels(network, {wanted.name: lost})
    # What dropout keeps it scales up, and so does whoever looks for the same output.
    for layer in wanted.layers:
        network.get_submodule(places.behind_block(network, layer)).register_forward_hook(lambda m, i, o: o / 0.6)
    assert (network(x) - output).abs().max() < 1e-6 * output.abs().max()


@pytest.mark.parametrize("cls", [LeanUNet, LeanResidualEncoderUNet])
def test_it_drops_as_often_as_it_says_and_evaluation_is_left_alone(cls):
    network = make_network([32, 64], n_stages=2, dim=2, cls=cls, convs=1)
    found = groups.find_groups(network)
    x = torch.randn(2, 1, 8, 8)
    expected = network(x)
    watched = TargetedDropout(network, found, dict.fromkeys([group.name for group in found], 0.25))
    assert torch.equal(network(x), expected)
    network.train()
    dropped = []
    for _ in range(40):
        network(x)
        dropped.append(np.mean([(mask == 0).float().mean() for mask in watched._masks.values()]))
    n = 40 * 2 * sum(group.channels for group in found)
    assert abs(np.mean(dropped) - 0.25) < 5 * np.sqrt(0.25 * 0.75 / (n / 4))


def test_the_networks_own_dropout_is_replaced():
    network = make_network(4, dim=2, dropout_op=nn.Dropout2d, dropout_op_kwargs={"p": 0.5}).train()
    found, x = groups.find_groups(network), torch.randn(1, 1, 16, 16)
    assert not torch.equal(network(x), network(x))
    TargetedDropout(network, found, dict.fromkeys([group.name for group in found], 0.0))
    assert torch.equal(network(x), network(x))


def test_under_compilation_it_splits_no_graph_and_is_compiled_once():
    network = make_network(3, dim=2, cls=LeanResidualEncoderUNet).train()
    TargetedDropout(network, groups.find_groups(network))
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compiled = torch.compile(network, backend="aot_eager")
    for _ in range(3):
        compiled(torch.randn(2, 1, 16, 16)).square().sum().backward()
    # The draw before the forward pass, and the pass.
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 2
    assert not torch._dynamo.utils.counters["graph_break"]
    torch._dynamo.reset()
