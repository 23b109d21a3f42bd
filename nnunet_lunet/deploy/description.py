"""What ``model.json`` says of a trained model: all that a caller needs beside the networks' files."""

from collections.abc import Mapping
from importlib import metadata
from typing import Any

from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

from nnunet_lunet.deploy.portable import images, preprocessing
from nnunet_lunet.deploy.portable.model import FORMAT
from nnunet_lunet.errors import UserError

#: What is described is what these do; a data set may have its own.
_PREPROCESSOR, _RESAMPLING = "DefaultPreprocessor", "resample_data_or_seg_to_shape"
_INTENSITY = ("mean", "std", "percentile_00_5", "percentile_99_5")
_PACKAGES = ("nnunet-lunet", "nnunetv2", "torch")


def describe(predictor: nnUNetPredictor) -> dict[str, Any]:
    """Everything but the networks; see :class:`nnunet_lunet.deploy.portable.model.Model`.

    :param predictor: nnU-Net's, with a model loaded
    :raises UserError: a step between file and network that is not nnU-Net's default, so that it cannot be described
    """
    plans, configuration = predictor.plans_manager, predictor.configuration_manager
    labels = plans.get_label_manager(predictor.dataset_json)
    if configuration.previous_stage_name is not None:
        raise UserError("the second stage of a cascade needs what the first predicted: export 3d_lowres or 3d_fullres")
    _check_default("preprocessor", configuration.preprocessor_name, _PREPROCESSOR)
    for of in ("data", "probabilities"):
        _check_default(f"resampling of {of}", configuration.configuration[f"resampling_fn_{of}"], _RESAMPLING)
    names = predictor.dataset_json.get("channel_names") or predictor.dataset_json["modality"]
    intensities = plans.foreground_intensity_properties_per_channel
    return {
        "format": FORMAT,
        "made_by": {package: metadata.version(package) for package in _PACKAGES},
        "dataset": plans.dataset_name,
        "trainer": predictor.trainer_name,
        "plans": plans.plans_name,
        "channels": [
            {
                "name": str(names[str(index)]),
                "normalization": scheme,
                "use_mask": bool(use_mask),
                "intensity": {key: float(intensities[str(index)][key]) for key in _INTENSITY},
            }
            for index, (scheme, use_mask) in enumerate(
                zip(configuration.normalization_schemes, configuration.use_mask_for_norm, strict=True)
            )
        ],
        "classes": labels.num_segmentation_heads,
        "regions": [int(label) for label in labels.regions_class_order] if labels.has_regions else None,
        "labels": predictor.dataset_json["labels"],
        "file_ending": predictor.dataset_json["file_ending"],
        "reader": plans.image_reader_writer_class.__name__,
        "spacing": [float(mm) for mm in configuration.spacing],
        "transpose_forward": [int(axis) for axis in plans.transpose_forward],
        "transpose_backward": [int(axis) for axis in plans.transpose_backward],
        "patch_size": [int(size) for size in configuration.patch_size],
        "mirror_axes": [int(axis) for axis in predictor.allowed_mirroring_axes or ()],
        "image_resampling": _resampling(configuration.configuration["resampling_fn_data_kwargs"]),
        "logits_resampling": _resampling(configuration.configuration["resampling_fn_probabilities_kwargs"]),
    }


def check_portable(description: Mapping[str, Any]) -> None:
    """:raises UserError: the portable program lacks something that the model needs"""
    if description["reader"] not in images.READERS:
        raise UserError(
            f"--portable has no {description['reader']}, which reads this data set: there are {_all(images.READERS)}"
        )
    for channel in description["channels"]:
        if (name := channel["normalization"]) not in preprocessing.NORMALIZATIONS:
            raise UserError(f"--portable has no {name}: there are {_all(preprocessing.NORMALIZATIONS)}")
    if description["logits_resampling"]["order"] > 1:
        raise UserError("--portable resamples logits linearly, and these plans do it with a higher order")


def _check_default(what: str, found: str, default: str) -> None:
    if found != default:
        raise UserError(f"the {what} is {found}, and only nnU-Net's own {default} can be exported with what it does")


def _resampling(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {key: arguments[key] for key in ("order", "order_z", "force_separate_z")}


def _all(names: Mapping[str, Any]) -> str:
    return ", ".join(names)
