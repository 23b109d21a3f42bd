import io

import comparisons
import numpy as np
import pytest
from matplotlib.image import imread

from nnunet_lunet.compare.page import panels
from nnunet_lunet.compare.record import WorstCase


def drawn(folder, reference, prediction, spacing=(1.0, 1.0, 1.0), image=None, labels=("front", "back"), own=False):
    files = [comparisons.write(folder / f"{n}.nii.gz", a, spacing) for n, a in enumerate((reference, prediction))]
    background = None if image is None else comparisons.write(folder / "image.nii.gz", image, spacing)
    worst = WorstCase("case", background, files[0], {"UNet": files[1]}, {"UNet": None})
    comparison = comparisons.make(folder / "data", labels=labels, worst=0)
    return panels.cases(type(comparison)(**{**vars(comparison), "worst": [worst]}), {"UNet": ["case"] * own})[0]


def picture(panel):
    return imread(io.BytesIO(panel.png))[..., :3]


def box(shape, *corner):
    array = np.zeros(shape, dtype=np.uint8)
    array[tuple(slice(a, b) for a, b in corner)] = 1
    return array


def test_the_slice_with_most_disagreement(tmp_path):
    truth = box((5, 30, 30), (0, 5), (10, 20), (10, 20))
    wrong = truth.copy()
    wrong[3, 10:13] = 0
    assert drawn(tmp_path, truth, wrong).place == "slice 4 of 5"


def test_without_disagreement_the_slice_with_most_foreground(tmp_path):
    truth = box((5, 30, 30), (0, 5), (10, 20), (10, 20)) | box((5, 30, 30), (1, 2), (8, 22), (8, 22))
    assert drawn(tmp_path, truth, truth).place == "slice 2 of 5"


def test_the_section_holds_all_labels_of_all_models_and_has_the_proportions_of_the_patient(tmp_path):
    truth, wrong = box((1, 90, 90), (0, 1), (40, 50), (30, 50)), box((1, 90, 90), (0, 1), (45, 50), (30, 60))
    case = drawn(tmp_path, truth, wrong, spacing=(5.0, 2.0, 1.0))
    assert case.place == "" and [panel.heading for panel in case.panels] == ["Reference", "UNet"]
    height, width, _ = picture(case.panels[0]).shape
    # 10 rows of 2 mm and 30 columns of 1 mm, with 12 around on each side.
    assert max(height, width) == 288
    assert height / width == pytest.approx((10 + 24) * 2 / (30 + 24), rel=0.02)


def test_outline_is_the_references_and_colour_the_predictions(tmp_path):
    truth, wrong = box((1, 30, 30), (0, 1), (5, 25), (5, 25)), box((1, 30, 30), (0, 1), (5, 25), (15, 25))
    image = np.zeros((1, 30, 30), dtype=np.float32)
    image[:, ::2] = 1
    bare, reference, predicted = map(picture, (panel for panel in drawn(tmp_path, truth, wrong, image=image).panels))
    pixel = 288 / 30
    left, right = (
        (slice(int(7 * pixel), int(23 * pixel)), slice(int(a * pixel), int(b * pixel))) for a, b in ((7, 13), (17, 23))
    )
    assert np.ptp(bare, axis=-1).max() < 0.01
    assert np.ptp(reference[left], axis=-1).min() > 0.3 and np.ptp(reference[right], axis=-1).min() > 0.3
    assert np.ptp(predicted[left], axis=-1).max() < 0.01 and np.ptp(predicted[right], axis=-1).min() > 0.3
    # The left edge of the reference is drawn where the prediction has nothing.
    edge = predicted[int(15 * pixel), int(4 * pixel) : int(6 * pixel)]
    assert edge.min(axis=-1).max() > 0.95


def test_the_outline_of_fine_structures_is_left_out(tmp_path):
    fine = np.zeros((1, 200, 200), dtype=np.uint8)
    fine[:, ::4] = 1
    image = np.zeros((1, 200, 200), dtype=np.float32)
    predicted = picture(drawn(tmp_path, fine, np.zeros_like(fine), image=image).panels[-1])
    assert predicted.max() < 0.01


def test_pictures_shrink_where_there_are_many():
    assert panels.edge(12) == 288 and panels.edge(88) == pytest.approx((4e6 / 88) ** 0.5, abs=1)
    assert panels.edge(10_000) == 80


def test_one_of_a_models_worst_cases_has_the_slice_in_which_it_is_worst(tmp_path):
    truth = box((5, 30, 30), (0, 5), (10, 20), (10, 20))
    wrong = truth.copy()
    wrong[3, 10:13] = 0
    case = drawn(tmp_path, truth, wrong, own=True)
    panel, place = case.own["UNet"]
    assert place == "slice 4 of 5" and (picture(panel) == picture(case.panels[-1])).all()
    assert drawn(tmp_path, truth, wrong).own == {}


def test_nothing_to_see_is_drawn_all_the_same(tmp_path):
    empty = np.zeros((2, 20, 20), dtype=np.uint8)
    case = drawn(tmp_path, empty, empty)
    assert len(case.panels) == 2 and picture(case.panels[0]).shape == (288, 288, 3)
