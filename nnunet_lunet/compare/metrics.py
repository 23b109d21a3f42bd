"""The metrics, and the scores of one structure of one case. Dice is nnU-Net's; distances of surfaces are MONAI's.

A metric is a row of :data:`METRICS`; tables, files, tests and the page take them from there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnunet_lunet.errors import missing

if TYPE_CHECKING:
    import numpy as np

#: How structures that are not there are scored, for the reader of a comparison.
EMPTY = (
    "Where reference and prediction are both empty, no metric is defined and the case is in no mean. Where one of the "
    "two is empty, Dice and surface Dice are 0 and HD95 is not defined."
)
#: Notes on scores without a value.
BOTH_EMPTY, REFERENCE_EMPTY, PREDICTION_EMPTY = (
    "reference and prediction are empty", "reference is empty", "prediction is empty",
)  # fmt: skip
IGNORED = (
    "Voxels with the ignore label are left out as nnU-Net does for Dice; for distances, reference and prediction both "
    "end where they begin."
)


@dataclass(frozen=True)
class Masks:
    """Two masks of one structure, neither of them empty.

    :param reference: ``(D, H, W)`` or ``(H, W)``
    :param prediction: of the same shape
    :param spacing: mm, by the axes of the masks
    :param tolerance: of surface Dice, mm
    """

    reference: np.ndarray
    prediction: np.ndarray
    spacing: Sequence[float]
    tolerance: float


@dataclass(frozen=True)
class Metric:
    """How two masks are compared.

    :param heading: in tables, with the unit of a distance
    :param score: value of two masks
    :param if_one_is_empty: value where either reference or prediction is empty; None where it is not defined
    :param more_is_better: whether a larger value is
    :param in_points: whether differences are shown in points of 0.01, as those of overlaps are, or else in mm
    :param about: what it is, for the reader of a comparison
    """

    heading: str
    score: Callable[[Masks], float]
    if_one_is_empty: float | None
    more_is_better: bool
    in_points: bool
    about: str


def dice(masks: Masks) -> float:
    """Dice of two masks, 0 to 1, from nnU-Net's own counts."""
    from nnunetv2.evaluation.evaluate_predictions import compute_tp_fp_fn_tn

    tp, fp, fn, _ = compute_tp_fp_fn_tn(masks.reference, masks.prediction)
    return float(2 * tp / (2 * tp + fp + fn))


def hausdorff95(masks: Masks) -> float:
    """The larger of the two 95th percentiles of distances from one surface to the other, in mm, by MONAI."""
    from monai.metrics import compute_hausdorff_distance

    return _by_monai(compute_hausdorff_distance, masks, percentile=95)


def surface_dice(masks: Masks) -> float:
    """Share of both surfaces, by area, that is no further than the tolerance from the other; 0 to 1, by MONAI."""
    from monai.metrics import compute_surface_dice

    return _by_monai(compute_surface_dice, masks, class_thresholds=[masks.tolerance], use_subvoxels=True)


def _by_monai(function: Callable[..., Any], masks: Masks, **options: Any) -> float:
    import numpy as np
    import torch

    pair = (masks.prediction, masks.reference)
    found, expected = (torch.from_numpy(np.ascontiguousarray(mask))[None, None] for mask in pair)
    with warnings.catch_warnings():
        # MONAI 1.6 calls a function of its own in a way that it warns of.
        warnings.simplefilter("ignore", FutureWarning)
        value = function(y_pred=found, y=expected, include_background=True, spacing=list(masks.spacing), **options)
    return float(value)


#: By their names in the data.
METRICS = {
    "dice": Metric("Dice", dice, 0.0, True, True, "Dice is nnU-Net's."),
    "hausdorff95": Metric(
        "HD95 (mm)", hausdorff95, None, False, False,
        "HD95 is the larger of the two 95th percentiles of the distances from each surface voxel to the other "
        "surface. It is MONAI's and respects spacing; of a single slice it is of its outline.",
    ),
    "surface_dice": Metric(
        "surface Dice", surface_dice, 0.0, True, True,
        "Surface Dice is the share of both surfaces within {tolerance:g} mm of the other. It is MONAI's and respects "
        "spacing; of a single slice it is of its outline.",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Measures:
    """Scores of one structure.

    :param values: by metric; None where one is not defined, and ``note`` says why
    """

    values: dict[str, float | None]
    note: str = ""


def measure(
    reference: np.ndarray, prediction: np.ndarray, spacing: Sequence[float], tolerance: float,
    ignored: np.ndarray | None = None,
) -> Measures:  # fmt: skip
    """Compare two masks of equal shape, ``(D, H, W)`` or ``(H, W)``, by all metrics.

    :param spacing: mm, by the axes of the masks
    :param tolerance: of surface Dice, mm
    :param ignored: voxels that do not count
    :raises UserError: MONAI is not installed
    """
    if ignored is not None:
        reference, prediction = reference & ~ignored, prediction & ~ignored
    empty = [note for note, mask in ((REFERENCE_EMPTY, reference), (PREDICTION_EMPTY, prediction)) if not mask.any()]
    if len(empty) == 2:
        return Measures(dict.fromkeys(METRICS), BOTH_EMPTY)
    if empty:
        return Measures({name: metric.if_one_is_empty for name, metric in METRICS.items()}, empty[0])
    # MONAI takes seconds to import, and is optional.
    check_installed()
    masks = Masks(reference, prediction, spacing, tolerance)
    return Measures({name: metric.score(masks) for name, metric in METRICS.items()})


def check_installed() -> None:
    """:raises UserError: MONAI is not installed"""
    try:
        import monai.metrics  # noqa: F401
    except ImportError as error:
        raise missing("MONAI", "compare", "lunet compare") from error
