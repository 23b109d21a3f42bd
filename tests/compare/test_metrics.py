import sys

import numpy as np
import pytest
import torch
from scipy import ndimage

from nnunet_lunet.compare import metrics
from nnunet_lunet.errors import UserError


def cube(first, edge=4, shape=(12, 8, 8)):
    mask = np.zeros(shape, bool)
    mask[first : first + edge, 2 : 2 + edge, 2 : 2 + edge] = True
    return mask


def square(first, shape=(16, 20), edge=10):
    mask = np.zeros(shape, bool)
    mask[3 : 3 + edge, first : first + edge] = True
    return mask


def measures(dice, hausdorff95, surface_dice, note=""):
    return metrics.Measures({"dice": dice, "hausdorff95": hausdorff95, "surface_dice": surface_dice}, note)


def test_a_cube_moved_by_two_slices():
    found = metrics.measure(cube(2), cube(4), (3.0, 1.0, 1.0), tolerance=1)
    # Half of 64 voxels overlap. Of the 56 surface voxels of each, the 16 of the outer layer are two slices from the
    # other cube: more than 5 %.
    assert found.values["dice"] == 0.5
    assert found.values["hausdorff95"] == pytest.approx(2 * 3.0)


def test_spacing_goes_by_axes():
    spacings = ((1, 1, 5), (1, 5, 1), (5, 1, 1))
    moved = [metrics.measure(cube(2), cube(4), spacing, 1).values["hausdorff95"] for spacing in spacings]
    assert moved == pytest.approx([2, 2, 10])


@pytest.mark.parametrize(
    ("width", "tolerance", "within"),
    [
        # 2 corners, 1 piece at each end of the near side, and 8 pieces of the sides that the move went along.
        (1.0, 1, lambda corner: 2 * corner + 2 + 2 * 8),
        # The last of those pieces is 2 mm off now, and all are 2 mm long.
        (2.0, 1, lambda corner: 2 * corner + 2 + 2 * 7 * 2),
        # All but the far side: 9 pieces and 2 corners, 3 pixels off.
        (2.0, 5.9, lambda corner: 2 * corner + 9 + 2 * 9 * 2),
    ],
)
def test_surface_dice_of_a_square_moved_by_three_pixels(width, tolerance, within):
    # Its outline has 4 corners, half a pixel's diagonal each, and 9 pieces a side.
    corner = 0.5 * (1 + width**2) ** 0.5
    found = metrics.measure(square(4), square(7), (1.0, width), tolerance)
    assert found.values["surface_dice"] == pytest.approx(within(corner) / (4 * corner + 2 * 9 + 2 * 9 * width))


def test_a_tolerance_of_the_distance_itself_is_enough():
    assert metrics.measure(square(4), square(7), (1.0, 2.0), 6).values["surface_dice"] == 1


def test_equal_masks():
    assert metrics.measure(cube(2), cube(2), (1, 2, 3), 0) == measures(1, 0, 1)


def test_masks_at_the_border_have_their_surface_there():
    whole = np.ones((4, 5, 6), bool)
    assert metrics.measure(whole, whole, (1, 1, 1), 0) == measures(1, 0, 1)


def test_empty_masks():
    none = np.zeros((12, 8, 8), bool)
    assert metrics.measure(none, none, (1, 1, 1), 1) == measures(None, None, None, "reference and prediction are empty")
    assert metrics.measure(cube(2), none, (1, 1, 1), 1) == measures(0, None, 0, "prediction is empty")
    assert metrics.measure(none, cube(2), (1, 1, 1), 1) == measures(0, None, 0, "reference is empty")


def test_ignored_voxels_count_for_nothing():
    ignored = np.zeros((12, 8, 8), bool)
    ignored[6:] = True
    longer = cube(2) | cube(6)
    assert metrics.measure(cube(2), longer, (1, 1, 1), 0).values["hausdorff95"] == 4
    assert metrics.measure(cube(2), longer, (1, 1, 1), 0, ignored) == measures(1, 0, 1)
    # Nothing is left of the prediction.
    assert metrics.measure(cube(2), cube(6), (1, 1, 1), 1, ignored) == measures(0, None, 0, "prediction is empty")


def test_without_monai_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "monai", None)
    monkeypatch.setitem(sys.modules, "monai.metrics", None)
    with pytest.raises(UserError, match=r"pip install '\.\[compare\]' in the folder"):
        metrics.check_installed()


def by_monai(reference, prediction, spacing, tolerance):
    """HD95 and surface Dice by MONAI's own functions of whole masks."""
    from monai.metrics import compute_hausdorff_distance, compute_surface_dice

    given, expected = (torch.from_numpy(mask)[None, None] for mask in (prediction, reference))
    distance = compute_hausdorff_distance(given, expected, include_background=True, percentile=95, spacing=spacing)
    share = compute_surface_dice(
        given, expected, [tolerance], include_background=True, spacing=spacing, use_subvoxels=True
    )
    return {"hausdorff95": float(distance), "surface_dice": float(share)}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("dim", [2, 3])
def test_distances_are_those_of_monai_to_the_last_bit(dim):
    rng = np.random.default_rng(dim)
    for _ in range(20):
        shape, smooth = rng.integers(2, 20, dim), rng.uniform(0, 2)
        first, second = (ndimage.gaussian_filter(rng.normal(size=shape), smooth) for _ in range(2))
        quantile, spacing, tolerance = (
            rng.uniform(0.05, 0.95),
            rng.uniform(0.3, 4, dim).tolist(),
            rng.choice([0, 1, 2.3]),
        )
        reference, prediction = (each >= np.quantile(each, quantile) for each in (first, first + second))
        found = metrics.measure(reference, prediction, spacing, tolerance).values
        expected = by_monai(reference, prediction, spacing, tolerance)
        assert {name: found[name] for name in expected} == expected
