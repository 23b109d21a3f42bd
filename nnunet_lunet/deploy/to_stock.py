"""A trained model as stock nnU-Net knows it: its own network class, its own trainer's name, plain widths."""

import copy
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from torch import nn

from nnunet_lunet.architectures.registry import stock_class_name
from nnunet_lunet.deploy import padding, request
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints, folders

TRAINER = "nnUNetTrainer"


def export(model: Path, folds: Sequence[str], checkpoint_name: str, target: Path) -> Path:
    """Write a results folder with one model that needs nothing but nnU-Net; returns the model's folder in it.

    :param model: a model folder of this package, e.g. ``…/LUnetTrainer_w16__nnUNetPlans__3d_fullres``
    :param folds: e.g. ``["0", "1"]`` or ``["all"]``; folds of different widths get the same, padded with zeros
    :param checkpoint_name: e.g. ``checkpoint_final.pth``
    :param target: folder to write to; a model of that name must not be in it yet
    :raises UserError: a file is missing or not readable, or the network has no twin in nnU-Net
    """
    trainer, plans_name, configuration = _parts(model)
    plans = folders.read_json(model / "plans.json")
    if not {"dataset_name", "plans_name", "configurations"} <= plans.keys():
        raise UserError(f"{model / 'plans.json'} is no plans file: a model folder of nnU-Net has one")
    loaded = {fold: checkpoints.read(model / f"fold_{fold}" / checkpoint_name) for fold in folds}
    stock_plans = copy.deepcopy(plans)
    # Another name than the original plans', so that installing it never replaces a stock model.
    stock_plans["plans_name"] = f"{plans_name}_{trainer}"
    destination = target / plans["dataset_name"] / f"{TRAINER}__{stock_plans['plans_name']}__{configuration}"
    if destination.exists():
        raise UserError(f"{destination} exists: remove it or choose another folder")
    architecture = _architecture(plans, configuration, trainer)
    weights = [checkpoint["network_weights"] for checkpoint in loaded.values()]
    architecture["arch_kwargs"]["features_per_stage"] = padding.common_features(
        weights, architecture["arch_kwargs"]["n_stages"]
    )
    stock_plans["configurations"][configuration]["architecture"] = architecture
    shapes = _shapes(architecture, weights[0])
    temporary = destination.with_name(f".{destination.name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir(parents=True)
        (temporary / "plans.json").write_text(json.dumps(stock_plans, indent=2))
        for name in ("dataset.json", "dataset_fingerprint.json"):
            if (model / name).exists():
                shutil.copyfile(model / name, temporary / name)
        for fold, checkpoint in loaded.items():
            (temporary / f"fold_{fold}").mkdir()
            torch.save(
                {
                    "network_weights": padding.pad(checkpoint["network_weights"], shapes),
                    "trainer_name": TRAINER,
                    "init_args": {"configuration": configuration, "fold": checkpoint["init_args"]["fold"]},
                    "inference_allowed_mirroring_axes": checkpoint["inference_allowed_mirroring_axes"],
                },
                temporary / f"fold_{fold}" / "checkpoint_final.pth",
            )
        temporary.rename(destination)
    except OSError as error:
        raise UserError(f"{target} cannot be written ({error.strerror}): choose another folder") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return destination


def zip_model(destination: Path, archive: Path) -> None:
    """The zip that ``nnUNetv2_install_pretrained_model_from_zip`` takes, of a model that :func:`export` wrote.

    :raises UserError: the file exists or is not named ``….zip``
    """
    request.check_archive(archive)
    shutil.make_archive(
        str(archive.with_suffix("")),
        "zip",
        root_dir=destination.parent.parent,
        base_dir=f"{destination.parent.name}/{destination.name}",
    )


def _parts(model: Path) -> tuple[str, str, str]:
    parts = model.name.split("__")
    if len(parts) != 3 or not model.is_dir():
        raise UserError(f"{model} is no model folder: name one like …/LUnetTrainer__nnUNetPlans__3d_fullres")
    return parts[0], parts[1], parts[2]


def _architecture(plans: dict[str, Any], configuration: str, trainer: str) -> dict[str, Any]:
    resolved = PlansManager(copy.deepcopy(plans)).get_configuration(configuration)
    try:
        class_name = stock_class_name(resolved.network_arch_class_name)
    except KeyError:
        raise UserError(
            f"{trainer}: nnU-Net has no network class for {resolved.network_arch_class_name}; only U-Nets with a plain "
            "or a residual encoder can be exported"
        ) from None
    kwargs = copy.deepcopy(resolved.network_arch_init_kwargs)
    kwargs.pop("width_profile", None)
    if (pool := kwargs.pop("pool", "conv")) != "conv":
        raise UserError(
            f"{trainer}: plans {plans['plans_name']!r} ask for pool {pool!r}, which nnU-Net's own U-Net has not; only "
            "networks with strided convolutions (pool 'conv') can be exported"
        )
    if kwargs.pop("dropout_last", False):
        # nnU-Net's blocks have their dropout elsewhere, and prediction has none.
        kwargs |= {"dropout_op": None, "dropout_op_kwargs": None}
    return {
        "network_class_name": class_name,
        "arch_kwargs": kwargs,
        "_kw_requires_import": list(resolved.network_arch_init_kwargs_req_import),
    }


def _shapes(architecture: dict[str, Any], weights: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
    """Shapes of the stock network's state dict; it is built without memory for its weights."""
    channels = next(iter(weights.values())).shape[1]
    classes = weights["decoder.seg_layers.0.weight"].shape[0]
    with torch.device("meta"):
        network: nn.Module = get_network_from_plans(
            architecture["network_class_name"],
            architecture["arch_kwargs"],
            architecture["_kw_requires_import"],
            channels,
            classes,
            allow_init=False,
            deep_supervision=True,
        )
    shapes = {key: tensor.shape for key, tensor in network.state_dict().items()}
    if shapes.keys() != weights.keys():
        key = sorted(shapes.keys() ^ weights.keys())[0]
        raise UserError(f"layer {key} is in one of stock network and checkpoint only: they are of another architecture")
    return shapes
