"""What the network of a trained fold costs, at the widths of its own weights."""

import io
import os
import pickle
import warnings
import zipfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from torch import nn

from nnunet_lunet.architectures import cost, feature_maps
from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints

_BROKEN = (
    OSError, EOFError, RuntimeError, LookupError, TypeError, ValueError, AttributeError, pickle.UnpicklingError,
    zipfile.BadZipFile,
)  # fmt: skip


def cost_of_fold(fold: Path, checkpoint: str = checkpoints.FINAL) -> NetworkCost:
    """Cost of the network that nnU-Net's predictor makes of a trained fold: stock, lean or pruned.

    :param fold: folder such as ``…/LUnetTrainer__nnUNetPlans__3d_fullres/fold_0``; plans and data set description are
        in the folder above it, trainer and configuration in the checkpoint
    :param checkpoint: name of its file in ``fold``
    :raises UserError: a file is missing or broken, its trainer is not installed, or its weights do not fit the plans
    """
    with redirect_stdout(io.StringIO()):
        predictor = nnUNetPredictor(device=torch.device("cpu"))
    initialize(predictor, fold.parent, [fold.name.removeprefix("fold_")], checkpoint)
    network = getattr(predictor.network, "_orig_mod", predictor.network)
    patch_size = predictor.configuration_manager.patch_size
    # The predictor's network has no lower heads to compute; autograd keeps nothing for them but what it keeps anyway.
    kept = cost.activation_memory(network, feature_maps.input_channels(network), patch_size)
    return replace(cost_of_network(network, patch_size), activation_bytes=kept)


def initialize(predictor: nnUNetPredictor, model: Path, folds: Sequence[str], checkpoint: str) -> None:
    """Let nnU-Net's predictor load trained folds, without what it prints.

    :param model: folder such as ``…/LUnetTrainer__nnUNetPlans__3d_fullres``
    :param folds: e.g. ``["0", "1"]`` or ``["all"]``
    :param checkpoint: name of its file in each fold
    :raises UserError: a file is missing or broken, its trainer is not installed, or its weights do not fit the plans
    """
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nnU-Net's look-up of trainers imports libraries that warn
            predictor.initialize_from_trained_model_folder(str(model), tuple(folds), checkpoint)
    except _BROKEN as error:
        file = model / (f"fold_{folds[0]}" if len(folds) == 1 else f"fold_({'|'.join(folds)})") / checkpoint
        raise UserError(
            f"checkpoint {os.fspath(file)} makes no network ({type(error).__name__}: {_short(error)}): it needs its "
            "trainer, and plans.json and dataset.json in the folder above its fold"
        ) from error


def cost_of_network(network: nn.Module, patch_size: Sequence[int]) -> NetworkCost:
    """Cost of a network for one patch, as it stands: with deep supervision, if it is on, the lower heads compute too.

    What autograd would keep is not counted.

    :raises RuntimeError: a patch that does not fit the strides of the network
    """
    return NetworkCost(
        parameters=cost.parameters(network),
        multiply_adds=cost.multiply_adds(network, feature_maps.input_channels(network), patch_size),
        channels_per_level=feature_maps.channels_per_level(network, patch_size),
    )


def _short(error: Exception) -> str:
    """What an error says, without the folders that nnU-Net's look-up of trainers goes on to list."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {Path(error.filename).name}" if error.filename else error.strerror
    return (str(error).strip().splitlines() or ["cut off"])[0].partition(" (")[0]
