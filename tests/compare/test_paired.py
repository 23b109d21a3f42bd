import numpy as np
import pytest
from scipy import stats

from nnunet_lunet.compare import paired
from nnunet_lunet.compare.statistics import Value


def values(table, seeds=(None,), fold=None, cases=None):
    """``table`` ``(S, C)``; cases are a, b, c, … if not named."""
    cases = cases or [chr(ord("a") + index) for index in range(len(table[0]))]
    return [
        Value(case, fold, seed, None if value is None else float(value))
        for seed, row in zip(seeds, table, strict=True)
        for case, value in zip(cases, row, strict=True)
    ]


def table(seed, trainings, cases, of_training=0.01, of_case=0.05, rest=0.01):
    draw = np.random.default_rng(seed)
    sizes = ((trainings, 1), (1, cases), (trainings, cases))
    return 0.8 + sum(draw.normal(0, sd, size) for sd, size in zip((of_training, of_case, rest), sizes, strict=True))


def test_pairs_are_the_cases_that_both_have():
    found = paired.compare(
        values([[1.0, 0.5, 9.0]], cases=["a", "b", "c"]), values([[0.25, 0.5, 7.0]], cases=["b", "a", "d"])
    )
    assert found is not None
    assert (found.cases, found.difference, found.effect_size) == (2, pytest.approx(0.375), 1)
    assert paired.compare(values([[1.0, 1.0]]), values([[1.0, 1.0]], cases=["a", "c"])) is None


def test_with_a_seed_each_the_interval_is_over_cases_alone():
    found = paired.compare(values([[0.5, 0.6, 0.7, 0.9]], seeds=[3]), values([[0.4, 0.6, 0.5, 0.95]], seeds=[4]))
    assert found is not None
    assert (found.crossed, found.seeds) == (None, (1, 1))
    assert (found.higher, found.ties, found.lower) == (2, 1, 1)
    # Differences 0.1, 0, 0.2, -0.05 with all signs: as far off are sums of 0.25, 0.35 and their negatives, of 8.
    assert found.p == pytest.approx(4 / 8)


def test_ties_are_found_where_numbers_are_rounded():
    found = paired.compare(values([[0.3, 0.2, 0.5]]), values([[0.2, 0.1, 0.5 + 1e-12]]))
    assert found is not None and (found.higher, found.ties, found.lower) == (2, 1, 0)
    # 0.3 - 0.2 and 0.2 - 0.1 share a rank.
    assert found.p_rank == pytest.approx(2 / 4)


@pytest.mark.parametrize("seeds", [(1, 3), (3, 1)])
def test_a_second_seed_of_one_model_alone_is_not_enough(seeds):
    tables = [values(table(n, n, 6), seeds=range(n)) for n in seeds]
    found = paired.compare(*tables)
    assert found is not None and found.crossed is None and found.seeds == seeds


def test_folders_and_folds_without_a_named_seed_have_no_seeds():
    both = [Value("a", "0", None, 0.5), Value("a", "1", None, 0.6), Value("b", "0", None, 0.7)]
    both += [Value("b", "1", None, 0.8)]
    found = paired.compare(both, both)
    assert found is not None and found.crossed is None and found.seeds == (1, 1)


def test_two_seeds_of_both_by_the_books_analysis_of_variance():
    model, baseline = table(1, 3, 12, of_training=0.03), table(2, 2, 12, of_training=0.03)
    found = paired.compare(values(model, seeds=range(3)), values(baseline, seeds=range(2)))
    assert found is not None and found.crossed is not None
    # Mean squares as sums of squares of the whole table, not of residuals.
    variance, squares = 0.0, 0.0
    for each in (model, baseline):
        trainings, cases = each.shape
        correction = each.sum() ** 2 / each.size
        of_trainings = (each.sum(1) ** 2).sum() / cases - correction
        of_cases = (each.sum(0) ** 2).sum() / trainings - correction
        rest = (each**2).sum() - correction - of_trainings - of_cases
        between, within = of_trainings / (trainings - 1), rest / ((trainings - 1) * (cases - 1))
        assert between > within
        variance += (between - within) / each.size
        squares += (between / each.size) ** 2 / (trainings - 1)
        squares += (within / each.size) ** 2 / ((trainings - 1) * (cases - 1))
    over_cases = (model.mean(0) - baseline.mean(0)).var(ddof=1) / 12
    variance, squares = variance + over_cases, squares + over_cases**2 / 11
    half = stats.t.ppf(0.975, variance**2 / squares) * variance**0.5
    assert (found.low, found.high) == pytest.approx((found.difference - half, found.difference + half))
    assert found.difference == pytest.approx(model.mean() - baseline.mean())
    sources = found.crossed.sources
    assert sources.cases + sources.seeds + sources.rest == pytest.approx(found.crossed.standard_error**2)


def test_the_interval_and_its_p_say_the_same():
    draw = np.random.default_rng(3)
    said = set()
    for shift in np.linspace(-0.03, 0.03, 25):
        model, baseline = (table(draw, 3, 10) for _ in range(2))
        found = paired.compare(values(model + shift, seeds=range(3)), values(baseline, seeds=range(3)))
        assert found is not None
        assert (found.p < 0.05) == (not found.low <= 0 <= found.high)
        said.add(found.p < 0.05)
    assert said == {True, False}


def test_a_case_without_a_value_in_one_run_is_left_out_of_the_pairs():
    model = values([[0.5, 0.6, 0.7], [0.5, None, 0.8]], seeds=[0, 1])
    baseline = values([[0.5, 0.6, 0.5], [0.5, 0.1, 0.7]], seeds=[0, 1])
    found = paired.compare(model, baseline)
    assert found is not None and found.cases == 2
    assert found.difference == pytest.approx((0 + 0.15) / 2)
    assert found.crossed is not None


def test_folds_are_blocks_of_their_own_trainings():
    """Two folds whose seeds point in opposite ways: as one table they would cancel."""
    shifts = np.array([[0.05], [-0.05]])
    whole = table(5, 2, 16, of_training=0)
    first, second = whole[:, :8] + shifts, whole[:, 8:] - shifts
    names = [str(index) for index in range(16)]
    folds = [
        *values(first, seeds=[0, 1], fold="0", cases=names[:8]),
        *values(second, seeds=[0, 1], fold="1", cases=names[8:]),
    ]
    baseline = values(table(6, 2, 16, of_training=0), seeds=[0, 1], cases=names)
    found = paired.compare(folds, baseline)
    as_one = paired.compare(values(np.hstack([first, second]), seeds=[0, 1], cases=names), baseline)
    assert found is not None and found.crossed is not None and as_one is not None and as_one.crossed is not None
    # Each half has a training component of (0.1)² / 2 = 0.005, over two seeds, and counts by a quarter.
    assert found.crossed.sources.seeds == pytest.approx(2 * 0.005 / 2 / 4, rel=0.2)
    assert as_one.crossed.sources.seeds < 0.1 * found.crossed.sources.seeds


def test_unequal_numbers_of_seeds_and_folds():
    names = [str(index) for index in range(9)]
    model = [
        *values(table(7, 2, 6), seeds=[0, 1], fold="0", cases=names[:6]),
        *values(table(8, 3, 3), seeds=[0, 1, 2], fold="1", cases=names[6:]),
    ]
    found = paired.compare(model, values(table(9, 4, 9), seeds=range(4), cases=names))
    assert found is not None and found.crossed is not None
    assert (found.cases, found.seeds) == (9, (3, 4))
    # A fold with a second seed and one without: nothing is known of the trainings of the latter.
    single = [value for value in model if value.fold == "0" or value.seed == 0]
    found = paired.compare(single, values(table(9, 4, 9), seeds=range(4), cases=names))
    assert found is not None and found.crossed is None


def test_models_that_are_equal_are_not_different():
    same = values(table(10, 2, 5, of_training=0.05), seeds=[0, 1])
    constant = values(np.full((2, 5), 0.5), seeds=[0, 1])
    found = paired.compare(constant, constant)
    assert found is not None and (found.low, found.high, found.p, found.effect_size) == (0, 0, 1, 0)
    found = paired.compare(same, same)
    assert found is not None and found.difference == 0 and found.p == 1
    assert found.low < 0 < found.high


def test_groups_take_the_place_of_cases_and_count_alike():
    groups = {"a": "p", "b": "p", "c": "q", "d": "r"}
    model, baseline = values([[0.5, 0.7, 0.9, 0.4]]), values([[0.4, 0.4, 0.5, None]])
    found = paired.compare(model, baseline, groups)
    assert found is not None
    # Of p the mean of 0.1 and 0.3, of q 0.4; the only case of r has no value in one run.
    assert (found.cases, found.difference) == (2, pytest.approx(0.3))
    alone = paired.compare(model, baseline, {case: case for case in "abcd"})
    assert alone == paired.compare(model, baseline)


def test_the_interval_of_groups_holds_where_that_of_cases_is_too_narrow():
    draw = np.random.default_rng(0)
    covered = {"groups": 0, "cases": 0}
    studies, patients, each = 300, 20, 4
    cases = [f"{patient}_{scan}" for patient in range(patients) for scan in range(each)]
    groups = {case: case.partition("_")[0] for case in cases}
    for _ in range(studies):
        # What a patient's difference is, all of that patient's scans share.
        of_patient = np.repeat(draw.normal(0, 0.02, patients), each)
        tables = [draw.normal(0.8, 0.005, (2, len(cases))) for _ in range(2)]
        model, baseline = (values(one, seeds=(0, 1), cases=cases) for one in (tables[0] + of_patient, tables[1]))
        for name, given in (("groups", groups), ("cases", None)):
            found = paired.compare(model, baseline, given)
            assert found is not None
            covered[name] += found.low <= 0 <= found.high
    # Of 300, 95 % is 285 with a standard deviation of 3.8.
    assert covered["groups"] >= 273 and covered["cases"] < 240
