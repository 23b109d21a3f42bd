"""The metrics, and the scores of one structure of one case. Dice is nnU-Net's; distances of surfaces are MONAI's.

A metric is a row of :data:`METRICS`; tables, files, tests and the page take them from there.
"""

from __future__ import annotations

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
    """Two masks of one structure, neither of them empty, with one voxel of background around both.

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
    import torch

    given, expected = _edges(masks)
    there, back = _distances(given, expected, masks.spacing)
    return float(torch.max(torch.quantile(there, 0.95), torch.quantile(back, 0.95)))


def surface_dice(masks: Masks) -> float:
    """Share of both surfaces, by area, that is no further than the tolerance from the other; 0 to 1, by MONAI."""
    given, expected, given_areas, expected_areas = _edges(masks, spacing=masks.spacing)
    pairs = zip((given_areas[given], expected_areas[expected]), _distances(given, expected, masks.spacing), strict=True)
    parts = [(areas[distances <= masks.tolerance].sum(), areas.sum()) for areas, distances in pairs]
    (given_within, given_area), (expected_within, expected_area) = parts
    return float(((expected_within + given_within) / (expected_area + given_area)).float())


def _edges(masks: Masks, **options: Any) -> Any:
    """Of prediction and reference: their surface voxels, or with ``spacing`` those between voxels and their areas.

    MONAI's functions of whole metrics crop each pair of masks four times, which took most of the time.
    """
    import torch
    from monai.metrics import get_mask_edges

    pair = (torch.from_numpy(mask) for mask in (masks.prediction, masks.reference))
    return get_mask_edges(*pair, crop=False, **options)


def _distances(given: Any, expected: Any, spacing: Sequence[float]) -> tuple[Any, Any]:
    """From each voxel of one surface to the other surface, in mm."""
    from monai.metrics import get_surface_distance

    return (
        get_surface_distance(given, expected, spacing=spacing),
        get_surface_distance(expected, given, spacing=spacing),
    )


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
        "Surface Dice is the share of both surfaces within {tolerance} of the other. It is MONAI's and respects "
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
    reference, prediction = _cropped(reference, prediction)
    masks = Masks(reference, prediction, spacing, tolerance)
    return Measures({name: metric.score(masks) for name, metric in METRICS.items()})


def _cropped(*masks: np.ndarray) -> list[np.ndarray]:
    """To what lies in any of them, and one voxel of background around it, as MONAI does."""
    import numpy as np

    union = np.logical_or.reduce(masks)
    box = []
    for axis in range(union.ndim):
        others = tuple(other for other in range(union.ndim) if other != axis)
        inside = np.flatnonzero(union.any(axis=others))
        box.append(slice(inside[0], inside[-1] + 1))
    return [np.pad(mask[tuple(box)], 1) for mask in masks]


def check_installed() -> None:
    """:raises UserError: MONAI is not installed"""
    try:
        import monai.metrics  # noqa: F401
    except ImportError as error:
        raise missing("MONAI", "compare", "lunet compare") from error
