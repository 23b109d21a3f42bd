"""The regulariser is Torch-Pruning's, on the weights of the network itself."""

import copy

import pytest
import torch
import torch_pruning
from conftest import image, make_network
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvTransposeNd

from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet
from nnunet_lunet.pruning import groups, surgery
from nnunet_lunet.pruning.sparsity import STRENGTH, GroupSparsity

NETWORKS = [
    pytest.param({"cls": cls, "dim": dim, "norm": norm, "features": [3, 6, 5]}, id=f"{cls.__name__}-{dim}d-{norm}")
    for cls in (LeanUNet, LeanResidualEncoderUNet)
    for dim in (2, 3)
    for norm in ("instance", "batch")
]


def backward(network):
    torch.manual_seed(1)
    network.zero_grad()
    network.decoder.deep_supervision = True
    sum(output.square().mean() for output in network(image(2))).backward()


def gradients(network):
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


class Chain(nn.Module):
    """What Torch-Pruning takes as it is: batch norms, nothing in place, no transposed convolution."""

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv_op, self.strides = nn.Conv2d, [1]
            self.layers = nn.Sequential(
                nn.Conv2d(1, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(),
                nn.Conv2d(5, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
            )  # fmt: skip

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.deep_supervision, self.num_classes = True, 3
            self.seg_layers = nn.ModuleList([nn.Conv2d(4, 3, 1)])

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = self.Encoder(), self.Decoder()

    def forward(self, x):
        return [self.decoder.seg_layers[0](self.encoder.layers(x))]


def test_the_gradient_is_torch_prunings_own():
    torch.manual_seed(0)
    network = Chain()
    reference = copy.deepcopy(network)
    pruner = torch_pruning.pruner.GroupNormPruner(
        reference, (image(2),), torch_pruning.importance.GroupMagnitudeImportance(p=2),
        ignored_layers=list(reference.decoder.seg_layers),
    )  # fmt: skip
    assert pruner.reg == STRENGTH
    for each in (network, reference.train()):
        backward(each)
    before = gradients(network)
    pruner.regularize(reference)
    GroupSparsity(network).add_gradients()
    found, expected = gradients(network), gradients(reference)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert not torch.equal(found["decoder.seg_layers.0.weight"], before["decoder.seg_layers.0.weight"])


def slices(network):
    """For every group and channel, where its weights are: name of the parameter, axis, index. Found one by one."""
    twin, graph = groups.traced_copy(network)
    names = {id(module): name for name, module in twin.named_modules()}
    for group in groups.find_groups(network):
        places: list[list[tuple[str, int, int]]] = []
        for channel in range(group.channels):
            places.append([])
            for dependency, (index,) in groups.pruning_group(graph, twin.get_submodule(group.name), [channel]):
                layer = dependency.target.module
                if isinstance(layer, _NormBase):
                    axis = 0
                elif isinstance(layer, nn.Conv2d | nn.Conv3d | _ConvTransposeNd):
                    is_output = graph.is_out_channel_pruning_fn(dependency.handler)
                    axis = int(is_output == isinstance(layer, _ConvTransposeNd))
                else:
                    continue
                places[-1].append((f"{names[id(layer)]}.weight", axis, index))
        yield places


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_weaker_a_channel_of_its_group_the_more_its_weights_are_drawn_to_zero(kind):
    torch.manual_seed(0)
    network = make_network(**kind).double()
    weights = dict(network.named_parameters())
    expected = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    for group in slices(network):
        squares = [sum(weights[n].select(axis, i).square().sum() for n, axis, i in channel) for channel in group]
        size = torch.stack(squares).sqrt()
        factor = 1e-2 * 16 ** ((size.max() - size) / (size.max() - size.min()))
        for one, channel in zip(factor, group, strict=True):
            for name, axis, index in channel:
                expected[name].select(axis, index).add_(one.detach() * weights[name].detach().select(axis, index))
    for weight in weights.values():
        weight.grad = torch.zeros_like(weight)
    GroupSparsity(network, strength=1e-2).add_gradients()
    for name, weight in weights.items():
        # Torch-Pruning adds up in single precision.
        assert torch.allclose(weight.grad, expected[name], rtol=1e-4), name
    transposed = [module for module in network.modules() if isinstance(module, _ConvTransposeNd)]
    for reader in (*transposed, *network.decoder.seg_layers):
        assert reader.weight.grad.any() and not reader.bias.grad.any()
    assert not any(weight.grad.any() for name, weight in weights.items() if name.endswith("bias"))
    assert all(layer.transposed for layer in transposed)


def test_a_redundant_channel_shrinks_more_than_the_others():
    torch.manual_seed(0)
    network = make_network(features=[6, 8, 8], dim=2)
    weights = dict(network.named_parameters())
    (group, *_) = slices(network)

    def sizes():
        squares = [sum(weights[n].select(axis, i).square().sum() for n, axis, i in channel) for channel in group]
        return torch.stack(squares).sqrt().detach()

    with torch.no_grad():
        for name, axis, index in group[2]:
            weights[name].select(axis, index).mul_(0.7)
    optimizer = torch.optim.SGD(network.parameters(), lr=1)
    sparsity, before = GroupSparsity(network, strength=1e-3), sizes()
    for _ in range(20):
        for weight in weights.values():
            weight.grad = torch.zeros_like(weight)
        sparsity.add_gradients()
        optimizer.step()
    left = sizes() / before
    others = torch.cat([left[:2], left[3:]])
    # Weight decay of any strength would leave all the same share.
    assert left[2] < 0.8 and left[2] < others.min() - 0.05


def test_groups_are_those_that_pruning_takes_channels_from():
    network = make_network(features=[3, 6, 5], cls=LeanResidualEncoderUNet, dim=2)
    sparsity = GroupSparsity(network)
    roots = [len(group[0].idxs) for group in sparsity.groups]
    assert sorted(roots) == sorted(group.channels for group in groups.find_groups(network))


def test_layers_of_one_channel_and_weights_without_gradient_are_left_alone():
    network = make_network(features=2, dim=2)
    backward(network)
    surgery.remove_channels(network, {group.name: [0] for group in groups.find_groups(network)})
    backward(network)
    network.encoder.stages[0][0].convs[0].conv.weight.grad = None
    before = gradients(network)
    GroupSparsity(network).add_gradients()
    after = gradients(network)
    assert before.keys() == after.keys() and all(torch.equal(after[name], before[name]) for name in before)


def test_the_network_itself_is_neither_run_nor_changed():
    network = make_network(dim=2, norm="batch").train()
    backward(network)
    before, random_state = {key: value.clone() for key, value in network.state_dict().items()}, torch.get_rng_state()
    GroupSparsity(network).add_gradients()
    assert torch.equal(random_state, torch.get_rng_state()) and network.training
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert all(not module._forward_hooks for module in network.modules())
