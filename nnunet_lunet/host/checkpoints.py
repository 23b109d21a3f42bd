"""Checkpoints as nnU-Net and this package write them, read without the network that they are of."""

import os
import pickle
import zipfile
from typing import Any

import numpy as np
import torch

from nnunet_lunet.errors import UserError

#: What nnU-Net calls the last checkpoint of a training.
FINAL = "checkpoint_final.pth"
#: Key of what this package's trainers put into a checkpoint beside what nnU-Net does.
OWN_STATE = "nnunet_lunet"


def own_state(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """What the trainer that wrote a checkpoint put into it by its hook; empty if it is none of this package's."""
    return checkpoint.get(OWN_STATE) or {}


def label(name: str) -> str:
    """What tells a checkpoint from the others of its fold: ``keep50`` of ``checkpoint_keep50.pth``."""
    return name.removesuffix(".pth").removeprefix("checkpoint_")


def plain(value: Any) -> Any:
    """``value`` with NumPy scalars and arrays as Python numbers and lists, at any depth; tensors stay.

    ``torch.load(weights_only=True)`` refuses NumPy's types.
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {plain(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(entry) for entry in value)
    return value


def read(
    filename: str | os.PathLike[str],
    what_to_do: str = "delete it to continue from another checkpoint of this folder, or train again",
) -> dict[str, Any]:
    """Contents of a checkpoint, on the CPU.

    :param what_to_do: what the message advises
    :raises UserError: no such file, cut off, or not a checkpoint
    """
    try:
        # nnU-Net's own trainers store NumPy scalars, so weights_only would refuse their checkpoints.
        checkpoint = torch.load(filename, map_location="cpu", weights_only=False)
        checkpoint["network_weights"], checkpoint["trainer_name"]
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise UserError(
            f"checkpoint {os.fspath(filename)} cannot be read ({type(error).__name__}): it is cut off or not an "
            f"nnU-Net checkpoint; {what_to_do}"
        ) from error
    return checkpoint
