import pydoc

import pytest
from conftest import make_network
from dynamic_network_architectures.architectures import unet

from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet
from nnunet_lunet.architectures.registry import NETWORKS, lean_class_name, stock_class_name
from nnunet_lunet.errors import UserError
from nnunet_lunet.pruning import groups

STOCK = unet.__name__
TWINS = [(LeanUNet, "PlainConvUNet"), (LeanResidualEncoderUNet, "ResidualEncoderUNet")]


@pytest.mark.parametrize(("ours", "stock"), TWINS)
def test_classes_of_nnunet_have_lean_twins(ours, stock):
    assert pydoc.locate(lean_class_name(f"{STOCK}.{stock}")) is ours
    assert stock_class_name(lean_class_name(f"{STOCK}.{stock}")) == stock_class_name(f"{STOCK}.{stock}")
    assert pydoc.locate(stock_class_name(f"{STOCK}.{stock}")) is getattr(unet, stock)


@pytest.mark.parametrize("look_up", [lean_class_name, stock_class_name])
def test_an_unknown_class_has_no_twin(look_up):
    with pytest.raises(KeyError):
        look_up(f"{STOCK}.ResidualUNet")


@pytest.mark.parametrize("name", [name for name, network in NETWORKS.items() if network.stock is None])
def test_classes_that_nnunet_lacks_are_found_by_name_and_have_no_twin(name):
    path = NETWORKS[name].path
    assert getattr(pydoc.locate(lean_class_name(path)), "__name__", None) == name
    with pytest.raises(KeyError):
        stock_class_name(path)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "MedNeXt"])
def test_the_table_says_which_networks_can_be_pruned(name):
    network = make_network(4, cls=pydoc.locate(NETWORKS[name].path))
    if NETWORKS[name].is_prunable:
        assert groups.find_groups(network)
    else:
        with pytest.raises(UserError, match=r"cannot be pruned.*PlainConvUNet, ResidualEncoderUNet"):
            groups.find_groups(network)
