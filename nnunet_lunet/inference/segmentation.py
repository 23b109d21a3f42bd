"""From logits to a label map of the image's own size."""

from typing import Any

import numpy as np
import torch
from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from torch import Tensor

from nnunet_lunet.inference import resampling


def segment(logits: Tensor, properties: dict[str, Any], model: nnUNetPredictor) -> np.ndarray:
    """Label map by the axes of the file, ``uint8`` or ``uint16``.

    Interpolated logits are never there as a whole, where the plans resample them linearly, which nnU-Net's do.

    :param logits: ``(classes, X, Y, Z)`` at the model's resolution
    :param properties: what nnU-Net's preprocessing tells of the image
    """
    shape = properties["shape_after_cropping_and_before_resampling"]
    spacing = [properties["spacing"][axis] for axis in model.plans_manager.transpose_forward]
    current = list(model.configuration_manager.spacing)
    current = current if len(current) == len(shape) else [spacing[0], *current]
    slabs = resampling.by_slabs(model.configuration_manager.resampling_fn_probabilities, current, spacing)
    if slabs is None:
        return _by_nnunet(logits, properties, model, probabilities=False)
    labels = model.label_manager
    kind = np.uint8 if len(labels.foreground_labels) < 255 else np.uint16
    segmentation = np.zeros(properties["shape_before_cropping"], kind)
    cropped = segmentation[tuple(slice(*edges) for edges in properties["bbox_used_for_cropping"])]
    planes = np.moveaxis(cropped, slabs.axis, 0)
    for part, slab in resampling.resampled(logits, shape, slabs):
        planes[part] = labels.convert_logits_to_segmentation(slab).numpy()
    return segmentation.transpose(model.plans_manager.transpose_backward)


def with_probabilities(
    logits: Tensor, properties: dict[str, Any], model: nnUNetPredictor
) -> tuple[np.ndarray, np.ndarray]:
    """Label map, and probabilities ``(classes, …)`` by the axes of the file; of which the whole volume is needed."""
    return _by_nnunet(logits, properties, model, probabilities=True)


def _by_nnunet(logits: Tensor, properties: dict[str, Any], model: nnUNetPredictor, probabilities: bool) -> Any:
    return convert_predicted_logits_to_segmentation_with_correct_shape(
        logits, model.plans_manager, model.configuration_manager, model.label_manager, properties, probabilities,
        num_threads_torch=torch.get_num_threads(),
    )  # fmt: skip
