import numpy as np
import pytest

from nnunet_lunet.compare import analysis
from nnunet_lunet.compare.record import FOREGROUND, Score, Verdict

MARGINS = {"dice": 0.01}


def scores(**dice):
    """Foreground scores of each model on cases 0, 1, …; the same numbers as distances. A list of lists is of seeds."""
    return [
        Score(model, None, seed, str(case), FOREGROUND, {"dice": value, "hausdorff95": value, "surface_dice": None})
        for model, values in dice.items()
        for seed, row in (enumerate(values) if isinstance(values[0], list) else [(None, values)])
        for case, value in enumerate(row)
    ]


def seeded(differences):
    """Two models with two seeds each, which scatter by 0.001 around the same cases."""
    noise = np.random.default_rng(0).normal(0, 0.001, (2, 2, len(differences)))
    cases = np.linspace(0.5, 0.9, len(differences))
    return scores(base=(cases + noise[0]).tolist(), other=(cases + np.array(differences) + noise[1]).tolist())


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([0.02, 0.022, 0.024] * 4, Verdict.SUPERIOR),
        ([-0.004, -0.003, -0.002] * 4, Verdict.NON_INFERIOR),
        ([-0.012, -0.01, -0.008] * 4, Verdict.INCONCLUSIVE),  # worse by the margin itself
        ([-0.032, -0.03, -0.028] * 4, Verdict.INFERIOR),
        ([0.05, 0.06, -0.11] * 4, Verdict.INCONCLUSIVE),  # equal on average, but too few to know
    ],
)
def test_four_verdicts_from_interval_and_margin(differences, verdict):
    found, _ = analysis.tests(seeded(differences), "base", MARGINS)
    dice, distance = found
    assert (dice.metric, dice.margin, dice.verdict) == ("dice", 0.01, verdict)
    assert dice.is_primary and not distance.is_primary
    assert (distance.metric, distance.margin, distance.p_margin, distance.verdict) == ("hausdorff95", None, None, None)
    by_interval = {
        Verdict.SUPERIOR: dice.low > 0,
        Verdict.NON_INFERIOR: -0.01 < dice.low <= 0,
        Verdict.INFERIOR: dice.high < -0.01,
        Verdict.INCONCLUSIVE: dice.low <= -0.01 <= dice.high,
    }
    assert [name for name, holds in by_interval.items() if holds] == [verdict]


def test_of_a_distance_more_is_worse():
    found, _ = analysis.tests(seeded([0.03, 0.032, 0.028] * 4), "base", {"hausdorff95": 0.01})
    distance = next(test for test in found if test.metric == "hausdorff95")
    assert distance.verdict is Verdict.INFERIOR and (distance.wins, distance.losses) == (0, 12)
    found, _ = analysis.tests(seeded([-0.03, -0.032, -0.028] * 4), "base", {"hausdorff95": 0.01})
    distance = next(test for test in found if test.metric == "hausdorff95")
    assert distance.verdict is Verdict.SUPERIOR and (distance.wins, distance.losses) == (12, 0)


@pytest.mark.parametrize("difference", [0.02, -0.004, -0.03])
def test_one_seed_allows_no_verdict(difference):
    base = list(np.linspace(0.5, 0.9, 20))
    found, _ = analysis.tests(scores(base=base, other=[value + difference for value in base]), "base", MARGINS)
    assert (found[0].margin, found[0].p_margin, found[0].verdict, found[0].df) == (0.01, None, None, None)


def test_non_inferiority_is_corrected_for_the_number_of_models():
    """One model that would be non-inferior by itself is not, as the best of many."""
    draw = np.random.default_rng(4)

    def table(shift, training):
        return (0.8 + shift + draw.normal(0, training, (3, 1)) + draw.normal(0, 0.01, (3, 20))).tolist()

    base, near = table(0, 0.001), table(-0.003, 0.001)
    alone, _ = analysis.tests(scores(base=base, near=near), "base", MARGINS)
    many = {f"far{index}": table(-0.009, 0.001) for index in range(9)}
    among, _ = analysis.tests(scores(base=base, near=near, **many), "base", MARGINS)
    one, same = alone[0], next(test for test in among if (test.model, test.metric) == ("near", "dice"))
    assert one.p_margin == same.p_margin == one.p_margin_holm
    assert one.p_margin is not None and same.p_margin_holm == pytest.approx(10 * one.p_margin)
    assert 0.0025 < one.p_margin < 0.025
    assert (one.verdict, same.verdict) == (Verdict.NON_INFERIOR, Verdict.INCONCLUSIVE)
    assert one.verdict_alone == same.verdict_alone == Verdict.NON_INFERIOR


def test_holm_counts_the_models_of_one_label_and_metric():
    base = [0.1, 0.2, 0.3, 0.4, 0.5]
    better = [value + 0.01 * (index + 1) for index, value in enumerate(base)]
    mixed = [value + 0.01 * (index + 1) * (-1) ** index for index, value in enumerate(base)]
    found, _ = analysis.tests(scores(better=better, base=base, mixed=mixed), "base", MARGINS)
    dice = {test.model: test for test in found if test.metric == "dice"}
    assert list(dice) == ["better", "mixed"]
    assert (dice["better"].p, dice["better"].p_holm) == (pytest.approx(2 / 32), pytest.approx(2 * 2 / 32))
    # 1 - 2 + 3 - 4 + 5 = 3: of 32 sums of 1 to 5 with signs, 26 are as far from 0; so it is with ranks.
    assert dice["mixed"].p_holm == dice["mixed"].p == pytest.approx(26 / 32)
    assert dice["mixed"].p_rank == pytest.approx(0.8125)


def test_tests_without_cases_are_said_and_not_made():
    found, notes = analysis.tests(scores(base=[0.5, 0.6], other=[0.5, None]), "base", MARGINS)
    assert found == []
    assert notes[0] == ("No test of Dice for other (foreground): fewer than 2 cases have a value in every run of both.")
    assert len(notes) == 3


def test_the_hardest_cases_are_those_of_the_lowest_mean_over_models():
    assert analysis.hardest(scores(a=[0.9, 0.1, 0.5, None], b=[0.1, 0.5, 0.3, None]), 2) == ["1", "2"]
