"""The law: padded into nnU-Net's own network class, a network of any widths computes what it did."""

import random

import pytest
import torch
from conftest import image, make_network
from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet

from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet
from nnunet_lunet.deploy import padding
from nnunet_lunet.pruning import groups, surgery


def stock_twin(lean, features, **kind):
    """nnU-Net's own class with these widths, made as ``make_network`` makes ours."""
    stock = ResidualEncoderUNet if isinstance(lean, LeanResidualEncoderUNet) else PlainConvUNet
    network = make_network(features, **{**kind, "cls": stock})
    assert type(network) is stock
    return network


@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("features", [[4, 4, 4], [3, 6, 9]])
@pytest.mark.parametrize("cls", [LeanUNet, LeanResidualEncoderUNet])
def test_pruned_networks_of_two_folds_in_one_stock_network(cls, features, dim, norm):
    kind = {"cls": cls, "dim": dim, "norm": norm}
    folds = []
    for seed in (0, 1):
        network = make_network(features, **kind).double()
        rng = random.Random(seed)
        leaving = {
            group.name: rng.sample(range(group.channels), rng.randrange(3)) for group in groups.find_groups(network)
        }
        surgery.remove_channels(network, leaving)
        folds.append(network)
    common = padding.common_features([network.state_dict() for network in folds], n_stages=3)
    x = image(dim).double()
    for network in folds:
        stock = stock_twin(network, common, **kind).double()
        shapes = {key: tensor.shape for key, tensor in stock.state_dict().items()}
        stock.load_state_dict(padding.pad(network.state_dict(), shapes))
        network.decoder.deep_supervision = stock.decoder.deep_supervision = True
        for ours, theirs in zip(network(x), stock(x), strict=True):
            assert torch.allclose(ours, theirs, rtol=0, atol=1e-10)


def test_projections_are_where_the_weights_have_them():
    # Pruned to one width, a network built with doubling still has its projections: the widths must differ.
    network = make_network([4, 6, 8], cls=LeanResidualEncoderUNet)
    for group in groups.find_groups(network):
        surgery.remove_channels(network, {group.name: list(range(group.channels - 3))})
    features = padding.common_features([network.state_dict()], n_stages=3)
    assert features[0] != features[1] != features[2]
    flat = make_network([4, 4, 4], cls=LeanResidualEncoderUNet)
    assert len(set(padding.common_features([flat.state_dict()], n_stages=3))) == 1
