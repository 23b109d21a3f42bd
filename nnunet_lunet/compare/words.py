"""Numbers and findings of a comparison in words."""

import math

from nnunet_lunet import numbers
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import FOREGROUND, Comparison, Test

#: Significance level of the tests.
ALPHA = 0.05


def score(value: float | None, metric: str) -> str:
    """A value of one of the metrics; Dice as 0.853, distances as 1.85."""
    return numbers.fixed(value, 3 if METRICS[metric].in_points else 2)


def difference(value: float | None, metric: str) -> str:
    """With its sign, in points or mm; the unit is :func:`unit`."""
    if value is None:
        return numbers.MISSING
    return numbers.signed(value * 100, 1) if METRICS[metric].in_points else numbers.signed(value, 2)


def interval(test: Test) -> str:
    """``−0.3 to +0.6``."""
    return f"{difference(test.low, test.metric)} to {difference(test.high, test.metric)}"


def unit(metric: str) -> str:
    """Of a difference."""
    return "points" if METRICS[metric].in_points else "mm"


def margin(test: Test) -> str:
    """``1 point``, ``0.5 mm``."""
    assert test.margin is not None
    if not METRICS[test.metric].in_points:
        return f"{test.margin:g} mm"
    points = f"{100 * test.margin:g}"
    return f"{points} point" if points == "1" else f"{points} points"


def can_be_significant(cases: int) -> bool:
    """Whether the Wilcoxon test of so many cases can fall below :data:`ALPHA`, even if all differ the same way."""
    return 2 * 0.5**cases < ALPHA


def finding(test: Test) -> str:
    """What the Wilcoxon test says, in words: ``better``, ``worse``, ``no difference shown``, ``too few cases to test``.

    The test is about ranks: of many small gains and one large loss it says better, though the mean is worse.
    """
    p = test.p if test.p_holm is None else test.p_holm
    if p is None or not math.isfinite(p):
        return "not tested"
    if p >= ALPHA:
        return "no difference shown" if can_be_significant(test.cases) else "too few cases to test"
    more = METRICS[test.metric].more_is_better
    by_mean = (test.difference > 0) == more
    by_rank = by_mean if not test.effect_size else (test.effect_size > 0) == more
    verdict = "better" if by_rank else "worse"
    return verdict if by_rank == by_mean else f"{verdict} by rank, not by mean"


def non_inferiority(test: Test) -> str:
    """Empty where no margin was given."""
    if test.non_inferior is None or test.margin is None:
        return ""
    return ("" if test.non_inferior else "not shown to be ") + f"non-inferior at a margin of {margin(test)}"


def sentence(comparison: Comparison, test: Test, baseline: str | None = None) -> str:
    """The whole finding on one model: cost, score, difference, and what it means.

    :param baseline: what to call the baseline, if not by its name
    """
    sizes = {model.name: model.cost.network.parameters for model in comparison.models}
    cost = numbers.ratio(sizes.get(test.model), sizes.get(test.baseline)).replace("×", " times")
    means = {s.model: s.mean for s in comparison.summaries if (s.label, s.metric) == (test.label, test.metric)}
    amount = difference(test.difference, test.metric).lstrip("+−")
    where = f"{amount} {unit(test.metric)} {'above' if test.difference > 0 else 'below'}"
    if not amount.strip("0."):
        where = "level with"
    verdict = "; ".join(part for part in (finding(test), non_inferiority(test)) if part)
    return (
        f"{test.model}: {f'{cost} parameters; ' if cost else ''}"
        f"{METRICS[test.metric].heading} {score(means.get(test.model), test.metric)}, "
        f"{where} {baseline or test.baseline} "
        f"(95\u00a0% CI {interval(test)} {unit(test.metric)}; {_p(test)}{test.cases} cases): {verdict}."
    )


def _p(test: Test) -> str:
    p = numbers.p_value(test.p if test.p_holm is None else test.p_holm)
    return "" if p == numbers.MISSING else (f"p {p}, " if p.startswith("<") else f"p = {p}, ")


def main_tests(comparison: Comparison) -> list[Test]:
    """Mean foreground Dice against the baseline, a model each, in the comparison's order."""
    order = {model.name: index for index, model in enumerate(comparison.models)}
    found = [test for test in comparison.tests if (test.label, test.metric) == (FOREGROUND, "dice")]
    return sorted(found, key=lambda test: order[test.model])


def headline(comparison: Comparison) -> tuple[str, Test] | None:
    """The test to tell first, and why it is this one: the smallest model that is not inferior, else the nearest."""
    tests = main_tests(comparison)
    if not tests:
        return None
    if len(tests) == 1:
        return "", tests[0]
    sizes = {model.name: model.cost.network.parameters for model in comparison.models}
    fine = [test for test in tests if test.non_inferior and sizes[test.model]]
    if fine:
        return "Smallest model that is non-inferior", min(fine, key=lambda test: sizes[test.model] or math.inf)
    best = max(tests, key=lambda test: test.difference)
    return ("Nearest to the baseline" if best.difference < 0 else "Best mean"), best
