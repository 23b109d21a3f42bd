"""Scores of one structure of one case. Dice is nnU-Net's; distances between surfaces are MONAI's."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nnunetv2.evaluation.evaluate_predictions import compute_tp_fp_fn_tn

from nnunet_lunet.errors import UserError

#: How structures that are not there are scored, for the reader of a comparison.
EMPTY = (
    "Where reference and prediction are both empty, no metric is defined and the case is in no mean. Where one of the "
    "two is empty, Dice and surface Dice are 0 and HD95 is not defined."
)
IGNORED = (
    "Voxels with the ignore label are left out as nnU-Net does for Dice; for distances, reference and prediction both "
    "end where they begin."
)


@dataclass(frozen=True)
class Measures:
    """None where a metric is not defined, and ``note`` says why.

    :param dice: 0 to 1
    :param hausdorff95: the larger of the two 95th percentiles of distances from one surface to the other, in mm
    :param surface_dice: share of both surfaces, by area, that is no further than the tolerance from the other
    """

    dice: float | None
    hausdorff95: float | None
    surface_dice: float | None
    note: str = ""


def measure(
    reference: np.ndarray, prediction: np.ndarray, spacing: Sequence[float], tolerance: float,
    ignored: np.ndarray | None = None,
) -> Measures:  # fmt: skip
    """Compare two masks of equal shape, ``(D, H, W)`` or ``(H, W)``.

    :param spacing: mm, by the axes of the masks
    :param tolerance: of surface Dice, mm
    :param ignored: voxels that do not count
    :raises UserError: MONAI is not installed
    """
    tp, fp, fn, _ = compute_tp_fp_fn_tn(reference, prediction, ignored)
    if ignored is not None:
        reference, prediction = reference & ~ignored, prediction & ~ignored
    empty = [name for name, mask in (("reference", reference), ("prediction", prediction)) if not mask.any()]
    if len(empty) == 2:
        return Measures(None, None, None, "reference and prediction are empty")
    dice = float(2 * tp / (2 * tp + fp + fn))
    if empty:
        return Measures(dice, None, 0.0, f"{empty[0]} is empty")
    return Measures(dice, *_distances(reference, prediction, spacing, tolerance))


def check_installed() -> None:
    """:raises UserError: MONAI is not installed"""
    try:
        import monai.metrics  # noqa: F401
    except ImportError as error:
        raise UserError("lunet compare needs MONAI for distances: pip install 'nnunet-lunet[compare]'") from error


def _distances(
    reference: np.ndarray, prediction: np.ndarray, spacing: Sequence[float], tolerance: float
) -> tuple[float, float]:
    # MONAI takes seconds to import, and is optional.
    check_installed()
    import torch
    from monai.metrics import compute_hausdorff_distance, compute_surface_dice

    found, expected = (torch.from_numpy(np.ascontiguousarray(mask))[None, None] for mask in (prediction, reference))
    options: dict[str, Any] = {"include_background": True, "spacing": list(spacing)}
    with warnings.catch_warnings():
        # MONAI 1.6 calls a function of its own in a way that it warns of.
        warnings.simplefilter("ignore", FutureWarning)
        hausdorff = compute_hausdorff_distance(y_pred=found, y=expected, percentile=95, **options)
        surface_dice = compute_surface_dice(
            y_pred=found, y=expected, class_thresholds=[tolerance], use_subvoxels=True, **options
        )
    return float(hausdorff), float(surface_dice)
