import pytest

from nnunet_lunet.compare import analysis
from nnunet_lunet.compare.record import FOREGROUND, Score


def scores(**dice):
    """Foreground scores of each model on cases 0, 1, …; the same numbers as distances."""
    return [
        Score(model, None, None, str(case), FOREGROUND, {"dice": value, "hausdorff95": value, "surface_dice": None})
        for model, values in dice.items()
        for case, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("differences", "shown"),
    [
        ([0.02, 0.02, 0.02], True),
        ([-0.004, -0.004, -0.004], True),
        ([-0.01, -0.01, -0.01], False),  # worse by the margin itself
        ([-0.03, -0.03, -0.03], False),
        ([0.05, 0.06, -0.11], False),  # equal on average, but too few to know
    ],
)
def test_non_inferior_is_what_is_not_worse_by_the_margin(differences, shown):
    found, _ = analysis.tests(scores(base=[0.5] * 3, other=[0.5 + d for d in differences]), "base", 0.01)
    dice, distance = found
    assert (dice.metric, dice.margin, dice.non_inferior) == ("dice", 0.01, shown)
    assert (distance.metric, distance.margin, distance.non_inferior) == ("hausdorff95", None, None)


def test_holm_counts_the_models_of_one_label_and_metric():
    base = [0.1, 0.2, 0.3, 0.4, 0.5]
    better = [value + 0.01 * (index + 1) for index, value in enumerate(base)]
    mixed = [value + 0.01 * (index + 1) * (-1) ** index for index, value in enumerate(base)]
    found, _ = analysis.tests(scores(better=better, base=base, mixed=mixed), "base", 0.01)
    dice = {test.model: test for test in found if test.metric == "dice"}
    assert list(dice) == ["better", "mixed"]
    assert (dice["better"].p, dice["better"].p_holm) == (pytest.approx(2 / 32), pytest.approx(2 * 2 / 32))
    assert dice["mixed"].p_holm == dice["mixed"].p == pytest.approx(0.8125)


def test_tests_without_cases_are_said_and_not_made():
    found, notes = analysis.tests(scores(base=[0.5, 0.6], other=[0.5, None]), "base", 0.01)
    assert found == []
    assert notes[0] == "No test of Dice for other (foreground): fewer than 2 cases have a value."
    assert len(notes) == 3


def test_the_hardest_cases_are_those_of_the_lowest_mean_over_models():
    assert analysis.hardest(scores(a=[0.9, 0.1, 0.5, None], b=[0.1, 0.5, 0.3, None]), 2) == ["1", "2"]
