import pytest
import torch
from conftest import image, make_network

from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet, lean_class_name, stock_class_name


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("features", "profile", "n_stages", "expected"),
    [
        (32, "doubling", 4, 5_603_177),
        (32, "flat", 4, 469_545),
        (16, "flat", 4, 118_041),
        (8, "flat", 4, 29_841),
        (32, "doubling", 6, 31_196_399),
        (32, "flat", 6, 763_439),
    ],
)
def test_parameter_counts_of_nnunets_default_networks(features, profile, n_stages, expected):
    assert parameters(make_network(features, profile=profile, n_stages=n_stages)) == expected


@pytest.mark.parametrize("cls", [LeanUNet, LeanResidualEncoderUNet])
@pytest.mark.parametrize("dim", [2, 3])
def test_every_stage_has_the_width(cls, dim):
    network = make_network(6, cls=cls, dim=dim)
    assert network.encoder.output_channels == [6, 6, 6]
    assert network(image(dim)).shape == (1, 3, *[16] * dim)


@pytest.mark.parametrize("cls", [LeanUNet, LeanResidualEncoderUNet])
def test_deep_supervision_gives_one_output_a_resolution(cls):
    network = make_network(4, cls=cls)
    network.decoder.deep_supervision = True
    assert [tuple(output.shape) for output in network(image())] == [(1, 3, 16, 16, 16), (1, 3, 8, 8, 8)]


@pytest.mark.parametrize("cls", [LeanUNet, LeanResidualEncoderUNet])
def test_nnunets_planner_can_estimate_its_memory(cls):
    flat, doubling = (make_network(8, cls=cls, profile=profile) for profile in ("flat", "doubling"))
    assert 0 < flat.compute_conv_feature_map_size((16, 16, 16)) < doubling.compute_conv_feature_map_size((16, 16, 16))


def test_anisotropic_strides():
    network = make_network(4, strides=[[1, 1, 1], [1, 2, 2], [2, 2, 2]])
    assert network(torch.randn(1, 1, 8, 16, 16)).shape == (1, 3, 8, 16, 16)


def test_classes_of_plans_have_lean_twins_and_others_have_none():
    base = "dynamic_network_architectures.architectures.unet."
    assert lean_class_name(base + "PlainConvUNet") == f"{LeanUNet.__module__}.LeanUNet"
    assert lean_class_name(base + "ResidualEncoderUNet") == f"{LeanUNet.__module__}.LeanResidualEncoderUNet"
    with pytest.raises(KeyError):
        lean_class_name(base + "ResidualUNet")


@pytest.mark.parametrize("name", ["PlainConvUNet", "ResidualEncoderUNet"])
def test_the_stock_twin_of_a_lean_twin_is_the_class_itself(name):
    stock = f"dynamic_network_architectures.architectures.unet.{name}"
    assert stock_class_name(lean_class_name(stock)) == stock_class_name(stock) == stock
