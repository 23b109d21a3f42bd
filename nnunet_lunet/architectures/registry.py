"""Which class of ours builds the network that plans name. Names only; no torch."""

_OURS = "nnunet_lunet.architectures"
_STOCK = "dynamic_network_architectures.architectures.unet"

#: By the name of a class of ours: the class, and nnU-Net's own class of which it is the twin.
_CLASSES: dict[str, tuple[str, str | None]] = {
    "LeanUNet": (f"{_OURS}.lean_unet.LeanUNet", f"{_STOCK}.PlainConvUNet"),
    "LeanResidualEncoderUNet": (f"{_OURS}.lean_unet.LeanResidualEncoderUNet", f"{_STOCK}.ResidualEncoderUNet"),
    "NoSkipUNet": (f"{_OURS}.no_skip.NoSkipUNet", None),
    "UNetPlusPlus": (f"{_OURS}.nested.UNetPlusPlus", None),
    "SharedWeightsUNet": (f"{_OURS}.shared_weights.SharedWeightsUNet", None),
    "MedNeXt": (f"{_OURS}.mednext.MedNeXt", None),
}
_STOCK_CLASSES = {stock.rpartition(".")[2]: ours for ours, (_, stock) in _CLASSES.items() if stock}


def lean_class_name(network_class_name: str) -> str:
    """Import path of our class for a network class that plans name: itself, or the lean twin of nnU-Net's own.

    :param network_class_name: e.g. ``dynamic_network_architectures.architectures.unet.PlainConvUNet``
    :raises KeyError: a class that is neither ours nor has a lean twin
    """
    return _find(network_class_name)[0]


def stock_class_name(network_class_name: str) -> str:
    """Import path of nnU-Net's own twin of a network class that plans name; the inverse of :func:`lean_class_name`.

    :raises KeyError: a class that nnU-Net has no twin of
    """
    stock = _find(network_class_name)[1]
    if stock is None:
        raise KeyError(network_class_name)
    return stock


def _find(network_class_name: str) -> tuple[str, str | None]:
    name = network_class_name.rpartition(".")[2]
    return _CLASSES[_STOCK_CLASSES.get(name, name)]
