import pytest
import torch
from conftest import image, make_network

from nnunet_lunet.architectures.lean_unet import LeanUNet
from nnunet_lunet.architectures.no_skip import NoSkipUNet


@pytest.mark.parametrize(("cls", "sees_it"), [(NoSkipUNet, False), (LeanUNet, True)])
@pytest.mark.parametrize("dim", [2, 3])
def test_the_image_reaches_the_output_by_way_of_the_bottleneck_alone(cls, sees_it, dim):
    network = make_network(4, cls=cls, dim=dim, deep_supervision=True)
    bottleneck = torch.randn(1, 4, *[4] * dim)
    network.encoder.stages[-1].register_forward_hook(lambda module, inputs, output: bottleneck)
    for first, second in zip(network(image(dim)), network(image(dim)), strict=True):
        assert torch.equal(first, second) is not sees_it


def test_parameters_counted_by_hand():
    first, second, norm, head = 1 * 4 * 9 + 4, 4 * 4 * 9 + 4, 2 * 4, 4 * 3 + 3
    flat = make_network(4, cls=NoSkipUNet, dim=2, n_stages=2)
    up = 4 * 4 * 4 + 4
    expected = (first + second + 2 * norm) + (2 * second + 2 * norm) + up + (2 * second + 2 * norm) + head
    assert sum(parameter.numel() for parameter in flat.parameters()) == expected

    doubling = make_network(4, cls=NoSkipUNet, dim=2, n_stages=2, profile="doubling")
    below = (4 * 8 * 9 + 8) + (8 * 8 * 9 + 8) + 2 * 2 * 8
    up = 8 * 4 * 4 + 4
    expected = (first + second + 2 * norm) + below + up + (2 * second + 2 * norm) + head
    assert sum(parameter.numel() for parameter in doubling.parameters()) == expected
