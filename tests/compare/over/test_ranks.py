"""Ranks, and what resamples say of them."""

from dataclasses import replace

import many_datasets
import numpy as np
import pytest

from nnunet_lunet.compare.over import ranks
from nnunet_lunet.compare.over.ranks import Sample
from nnunet_lunet.errors import UserError

NAMES = ["A", "B", "C"]


def ranked(*samples, names=NAMES):
    return ranks.rankings({f"set {index}": each for index, each in enumerate(samples)}, names)


def numbers(ranking):
    return [rank.rank for rank in ranking.ranks]


def test_the_best_in_all_cases_is_first_in_all_resamples():
    cases = np.linspace(0.5, 0.9, 30)
    values = np.stack([cases + 0.01, cases + 0.05, cases])
    by_dataset, overall = ranked(Sample(values, None))
    for ranking in (*by_dataset.values(), overall):
        assert numbers(ranking) == [2, 1, 3]
        assert [rank.frequencies for rank in ranking.ranks] == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
        assert ranking.tau == (1, 1, 1)


def test_equal_models_share_the_better_rank():
    values = np.random.default_rng(0).uniform(0.5, 0.9, 20)
    by_dataset, overall = ranked(Sample(np.stack([values, values, values - 0.1]), None))
    for ranking in (*by_dataset.values(), overall):
        assert numbers(ranking) == [1, 1, 3]
        assert [rank.frequencies for rank in ranking.ranks] == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]


def test_all_equal_have_no_order_to_agree_with():
    values = np.tile(np.random.default_rng(0).uniform(0.5, 0.9, 20), (3, 1))
    by_dataset, overall = ranked(Sample(values, None))
    assert overall.tau is None and next(iter(by_dataset.values())).tau is None


def test_the_mean_rank_is_over_data_sets_and_ranks_by_it():
    cases = np.linspace(0.5, 0.9, 30)
    orders = ([0.2, 0.1, 0], [0.2, 0, 0.1], [0, 0.1, 0.2])
    samples = [Sample(np.stack([cases + effect for effect in order]), None) for order in orders]
    _, overall = ranked(*samples)
    assert [rank.value for rank in overall.ranks] == pytest.approx([5 / 3, 7 / 3, 2])
    assert numbers(overall) == [1, 3, 2] and overall.units == 90


def test_a_toss_up_is_first_in_half_of_the_resamples():
    """Two models of which each is better in half of the cases, by as much."""
    differences = np.repeat([0.1, -0.1], 20)
    cases = np.full(40, 0.5)
    by_dataset, _ = ranked(Sample(np.stack([cases, cases + differences]), None), names=["A", "B"])
    (ranking,) = by_dataset.values()
    first = [rank.frequencies[0] for rank in ranking.ranks]
    # 12.5 % of the resamples have as many of the ones as of the others.
    assert first == pytest.approx([0.5627, 0.5627], abs=0.05) and sum(first) == pytest.approx(1.125, abs=0.04)
    assert ranking.tau is None


@pytest.mark.parametrize("of_seeds", [0, 0.01])
def test_resamples_vary_as_the_interval_says(of_seeds):
    """The standard deviation of a difference over the resamples is the standard error of its interval."""
    found = many_datasets.comparison(
        "D", {"A": 0, "B": -0.01}, cases=60, noise=0.02, of_seeds=of_seeds, seeds=range(4), random=3
    )
    sample = ranks.sample("D", found, ["A", "B"])
    assert sample.trainings is not None
    resampled = ranks.resampled_means("D", sample)
    test = next(test for test in found.tests if test.is_primary)
    assert None not in (test.variance_cases, test.variance_seeds, test.variance_rest)
    error = (test.variance_cases + test.variance_seeds + test.variance_rest) ** 0.5
    assert (resampled[:, 1] - resampled[:, 0]).std() == pytest.approx(error, rel=0.08)
    assert resampled.mean(0) == pytest.approx(sample.values.mean(1), abs=4 * 0.1 / 60**0.5 / 1000**0.5)


def test_without_a_second_seed_cases_alone_are_resampled():
    found = many_datasets.comparison("D", {"A": 0, "B": 0}, seeds=())
    assert ranks.sample("D", found, ["A", "B"]).trainings is None


def test_what_a_data_set_resamples_does_not_depend_on_the_others():
    one, other = (
        ranks.sample(name, many_datasets.comparison(name, {"A": 0, "B": 0}), ["A", "B"]) for name in ("one", "other")
    )
    alone, _ = ranks.rankings({"one": one}, ["A", "B"])
    both, _ = ranks.rankings({"other": other, "one": one}, ["A", "B"])
    assert alone["one"] == both["one"] and both["one"].ranks[0].frequencies != both["other"].ranks[0].frequencies


def test_groups_are_resampled_whole():
    patients = {f"case_{index:03}": f"patient {index // 4}" for index in range(40)}
    found = many_datasets.comparison("D", {"A": 0, "B": -0.01}, groups=patients)
    sample = ranks.sample("D", found, ["A", "B"])
    assert sample.values.shape == (2, 10)
    one = [score.values["dice"] for score in found.scores if score.model == "A" and score.case <= "case_003"]
    assert sample.values[0, 0] == pytest.approx(np.mean(one))


def test_cases_count_where_every_run_of_every_model_has_a_value():
    found = many_datasets.comparison("D", {"A": 0, "B": 0})
    scores = [
        replace(score, values={**score.values, "dice": None})
        if (score.model, score.case, score.seed) == ("B", "case_000", 1)
        else score
        for score in found.scores
    ]
    assert ranks.sample("D", replace(found, scores=scores), ["A", "B"]).values.shape == (2, 39)
    with pytest.raises(UserError, match="D: 1 cases have a value in every run of A, B: ranks need two"):
        few = [score for score in found.scores if score.case == "case_001"]
        ranks.sample("D", replace(found, scores=few), ["A", "B"])
