import pydoc

import pytest
from dynamic_network_architectures.architectures import unet

from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet
from nnunet_lunet.architectures.mednext import MedNeXt
from nnunet_lunet.architectures.nested import UNetPlusPlus
from nnunet_lunet.architectures.no_skip import NoSkipUNet
from nnunet_lunet.architectures.registry import lean_class_name, stock_class_name
from nnunet_lunet.architectures.shared_weights import SharedWeightsUNet

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


@pytest.mark.parametrize("cls", [NoSkipUNet, UNetPlusPlus, SharedWeightsUNet, MedNeXt])
def test_classes_that_nnunet_lacks_are_found_by_name_and_have_no_twin(cls):
    name = f"{cls.__module__}.{cls.__name__}"
    assert pydoc.locate(lean_class_name(name)) is cls
    with pytest.raises(KeyError):
        stock_class_name(name)
