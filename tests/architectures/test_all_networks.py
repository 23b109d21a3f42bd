"""What nnU-Net asks of a network that plans name, of every class of ours with an encoder of plain convolutions."""

import pydoc

import numpy as np
import pytest
import torch
from conftest import make_network
from dynamic_network_architectures.building_blocks.simple_conv_blocks import ConvDropoutNormReLU
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from torch import nn

from nnunet_lunet.architectures.lean_unet import LeanUNet
from nnunet_lunet.architectures.registry import NETWORKS
from nnunet_lunet.architectures.shapes import StateDictMismatchError
from nnunet_lunet.architectures.shared_weights import SharedWeightsUNet

LOCATED = [pydoc.locate(network.path) for network in NETWORKS.values()]
CLASSES = [cls for cls in LOCATED if isinstance(cls, type) and issubclass(cls, LeanUNet)]
ANISOTROPIC = {
    2: ([[1, 1], [1, 2], [2, 2], [2, 2]], [[1, 3], [3, 3], [3, 3], [3, 3]], (16, 32)),
    3: ([[1, 1, 1], [1, 2, 2], [1, 2, 2], [2, 2, 2]], [[1, 3, 3], [1, 3, 3], [3, 3, 3], [3, 3, 3]], (4, 16, 32)),
}


def from_plans(cls, dim, **changes):
    """As nnU-Net builds it: from what a plans file can hold."""
    strides, kernels, _ = ANISOTROPIC[dim]
    planned = {
        "n_stages": 4,
        "features_per_stage": 4,
        "conv_op": f"torch.nn.modules.conv.Conv{dim}d",
        "kernel_sizes": kernels,
        "strides": strides,
        "n_conv_per_stage": [2, 1, 2, 1],
        "n_conv_per_stage_decoder": [2, 1, 2],
        "conv_bias": True,
        "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dim}d",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
        **changes,
    }
    imported = ["conv_op", "norm_op", "dropout_op", "nonlin"]
    name = f"{cls.__module__}.{cls.__name__}"
    return get_network_from_plans(name, planned, imported, 2, 3, allow_init=True, deep_supervision=True)


@pytest.mark.parametrize("pool", ["conv", "max"])
@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("cls", CLASSES)
def test_outputs_have_the_scales_of_nnunets_deep_supervision(cls, dim, pool):
    strides, _, size = ANISOTROPIC[dim]
    network = from_plans(cls, dim, pool=pool)
    scales = 1 / np.cumprod(np.vstack(strides), axis=0)[:-1]
    x = torch.randn(2, 2, *size)
    outputs = network(x)
    assert isinstance(outputs, list)
    assert [output.shape[2:] for output in outputs] == [tuple(np.round(size * scale).astype(int)) for scale in scales]
    assert {output.shape[:2] for output in outputs} == {(2, 3)}
    network.decoder.deep_supervision = False
    assert torch.equal(network(x), outputs[0])


@pytest.mark.parametrize("deep_supervision", [True, False])
@pytest.mark.parametrize("pool", ["conv", "avg"])
@pytest.mark.parametrize("cls", CLASSES)
def test_the_planners_estimate_counts_what_convolutions_really_give(cls, pool, deep_supervision):
    network = from_plans(cls, 3, pool=pool)
    network.decoder.deep_supervision = deep_supervision
    counted = []
    for module in network.modules():
        if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
            module.register_forward_hook(lambda module, inputs, output: counted.append(output.numel()))
    size = ANISOTROPIC[3][2]
    network(torch.randn(1, 2, *size))
    assert network.compute_conv_feature_map_size(size) == sum(counted)
    assert all(parameter.device.type == "cpu" for parameter in network.parameters())


@pytest.mark.parametrize("cls", CLASSES)
def test_weights_are_initialised_as_nnunet_does(cls):
    torch.manual_seed(0)
    network = from_plans(cls, 2, features_per_stage=16)
    blocks = [module for module in network.modules() if isinstance(module, ConvDropoutNormReLU)]
    for block in blocks:
        fan_in = block.conv.weight[0].numel()
        assert block.conv.weight.std().item() == pytest.approx((2 / 1.0001 / fan_in) ** 0.5, rel=0.2)
        assert not block.conv.bias.any()


@pytest.mark.parametrize("pool", ["conv", "max"])
@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("cls", CLASSES)
def test_it_takes_the_widths_of_its_weights(cls, dim, pool):
    network = from_plans(cls, dim, pool=pool, features_per_stage=8)
    x = torch.randn(2, 2, *ANISOTROPIC[dim][2])
    for width in (3, 5, 8):
        donor = from_plans(cls, dim, pool=pool, features_per_stage=width)
        network.load_state_dict(donor.state_dict())
        for got, wanted in zip(network(x), donor(x), strict=True):
            assert torch.equal(got, wanted)


def shapes_of(weights):
    return {name: tensor.shape for name, tensor in weights.items()}


@pytest.mark.parametrize("cls", CLASSES)
def test_weights_of_other_classes_or_networks_are_refused(cls):
    network = make_network(4, cls=cls)
    with pytest.raises(StateDictMismatchError, match="seg_layers"):
        network.load_state_dict(make_network(3, cls=cls, classes=5).state_dict())
    donors = [make_network(3, cls=other).state_dict() for other in CLASSES if other is not cls]
    # Weights do not tell networks apart that have equal layers, unless one of them has fewer weights than layers.
    if cls is not SharedWeightsUNet:
        own = shapes_of(make_network(3, cls=cls).state_dict())
        donors = [donor for donor in donors if shapes_of(donor) != own]
    assert donors
    for donor in donors:
        with pytest.raises(StateDictMismatchError):
            network.load_state_dict(donor)
