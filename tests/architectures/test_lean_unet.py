import pytest
import torch
from conftest import image, make_network
from dynamic_network_architectures.architectures.unet import PlainConvUNet
from dynamic_network_architectures.building_blocks.simple_conv_blocks import ConvDropoutNormReLU
from torch import nn

from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet
from nnunet_lunet.architectures.nested import UNetPlusPlus
from nnunet_lunet.architectures.no_skip import NoSkipUNet


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


PAPERS_BLOCK = {"norm": "batch", "nonlin_first": True, "dropout_last": True, "dropout_op": nn.Dropout3d}


@pytest.mark.parametrize("cls", [LeanUNet, NoSkipUNet, UNetPlusPlus])
def test_dropout_stands_last_in_every_block_but_the_one_before_the_head(cls):
    network = make_network(4, cls=cls, pool="max", dropout_op_kwargs={"p": 0.005}, **PAPERS_BLOCK)
    blocks = {name: block for name, block in network.named_modules() if isinstance(block, ConvDropoutNormReLU)}
    order = {name: [type(layer).__name__ for layer in block.all_modules] for name, block in blocks.items()}
    last = "decoder.nodes.0_2.convs.1" if cls is UNetPlusPlus else "decoder.stages.1.convs.1"
    assert order.pop(last) == ["Conv3d", "LeakyReLU", "BatchNorm3d"]
    # Two a stage of the encoder, two a node or stage of the decoder.
    assert len(order) == 6 + (6 if cls is UNetPlusPlus else 4) - 1
    assert set(map(tuple, order.values())) == {("Conv3d", "LeakyReLU", "BatchNorm3d", "Dropout3d")}
    assert {module.p for module in network.modules() if isinstance(module, nn.Dropout3d)} == {0.005}
    assert len([module for module in network.modules() if isinstance(module, nn.Dropout3d)]) == len(order)


def test_a_dropped_channel_is_absent_for_the_next_layer():
    given = []
    for last in (True, False):
        network = make_network(8, dropout_op_kwargs={"p": 0.5}, **PAPERS_BLOCK | {"dropout_last": last}).train()
        given.append(network.encoder.stages[0][0].convs[0](image()))
    absent = [int((channels == 0).flatten(2).all(2).sum()) for channels in given]
    assert 0 < absent[0] < 8 and absent[1] == 0


def test_weights_fit_with_and_without_dropout_behind_norm():
    network = make_network(4, dropout_op_kwargs={"p": 0.5}, **PAPERS_BLOCK)
    plain = make_network(4, norm="batch", nonlin_first=True)
    plain.load_state_dict(network.state_dict())
    x = image()
    assert torch.equal(network(x), plain(x))


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
