"""What counts as a failure, and what it costs."""

import pytest

from nnunet_lunet.compare import failures, scoring
from nnunet_lunet.compare.metrics import BOTH_EMPTY, METRICS, PREDICTION_EMPTY, REFERENCE_EMPTY
from nnunet_lunet.compare.record import FOREGROUND, Score

MISSED = {"dice": 0.0, "hausdorff95": None, "surface_dice": 0.0}
NOTHING = dict.fromkeys(METRICS)
DIAGONALS = {"a": 100.0, "b": 60.0, "c": 10.0}


def good(distance=1.0):
    return {"dice": 0.9, "hausdorff95": distance, "surface_dice": 0.8}


def case(model, name, values, note="", seed=None, label="x", fold="0"):
    return Score(model, fold, seed, name, label, values, note)


def rows(scores, left_out=(), diagonals=DIAGONALS, baseline="U"):
    found = failures.sensitivity(scores, left_out, diagonals, baseline)
    return {(row.model, row.metric): row for row in found if row.label == FOREGROUND}


def test_without_failures_there_is_nothing_to_say():
    assert failures.sensitivity([case(m, n, good()) for m in "UA" for n in "ab"], [], DIAGONALS, "U") == []


def test_an_undefined_distance_is_the_diagonal_of_its_image():
    found = rows(
        [
            *(case("U", name, good()) for name in "ab"),
            case("A", "a", MISSED, PREDICTION_EMPTY), case("A", "b", good(3.0)),
        ]
    )  # fmt: skip
    assert {metric for _, metric in found} == {"hausdorff95"}
    row = found["A", "hausdorff95"]
    assert (row.runs, row.undefined, row.missing) == (2, 1, 0)
    assert row.mean == pytest.approx((100 + 3) / 2)
    assert row.difference == pytest.approx((99 + 2) / 2)
    assert (found["U", "hausdorff95"].undefined, found["U", "hausdorff95"].difference) == (0, None)


def test_another_seed_does_not_hide_a_failure():
    both = [case("U", name, good(), seed=seed) for name in "ab" for seed in (0, 1)]
    other = [case("A", name, good(), seed=0) for name in "ab"]
    other += [case("A", name, MISSED, PREDICTION_EMPTY, seed=1) for name in "ab"]
    row = rows(both + other)["A", "hausdorff95"]
    assert (row.runs, row.undefined) == (4, 2)
    assert row.mean == pytest.approx((1 + 100 + 1 + 60) / 4)


def test_a_missing_prediction_scores_nothing_and_the_largest_distance():
    left_out = [case("U", "c", good())]
    found = rows([case(m, n, good()) for m in "UA" for n in "ab"], left_out)
    assert (found["A", "dice"].runs, found["A", "dice"].missing) == (3, 1)
    assert found["A", "dice"].mean == pytest.approx(0.9 * 2 / 3)
    assert found["A", "dice"].difference == pytest.approx(-0.9 / 3)
    assert found["A", "hausdorff95"].mean == pytest.approx((1 + 1 + 10) / 3)
    assert found["U", "dice"].missing == 0 and found["U", "dice"].mean == pytest.approx(0.9)


def test_a_structure_that_is_not_there_cannot_be_missed():
    """Both empty is no failure, and neither is no prediction of what the reference does not have."""
    scores = [case(m, n, good(), label=label) for m in "UA" for n in "ab" for label in ("x", "y")]
    scores += [case("U", "c", good())]
    left_out = [case("U", "c", NOTHING, BOTH_EMPTY, label="y")]
    found = {(row.model, row.label, row.metric): row for row in failures.sensitivity(scores, left_out, DIAGONALS, "U")}
    assert (found["A", "x", "dice"].missing, found["A", "y", "dice"].missing) == (1, 0)
    assert found["A", "y", "dice"].mean == pytest.approx(0.9)
    # A false structure, though, is a failure.
    wrong = [case(m, n, good()) for m in "UA" for n in "ab"]
    wrong[-1] = case("A", "b", MISSED, REFERENCE_EMPTY)
    assert rows(wrong)["A", "hausdorff95"].undefined == 1


def test_without_the_size_of_the_image_distances_are_left_out():
    scores = [case(m, n, good()) for m in "UA" for n in "ab"]
    scores[-1] = case("A", "b", MISSED, PREDICTION_EMPTY)
    assert rows(scores, diagonals={}) == {}
    assert failures.is_incomplete(scores, {}) and not failures.is_incomplete(scores, DIAGONALS)
    assert not failures.is_incomplete([case("A", "b", NOTHING, BOTH_EMPTY)], {})


def test_the_foreground_of_a_run_with_one_missed_label():
    scores = [case(m, n, good(), label=label) for m in "UA" for n in "ab" for label in ("x", "y")]
    scores[-1] = case("A", "b", MISSED, PREDICTION_EMPTY, label="y")
    scores += [scoring.foreground(scores[index : index + 2]) for index in range(0, 8, 2)]
    row = rows(scores)["A", "hausdorff95"]
    assert (row.runs, row.undefined) == (2, 1)
    assert row.mean == pytest.approx((1 + (1 + 60) / 2) / 2)
