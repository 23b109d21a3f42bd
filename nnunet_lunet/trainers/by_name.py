"""Trainer classes made from their names. nnU-Net looks a class up as an attribute of a module."""

import sys

from nnunet_lunet.errors import with_prefix
from nnunet_lunet.trainers import names
from nnunet_lunet.trainers.lunet import LUnetTrainer, UNetTrainer, WidthTrainer
from nnunet_lunet.trainers.pruning import LUnetPruningTrainer

_FAMILIES: dict[str, type[WidthTrainer]] = {
    "LUnetTrainer": LUnetTrainer,
    "UNetTrainer": UNetTrainer,
    "LUnetPruningTrainer": LUnetPruningTrainer,
}


def find(name: str) -> type[WidthTrainer]:
    """Trainer class of that name; the same object each time, so it pickles by reference.

    :raises AttributeError: a name outside the grammar; one line on stderr has said what is wrong with it
    """
    try:
        options = names.parse(name)
    except names.TrainerNameError as error:
        print(with_prefix(str(error)), file=sys.stderr)
        raise AttributeError(name) from error
    base = _FAMILIES[options.family]
    if name == base.__name__:
        return base
    made = globals().get(name)
    if made is None:
        made = type(name, (base,), {"__module__": __name__, "__doc__": base.__doc__, "options": options})
        globals()[name] = made
    return made


def __getattr__(name: str) -> type[WidthTrainer]:
    if not name.startswith(tuple(_FAMILIES)):
        raise AttributeError(name)
    return find(name)
