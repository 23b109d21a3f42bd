"""Which class of ours builds the network that plans name. Names only; no torch."""

from dataclasses import dataclass

_OURS = "nnunet_lunet.architectures"
_STOCK = "dynamic_network_architectures.architectures.unet"


@dataclass(frozen=True)
class Network:
    """A class of ours.

    :param path: its import path
    :param about: one sentence, with the source
    :param stock: import path of nnU-Net's own class of which it is the twin; None where there is none
    :param is_prunable: whether its convolutions can lose single channels
    """

    path: str
    about: str
    stock: str | None = None
    is_prunable: bool = True


#: By the name of the class.
NETWORKS = {
    "LeanUNet": Network(
        f"{_OURS}.lean_unet.LeanUNet", "nnU-Net's plain U-Net with a width profile (arXiv 2512.03834)",
        f"{_STOCK}.PlainConvUNet",
    ),
    "LeanResidualEncoderUNet": Network(
        f"{_OURS}.lean_unet.LeanResidualEncoderUNet", "nnU-Net's residual encoder U-Net with a width profile",
        f"{_STOCK}.ResidualEncoderUNet",
    ),
    "NoSkipUNet": Network(f"{_OURS}.no_skip.NoSkipUNet", "the U-Net without skip connections"),
    "UNetPlusPlus": Network(f"{_OURS}.nested.UNetPlusPlus", "UNet++ (arXiv 1807.10165), nested skip connections"),
    "SharedWeightsUNet": Network(
        f"{_OURS}.shared_weights.SharedWeightsUNet", "a flat U-Net whose levels convolve with the same weights",
        is_prunable=False,
    ),
    "MedNeXt": Network(f"{_OURS}.mednext.MedNeXt", "MedNeXt (arXiv 2303.09975) as MONAI builds it", is_prunable=False),
}  # fmt: skip
_TWINS = {network.stock.rpartition(".")[2]: name for name, network in NETWORKS.items() if network.stock}


def lean_class_name(network_class_name: str) -> str:
    """Import path of our class for a network class that plans name: itself, or the lean twin of nnU-Net's own.

    :param network_class_name: e.g. ``dynamic_network_architectures.architectures.unet.PlainConvUNet``
    :raises KeyError: a class that is neither ours nor has a lean twin
    """
    return _find(network_class_name).path


def stock_class_name(network_class_name: str) -> str:
    """Import path of nnU-Net's own twin of a network class that plans name; the inverse of :func:`lean_class_name`.

    :raises KeyError: a class that nnU-Net has no twin of
    """
    stock = _find(network_class_name).stock
    if stock is None:
        raise KeyError(network_class_name)
    return stock


def names_in_plans(prunable: bool = False) -> list[str]:
    """The classes as plans name them: nnU-Net's own where there is a twin.

    :param prunable: only those that can be pruned
    """
    of_stock = {ours: stock for stock, ours in _TWINS.items()}
    return [of_stock.get(name, name) for name, network in NETWORKS.items() if network.is_prunable or not prunable]


def _find(network_class_name: str) -> Network:
    name = network_class_name.rpartition(".")[2]
    return NETWORKS[_TWINS.get(name, name)]
