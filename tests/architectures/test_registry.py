import pydoc

import pytest
from dynamic_network_architectures.architectures import unet

from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet
from nnunet_lunet.architectures.registry import lean_class_name, stock_class_name

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
