import numpy as np
import pytest

from nnunet_lunet.compare import statistics
from nnunet_lunet.compare.statistics import Spread, Value


def test_spread_over_cases_folds_and_seeds():
    values = [
        Value("a", "0", 1, 0.2), Value("a", "0", 2, 0.4),  # case mean 0.3
        Value("b", "0", 1, 0.5), Value("b", "0", 2, 0.5),
        Value("c", "1", 1, 0.8), Value("c", "1", 2, None),  # of the seed that has a value
        Value("d", "1", 1, None), Value("d", "1", 2, None),
    ]  # fmt: skip
    found = statistics.spread(values)
    assert (found.cases, found.runs, found.undefined) == (3, 8, 3)
    assert found.mean == pytest.approx((0.3 + 0.5 + 0.8) / 3)
    assert found.over_cases == pytest.approx(np.std([0.3, 0.5, 0.8], ddof=1))
    assert found.over_folds == pytest.approx(np.std([0.4, 0.8], ddof=1))
    assert found.over_seeds == pytest.approx(np.std([(0.2 + 0.5 + 0.8) / 3, (0.4 + 0.5) / 2], ddof=1))


def test_one_case_has_no_spread_and_nothing_has_no_mean():
    assert statistics.spread([Value("a", None, None, 0.5)]) == Spread(0.5, None, None, None, 1, 1, 0)
    assert statistics.spread([Value("a", None, None, None)]) == Spread(None, None, None, None, 0, 1, 1)


def test_wilcoxon_by_counting_signs():
    # Of 32 ways to sign five ranks, two are as extreme as all alike.
    assert statistics.wilcoxon(np.array([1.0, 2, 3, 4, 5])) == pytest.approx(2 / 32)
    # |W+ - W-| = 13 for all but the rank 1, and 15 for all: 4 of 32.
    assert statistics.wilcoxon(np.array([-1.0, 2, 3, 4, 5])) == pytest.approx(4 / 32)
    assert statistics.wilcoxon(np.zeros(4)) == 1


@pytest.mark.parametrize("differences", [[0.0, 1.0], [0, 0, 1], [1, 1, -1, 2], [0.1] * 12 + [0.0], [0, 0, 0, 0, 0, 2]])
def test_few_and_tied_differences_have_a_p_and_an_interval_around_their_mean(differences):
    differences = np.array(differences, float)
    assert 0 < statistics.wilcoxon(differences) <= 1
    low, high = statistics.confidence_interval(differences)
    assert low <= differences.mean() <= high


def test_sign_flip_by_counting_means():
    # Sums of 4, 2, 1 with all signs: 7 and -7 are as far off, of 8.
    assert statistics.sign_flip(np.array([4.0, 2, 1])) == pytest.approx(2 / 8)
    # 4 + 2 - 1 = 5: also 7, -5 and -7.
    assert statistics.sign_flip(np.array([4.0, 2, -1])) == pytest.approx(4 / 8)
    assert statistics.sign_flip(np.zeros(4)) == 1


def test_sign_flip_is_of_the_mean_and_not_of_ranks():
    # Many small gains and a loss that outweighs them all.
    differences = np.array([0.01] * 19 + [-0.19])
    assert statistics.sign_flip(differences) > 0.9
    assert statistics.wilcoxon(differences) < 0.05


def test_rank_biserial_by_hand():
    # Ranks of 3, -1, 2, 0 are 4, 2, 3, 1, and that of the tie counts for neither: (4 + 3 - 2) / 10.
    assert statistics.rank_biserial(np.array([3.0, -1, 2, 0])) == pytest.approx(5 / 10)
    # Equal differences share a rank: 1.5 each.
    assert statistics.rank_biserial(np.array([1.0, -1])) == 0
    assert statistics.rank_biserial(np.array([-2.0, -1])) == -1
    assert statistics.rank_biserial(np.zeros(3)) == 0
    # One gain among ties: of ranks 1.5 and 1.5 and 3.
    assert statistics.rank_biserial(np.array([0.0, 1, 0])) == pytest.approx(3 / 6)


def test_the_interval_is_close_to_the_normal_one_and_the_same_each_time():
    differences = np.random.default_rng(1).normal(0.1, 1, 200)
    found = statistics.confidence_interval(differences)
    half = 1.96 * differences.std(ddof=1) / 200**0.5
    assert found == pytest.approx((differences.mean() - half, differences.mean() + half), abs=0.02)
    assert statistics.confidence_interval(differences) == found


def test_equal_differences_are_their_own_interval():
    assert statistics.confidence_interval(np.full(7, 0.25)) == (0.25, 0.25)


def test_holm_by_hand():
    # In order 0.005 * 4, 0.01 * 3, 0.03 * 2, 0.04 * 1, and none below the one before.
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([0.6, 0.7]) == [1, 1]
    assert statistics.holm([]) == []
