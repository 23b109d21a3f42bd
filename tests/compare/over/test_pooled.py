"""Means over data sets with their interval, and in how many data sets a model is non-inferior."""

from dataclasses import replace

import many_datasets
import numpy as np
import pytest
from conftest import known

from nnunet_lunet.compare.over import pooled
from nnunet_lunet.compare.record import Verdict


def test_the_interval_is_students_t_over_data_sets():
    found = pooled.mean([0.01, 0.02, 0.03])
    assert (found.mean, found.deviation, found.df) == (pytest.approx(0.02), pytest.approx(0.01), 2)
    # t of 2 degrees of freedom at 97.5 %, from a table.
    half = 4.302653 * 0.01 / 3**0.5
    assert (found.low, found.high) == (pytest.approx(0.02 - half), pytest.approx(0.02 + half))


def test_two_data_sets_have_no_interval():
    found = pooled.mean([0.01, 0.03])
    assert (found.mean, found.low, found.high, found.df) == (pytest.approx(0.02), None, None, None)
    assert found.deviation == pytest.approx(0.02 / 2**0.5)
    assert pooled.mean([0.01]).deviation is None


def planted(**effects):
    """Primary tests by model, a data set each; the baseline is at 0."""
    number = len(next(iter(effects.values())))
    comparisons = many_datasets.several(
        *({"base": 0, **{name: of_sets[index] for name, of_sets in effects.items()}} for index in range(number)),
        noise=0.005,
    )
    return {
        name: [test for found in comparisons.values() for test in found.tests if test.is_primary and test.model == name]
        for name in effects
    }


def test_data_sets_are_counted_by_what_is_planted():
    """The margin is 2 points: 0 and +5 are non-inferior, -10 is not."""
    counts = pooled.counts(planted(good=(0, 0.05, 0), mixed=(0, -0.1, -0.1), bad=(-0.1, -0.1, -0.1)))
    assert [(name, c.verdicts, c.non_inferior, c.corrected) for name, c in counts.items()] == [
        ("good", 3, 3, 3), ("mixed", 3, 1, 1), ("bad", 3, 0, 0),
    ]  # fmt: skip


def test_over_all_is_corrected_for_models_and_data_sets():
    """Of four p against the margin at 2.5 %: 0.5 % stays (times 4), 1 % does not (times 3)."""
    one, other = planted(A=(0, 0), B=(0, 0)).values()
    ps = [[0.005, 0.01], [0.02, 0.6]]
    tests = {
        name: [
            replace(test, p_margin=p, verdict=Verdict.NON_INFERIOR if p < 0.025 else Verdict.INCONCLUSIVE)
            for test, p in zip(of_model, row, strict=True)
        ]
        for name, of_model, row in (("A", one, ps[0]), ("B", other, ps[1]))
    }
    assert [(c.non_inferior, c.corrected) for c in pooled.counts(tests).values()] == [(2, 1), (1, 0)]


def test_without_second_seeds_there_is_nothing_to_count():
    comparisons = many_datasets.several({"base": 0, "A": 0}, {"base": 0, "A": 0}, seeds=())
    tests = {"A": [test for found in comparisons.values() for test in found.tests if test.is_primary]}
    count = pooled.counts(tests)["A"]
    assert (count.verdicts, count.non_inferior, count.corrected) == (0, 0, 0)


NUMBER = 4000


def coverage(number, effects, errors):
    """Share of simulated sets of data sets whose interval has the mean of all data sets, 0."""
    draw = np.random.default_rng(0)
    differences = effects(draw, (NUMBER, number)) + draw.normal(size=(NUMBER, number)) * np.resize(errors, number)
    found = [pooled.mean(row) for row in differences.tolist()]
    return np.mean([known(each.low) <= 0 <= known(each.high) for each in found])


@pytest.mark.slow
@pytest.mark.parametrize("number", [3, 4, 5, 10])
@pytest.mark.parametrize(
    ("effects", "errors", "least", "most"),
    [
        (lambda draw, shape: draw.normal(size=shape), (0.5,), 0.94, 0.96),
        (lambda draw, shape: draw.normal(size=shape), (0.1, 3), 0.94, 0.985),
        (lambda draw, shape: np.zeros(shape), (0.2, 1), 0.94, 0.99),
        (lambda draw, shape: 3 - draw.exponential(3, shape), (0.2, 1), 0.88, 0.925),
        # One in ten lies 9 points off.
        (lambda draw, shape: 3 * np.where(draw.random(shape) < 0.1, -2.7, 0.3), (0.2, 1), 0.55, 0.71),
    ],
    ids=["normal", "unequally certain", "the same", "skewed", "one unlike the others"],
)
def test_how_far_the_interval_holds(number, effects, errors, least, most):
    assert least <= coverage(number, effects, errors) <= most
