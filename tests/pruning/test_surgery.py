"""The law: a channel set to zero and a channel removed give the same output, for every group, twice in a row."""

import copy
import random

import numpy as np
import pytest
import torch
from conftest import image, make_network
from torch import nn

from nnunet_lunet.architectures import feature_maps
from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet
from nnunet_lunet.architectures.nested import UNetPlusPlus
from nnunet_lunet.architectures.no_skip import NoSkipUNet
from nnunet_lunet.architectures.shared_weights import SharedWeightsUNet
from nnunet_lunet.errors import UserError
from nnunet_lunet.pruning import groups, surgery

ANISOTROPIC = {dim: {"features": [3, 6, 5], "strides": [[1] * dim, [1] + [2] * (dim - 1), [2] * dim]} for dim in (2, 3)}
PAPERS = {
    "norm": "batch", "pool": "max", "nonlin_first": True, "dropout_last": True, "dropout_op": nn.Dropout3d,
    "dropout_op_kwargs": {"p": 0.005},
}  # fmt: skip
"""How the Lean Unet paper's networks differ from nnU-Net's."""
NETWORKS = [
    pytest.param({"cls": cls, "dim": dim, "norm": norm, **shape},
                 id=f"{cls.__name__}-{dim}d-{norm}-{shape['features']}{'-anisotropic' if 'strides' in shape else ''}")
    for cls in (LeanUNet, LeanResidualEncoderUNet)
    for dim in (2, 3)
    for norm in ("instance", "batch")
    for shape in ({"features": [4, 4, 4]}, ANISOTROPIC[dim])
] + [
    pytest.param({"cls": cls, **options, **shape}, id=f"{cls.__name__}-{shape['dim']}d-{'papers' if options else ''}")
    for cls, options in ((LeanUNet, PAPERS), (NoSkipUNet, {}), (UNetPlusPlus, {}), (UNetPlusPlus, PAPERS))
    for shape in ({"features": [4, 4, 4], "dim": 2}, {"dim": 3, **ANISOTROPIC[3]})
]  # fmt: skip


def silence(network, group, channel):
    """A copy in which the channel is zero after the norm of each layer that the group says is coupled."""
    silenced = copy.deepcopy(network)
    for name in group.layers:
        norm = silenced.get_submodule(name.removesuffix("conv") + "norm")
        norm.weight.data[channel] = norm.bias.data[channel] = 0
    return silenced


def outputs(network, x):
    network.decoder.deep_supervision = True
    return network(x)


@pytest.mark.parametrize("kind", NETWORKS)
def test_zeroing_and_removing_give_the_same_output_for_every_group(kind):
    network = make_network(**kind).double()
    x = image(kind["dim"]).double()
    rng = random.Random(0)
    for _ in range(2):
        for group in groups.find_groups(network):
            channel = rng.randrange(group.channels)
            expected = outputs(silence(network, group, channel), x)
            surgery.remove_channels(network, {group.name: [channel]})
            assert {network.get_submodule(layer).out_channels for layer in group.layers} == {group.channels - 1}
            for got, wanted in zip(outputs(network, x), expected, strict=True):
                assert torch.allclose(got, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", NETWORKS[::3])
def test_several_channels_of_several_groups_at_once(kind):
    network = make_network(**kind).double()
    one_by_one = copy.deepcopy(network)
    x = image(kind["dim"]).double()
    found = groups.find_groups(network)
    surgery.remove_channels(network, {group.name: [2, 0] for group in found})
    for group in found:
        for channel in (2, 0):
            surgery.remove_channels(one_by_one, {group.name: [channel]})
    assert torch.allclose(network(x), one_by_one(x), rtol=0, atol=1e-9)


@pytest.mark.parametrize("optimizer_class", [torch.optim.SGD, torch.optim.AdamW])
@pytest.mark.parametrize("cls", [LeanUNet, LeanResidualEncoderUNet])
def test_weights_and_optimizer_state_of_what_stays_are_bit_identical(cls, optimizer_class):
    network = make_network([4, 6, 5], cls=cls)
    options = {"momentum": 0.9} if optimizer_class is torch.optim.SGD else {}
    optimizer = optimizer_class(network.parameters(), 1e-2, **options)
    for _ in range(2):
        network.train()(image()).square().mean().backward()
        optimizer.step()
    # Where a weight goes, its momentum goes: both are told apart by what they were before.
    before = {name: (p.detach().clone(), optimizer.state.get(p, {})) for name, p in network.named_parameters()}
    order = [name for group in optimizer.param_groups for name in names_of(network, group["params"])]
    surgery.remove_channels(network, {group.name: [1] for group in groups.find_groups(network)}, optimizer)
    after = dict(network.named_parameters())
    assert [name for group in optimizer.param_groups for name in names_of(network, group["params"])] == order
    for name, (weights, state) in before.items():
        positions = kept_positions(weights, after[name])
        assert torch.equal(weights.flatten()[positions], after[name].flatten())
        for key, value in optimizer.state.get(after[name], {}).items():
            if torch.is_tensor(value) and value.ndim:
                assert torch.equal(state[key].flatten()[positions], value.flatten())
    network.train()(image()).square().mean().backward()
    optimizer.step()


def names_of(network, parameters):
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return [names[id(parameter)] for parameter in parameters]


def kept_positions(before, after):
    """Where in ``before`` each element of ``after`` stood, found by value (random weights are all different)."""
    place = {value: index for index, value in enumerate(before.flatten().tolist())}
    return torch.tensor([place[value] for value in after.flatten().tolist()])


@pytest.mark.parametrize(
    ("leaving", "says"), [([0, 1, 2, 3], "last channel"), ([4], "channels 0 to 3"), ([1, 1], "each once")]
)
def test_what_cannot_leave_is_refused_and_nothing_changes(leaving, says):
    network = make_network(4)
    before = copy.deepcopy(network.state_dict())
    name = groups.find_groups(network)[0].name
    with pytest.raises(ValueError, match=says):
        surgery.remove_channels(network, {groups.find_groups(network)[1].name: [0], name: leaving})
    after = network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


class DecidesByValue(LeanUNet):
    def forward(self, x):
        return super().forward(x if x.sum() > 0 else -x)


def test_a_network_that_cannot_be_traced_is_refused_in_one_line():
    with pytest.raises(UserError, match=r"cannot trace DecidesByValue .*: use plans with PlainConvUNet, Resid") as e:
        groups.find_groups(make_network(4, cls=DecidesByValue))
    assert "\n" not in str(e.value)


def test_a_plain_encoder_has_a_group_a_convolution_and_a_flat_residual_one_couples_its_stream():
    plain = groups.find_groups(make_network(4))
    assert all(len(group.layers) == 1 for group in plain)
    # Three encoder stages and two decoder stages of two convolutions each; no heads, no transposed convolutions.
    assert len(plain) == 10
    residual = groups.find_groups(make_network(4, cls=LeanResidualEncoderUNet))
    assert max(len(group.layers) for group in residual) > 2


def levels_of(network):
    """Level of every prunable convolution."""
    found = groups.find_groups(network)
    return {layer: level for group in found for layer, level in zip(group.layers, group.levels, strict=True)}


def test_levels_count_from_full_resolution_to_the_bottleneck():
    for cls in (LeanUNet, LeanResidualEncoderUNet, NoSkipUNet):
        network = make_network(4, cls=cls, n_stages=4, strides=[[1, 1, 1], [1, 2, 2], [1, 1, 2], [2, 2, 2]])
        levels = levels_of(network)
        stages = {name: level for name, level in levels.items() if name.startswith("encoder.stages")}
        assert stages == {name: int(name.split(".")[2]) for name in stages} and len(stages) >= 8
        assert levels.get("encoder.stem.convs.0.conv", 0) == 0
        expected = feature_maps.channels_per_level(network, [16, 32, 64])
        assert groups.channels_per_level(groups.find_groups(network)) == expected
        decoder = {name: level for name, level in levels.items() if name.startswith("decoder.stages")}
        assert decoder == {name: 2 - int(name.split(".")[2]) for name in decoder} and len(decoder) == 6


def test_a_residual_stream_is_as_deep_as_its_convolutions_are_on_average():
    found = groups.find_groups(make_network(4, cls=LeanResidualEncoderUNet, n_stages=4))
    stream = max(found, key=lambda group: len(group.layers))
    assert set(stream.levels) == {0, 1, 2, 3} and stream.depth == np.mean(stream.levels) > 1


@pytest.mark.parametrize("pool", ["conv", "max"])
def test_levels_of_nested_nodes(pool):
    network = make_network(4, cls=UNetPlusPlus, dim=2, pool=pool)
    levels = levels_of(network)
    stages = [level for name, level in levels.items() if name.startswith("encoder.")]
    nodes = {name.split(".")[2]: level for name, level in levels.items() if name.startswith("decoder.")}
    assert (stages, nodes) == ([0, 0, 1, 1, 2, 2], {"0_1": 0, "1_1": 1, "0_2": 0})
    assert len(levels) == 12


def test_shared_weights_cannot_be_pruned():
    with pytest.raises(UserError, match="SharedWeightsUNet cannot be pruned: its convolutions share") as refused:
        groups.find_groups(make_network(4, cls=SharedWeightsUNet))
    assert "use plans with PlainConvUNet" in str(refused.value)
