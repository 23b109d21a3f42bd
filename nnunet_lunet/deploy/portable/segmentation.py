"""From logits to a label map: ``convert_predicted_logits_to_segmentation_with_correct_shape``, slab by slab."""

import numpy as np

from .model import Model
from .preprocessing import Prepared
from .resampling import Linear

#: Voxels of all classes that are resampled at once.
_AT_ONCE = 8_000_000


def labels(logits: np.ndarray, prepared: Prepared, model: Model) -> np.ndarray:
    """``(D, H, W)`` by the image's own axes.

    :param logits: ``(K, D, H, W)``
    """
    inner = [part.stop - part.start for part in prepared.box]
    grid = Linear(
        logits.shape[1:], inner, prepared.spacing, prepared.original_spacing, model.logits_resampling
    )  # fmt: skip
    found = np.zeros(inner, np.uint16)
    thickness = max(1, _AT_ONCE // (len(logits) * inner[1] * inner[2]))
    for start in range(0, inner[0], thickness):
        slab = grid.slab(logits, start, min(start + thickness, inner[0]))
        found[start : start + thickness] = _labels(slab, model)
    whole = np.zeros(prepared.shape, np.uint16)
    whole[prepared.box] = found
    return whole.transpose(model.transpose_backward)


def _labels(logits: np.ndarray, model: Model) -> np.ndarray:
    """``convert_logits_to_segmentation``; a probability above 0.5 is a logit above 0."""
    if model.regions is None:
        return logits.argmax(0)
    found = np.zeros(logits.shape[1:], np.uint16)
    for region, label in zip(logits, model.regions, strict=True):
        found[region > 0] = label
    return found
