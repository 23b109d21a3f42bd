import pytest
import torch
from conftest import image, make_network
from torch import nn

from nnunet_lunet.architectures.nested import UNetPlusPlus


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_parameters_of_the_papers_network():
    network = UNetPlusPlus(
        1, 5, 32, nn.Conv2d, 3, [1, 2, 2, 2, 2], 2, 1, 2, conv_bias=True, nonlin=nn.ReLU, width_profile="doubling",
        pool="max",
    )  # fmt: skip
    # 9.04 M in its table of results; with a single head at full resolution.
    assert parameters(network) - parameters(network.decoder.seg_layers[:-1]) == 9_041_601


@pytest.mark.parametrize("features", [[4, 4, 4], [3, 6, 5]])
def test_parameters_counted_by_hand(features):
    def convs(level, inputs):
        width = features[level]
        return (inputs * width * 9 + width) + (width * width * 9 + width) + 2 * 2 * width

    def up(level):
        return features[level + 1] * features[level] * 4 + features[level]

    encoder = convs(0, 1) + convs(1, features[0]) + convs(2, features[1])
    # X(0, 1), X(1, 1) and X(0, 2), which sees two nodes of its level.
    nodes = convs(0, 2 * features[0]) + convs(1, 2 * features[1]) + convs(0, 3 * features[0]) + 2 * up(0) + up(1)
    heads = (features[0] * 3 + 3) + (features[1] * 3 + 3)
    assert parameters(make_network(features, cls=UNetPlusPlus, dim=2)) == encoder + nodes + heads


@pytest.mark.parametrize("features", [[4, 4, 4, 4], [3, 6, 5, 7]])
def test_each_node_sees_its_level_so_far_and_the_one_below(features):
    network = make_network(features, cls=UNetPlusPlus, n_stages=4, deep_supervision=True)
    seen, given = {}, {}

    def keep(name):
        def hook(module, inputs, output):
            seen[name], given[name] = inputs[0], output

        return hook

    for level, stage in enumerate(network.encoder.stages):
        stage.register_forward_hook(keep((level, 0)))
    for name, node in network.decoder.nodes.items():
        node.register_forward_hook(keep(tuple(map(int, name.split("_")))))
    outputs = network(image())
    assert sorted(given) == [(i, j) for i in range(4) for j in range(4 - i)]
    for i, j in given:
        if j:
            up = network.decoder.transpconvs[f"{i}_{j}"](given[i + 1, j - 1])
            assert torch.equal(seen[i, j], torch.cat([*(given[i, column] for column in range(j)), up], 1))
    for i, (output, head) in enumerate(zip(outputs, reversed(network.decoder.seg_layers), strict=True)):
        assert torch.equal(output, head(given[i, 3 - i]))
    network.decoder.deep_supervision = False
    assert torch.equal(network(image()), network.decoder.seg_layers[-1](given[0, 3]))


def test_convolutions_a_node_follow_the_plans_from_low_to_full_resolution():
    network = UNetPlusPlus(1, 3, 4, nn.Conv2d, [[1, 3], [3, 3], [3, 3]], [1, 2, 2], 1, 2, [3, 1])
    nodes = dict(network.decoder.nodes.items())
    assert {name: len(block.convs) for name, block in nodes.items()} == {"0_1": 1, "1_1": 3, "0_2": 1}
    assert {name: block.convs[0].conv.kernel_size for name, block in nodes.items()} == {
        "0_1": (1, 3), "1_1": (3, 3), "0_2": (1, 3),
    }  # fmt: skip
    with pytest.raises(ValueError, match="must hold 2 numbers"):
        UNetPlusPlus(1, 3, 4, nn.Conv2d, 3, [1, 2, 2], 1, 2, [3, 1, 1])
