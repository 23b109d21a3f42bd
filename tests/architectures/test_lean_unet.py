import pytest
import torch
from conftest import image, make_network
from dynamic_network_architectures.architectures.unet import PlainConvUNet
from torch import nn

from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet


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


@pytest.mark.parametrize(
    ("width", "profile", "n_stages", "convs", "expected"),
    [
        (4, "doubling", 5, 2, 353_949),
        (4, "flat", 5, 2, 9_929),
        (8, "flat", 5, 2, 39_025),
        (24, "doubling", 4, 3, 4_802_521),
        (24, "flat", 4, 3, 373_777),
    ],
)
def test_parameter_counts_of_the_papers_networks(width, profile, n_stages, convs, expected):
    network = make_network(
        width, profile=profile, n_stages=n_stages, convs=convs, classes=1, norm="batch", pool="max", nonlin_first=True
    )
    # The paper's networks have no deep supervision.
    assert parameters(network) - parameters(network.decoder.seg_layers[:-1]) == expected


@pytest.mark.parametrize(("width", "profile", "expected"), [(4, "doubling", 368), (4, "flat", 72), (8, "flat", 144)])
def test_convolution_channels_of_the_papers_networks(width, profile, expected):
    network = make_network(width, profile=profile, n_stages=5, pool="max")
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv3d)]
    assert sum(module.out_channels for module in convolutions if module.kernel_size == (3, 3, 3)) == expected


@pytest.mark.parametrize(("pool", "layer"), [("max", "MaxPool"), ("avg", "AvgPool")])
@pytest.mark.parametrize("dim", [2, 3])
def test_pooling_takes_the_place_of_strides(pool, layer, dim):
    strides = [[1] * dim, [1] + [2] * (dim - 1), [2] * dim]
    network = make_network(4, dim=dim, pool=pool, strides=strides)
    modules = list(network.encoder.modules())
    assert {module.stride for module in modules if isinstance(module, nn.Conv2d | nn.Conv3d)} == {(1,) * dim}
    pooled = [module.stride for module in modules if type(module).__name__ == f"{layer}{dim}d"]
    assert pooled == strides[1:]
    x = image(dim)
    assert network(x).shape == (1, 3, *[16] * dim)
    sizes = [(16,) * dim, (16,) + (8,) * (dim - 1), (8,) + (4,) * (dim - 1)]
    assert [skip.shape[2:] for skip in network.encoder(x)] == sizes


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match="pool 'median' is unknown: use one of conv, max, avg"):
        make_network(4, pool="median")


def test_norm_follows_nonlinearity_where_asked():
    network = make_network(4, nonlin_first=True)
    for stage in (network.encoder.stages[1][0], network.decoder.stages[1]):
        layers = [type(module).__name__ for module in stage.convs[1].all_modules]
        assert layers == ["Conv3d", "LeakyReLU", "InstanceNorm3d"]


@pytest.mark.parametrize("deep_supervision", [True, False])
@pytest.mark.parametrize("strides", [None, [[1, 1, 1], [1, 2, 2], [2, 2, 2]]])
def test_without_pooling_it_is_nnunets_own_network(strides, deep_supervision):
    options = {"strides": strides, "deep_supervision": deep_supervision}
    stock = make_network([4, 6, 5], cls=PlainConvUNet, **options)
    network = make_network([4, 6, 5], **options)
    network.load_state_dict(stock.state_dict())
    x = image()
    for got, wanted in zip(network(x), stock(x), strict=True):
        assert torch.equal(got, wanted)
    size = (16, 32, 16)
    assert network.compute_conv_feature_map_size(size) == stock.compute_conv_feature_map_size(size)


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


def test_with_pooling_the_estimate_counts_the_convolutions_of_a_stage_at_its_own_size():
    network = make_network(4, dim=2, n_stages=2, pool="max")
    full, half = 4 * 16 * 8, 4 * 8 * 4
    head = 3 * 16 * 8
    # Two convolutions a stage; one transposed convolution.
    assert network.compute_conv_feature_map_size((16, 8)) == (2 + 1 + 2) * full + 2 * half + head


def test_anisotropic_strides():
    network = make_network(4, strides=[[1, 1, 1], [1, 2, 2], [2, 2, 2]])
    assert network(torch.randn(1, 1, 8, 16, 16)).shape == (1, 3, 8, 16, 16)
