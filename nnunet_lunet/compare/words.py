"""Numbers and findings of a comparison in words."""

import math
from collections.abc import Sequence

from nnunet_lunet import numbers
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import Comparison, Test, Verdict
from nnunet_lunet.compare.statistics import ALPHA

#: As many digits more than usual may a small interval have.
_MORE_DIGITS = 7
_GOOD = (Verdict.NON_INFERIOR, Verdict.SUPERIOR)


def score(value: float | None, metric: str) -> str:
    """A value of one of the metrics; Dice as 0.853, distances as 1.85."""
    return numbers.fixed(value, 3 if METRICS[metric].in_points else 2)


def difference(value: float | None, metric: str, more_digits: int = 0) -> str:
    """With its sign, in points or mm; the unit is :func:`unit`."""
    if value is None:
        return numbers.MISSING
    factor, digits = _scale(metric)
    return numbers.signed(factor * value, digits + more_digits)


def _scale(metric: str) -> tuple[int, int]:
    """Factor and usual number of decimals of a difference as it is shown."""
    return (100, 1) if METRICS[metric].in_points else (1, 2)


def mean_difference(test: Test) -> str:
    """With as many digits as :func:`interval`."""
    return difference(test.difference, test.metric, _more_digits(test))


def interval(test: Test) -> str:
    """``−0.3 to +0.6``; with more digits where these would hide on which side of 0, or of the margin, it lies."""
    low, high = (difference(end, test.metric, _more_digits(test)) for end in (test.low, test.high))
    return f"{low} to {high}"


def _more_digits(test: Test) -> int:
    """Until the interval as it is shown is not all 0, leaves 0 out where it does, and so the margin."""
    factor, digits = _scale(test.metric)
    worse = -1 if METRICS[test.metric].more_is_better else 1
    limits = [0.0] if test.margin is None else [0.0, factor * worse * test.margin]
    ends = [factor * test.low, factor * test.high]
    for more in range(_MORE_DIGITS):
        shown = [round(end, digits + more) for end in ends]
        if any(shown) and all(_leaves_out(shown, limit) or not _leaves_out(ends, limit) for limit in limits):
            return more
    return 0


def _leaves_out(interval: Sequence[float], value: float) -> bool:
    return not interval[0] <= value <= interval[1]


def half_width(value: float | None, metric: str) -> str:
    """``±0.6``, in the unit of :func:`unit`."""
    return numbers.MISSING if value is None else f"±{difference(value, metric).lstrip('+')}"


def name(metric: str) -> str:
    """Without a unit."""
    return METRICS[metric].heading.removesuffix(" (mm)")


def unit(metric: str) -> str:
    """Of a difference."""
    return "points" if METRICS[metric].in_points else "mm"


def margin(value: float, metric: str) -> str:
    """``1 point``, ``0.5 mm``."""
    if not METRICS[metric].in_points:
        return f"{value:g} mm"
    points = f"{100 * value:g}"
    return f"{points} point" if points == "1" else f"{points} points"


def can_be_significant(cases: int) -> bool:
    """Whether the permutation test of so many cases can fall below 0.05, even if all differ the same way."""
    return 2 * 0.5**cases < ALPHA


def finding(test: Test) -> str:
    """What the p of the mean says, in words: ``better``, ``worse``, ``no difference shown``, ``too few cases to test``.

    Where the interval says otherwise, as one of the bootstrap may beside a permutation test, nothing is shown.
    """
    p = _corrected(test)
    if p is None or not math.isfinite(p):
        return "not tested"
    if p < ALPHA and not test.low <= 0 <= test.high:
        return "better" if (test.difference > 0) == METRICS[test.metric].more_is_better else "worse"
    enough = test.over_seeds or can_be_significant(test.cases)
    return "no difference shown" if enough else f"too few {test.unit} to test"


def verdict(test: Test) -> str:
    """The whole of it, e.g. ``non-inferior at a margin of 1 point, though worse``."""
    found = finding(test)
    if not test.over_seeds:
        return f"of these trained networks alone, {found}"
    if test.verdict is None or test.margin is None:
        return found
    against = f"{test.verdict.value} at a margin of {margin(test.margin, test.metric)}"
    if test.verdict_alone not in (None, test.verdict):
        against += f" (alone it would be {test.verdict_alone.value})"
    if test.verdict is Verdict.SUPERIOR:
        return Verdict.SUPERIOR.value
    if test.verdict is Verdict.INFERIOR or found not in ("better", "worse"):
        return against
    return f"{against}, though {found}" if test.verdict is Verdict.NON_INFERIOR else f"{against}; {found}"


def short_verdict(test: Test) -> str:
    """For a column: one of the four, or what these networks show."""
    if test.over_seeds:
        if test.verdict is None:
            return finding(test)
        alone = "" if test.verdict_alone in (None, test.verdict) else f" (alone: {test.verdict_alone.value})"
        return test.verdict.value + alone
    return f"{finding(test)} (these networks)"


def over(test: Test) -> str:
    """What the interval is over: ``40 cases, 3 and 2 seeds``."""
    if not test.over_seeds:
        return f"{test.cases} {test.unit}"
    same = test.seeds == test.baseline_seeds
    return f"{test.cases} {test.unit}, {test.seeds if same else f'{test.seeds} and {test.baseline_seeds}'} seeds"


def sources(test: Test) -> list[str]:
    """What the variance of the difference is from, in per cent: cases, seeds, the rest; empty without seeds."""
    parts = [test.variance_cases, test.variance_seeds, test.variance_rest]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return []
    total = sum(known)
    return [f"{100 * part / total if total else 0:.0f} %" for part in known]


def sentence(comparison: Comparison, test: Test, baseline: str | None = None) -> str:
    """The whole finding on one model: cost, score, difference, and what it means.

    :param baseline: what to call the baseline, if not by its name
    """
    sizes = {model.name: model.cost.network.parameters for model in comparison.models}
    cost = numbers.ratio(sizes.get(test.model), sizes.get(test.baseline)).replace("×", " times")
    means = {s.model: s.mean for s in comparison.summaries if (s.label, s.metric) == (test.label, test.metric)}
    amount = mean_difference(test).lstrip("+−")
    where = f"{amount} {unit(test.metric)} {'above' if test.difference > 0 else 'below'}"
    if not amount.strip("0."):
        where = "level with"
    return (
        f"{test.model}: {f'{cost} parameters; ' if cost else ''}"
        f"{METRICS[test.metric].heading} {score(means.get(test.model), test.metric)}, "
        f"{where} {baseline or test.baseline} "
        f"(95\u00a0% CI {interval(test)} {unit(test.metric)}; {_p(test)}{over(test)}): {verdict(test)}."
    )


def _corrected(test: Test) -> float | None:
    return test.p if test.p_holm is None else test.p_holm


def _p(test: Test) -> str:
    """``p = 0.010, corrected 0.020, ``; empty where there is none."""
    p, corrected = numbers.p_value(test.p), numbers.p_value(test.p_holm)
    if p == numbers.MISSING:
        return ""
    equals = "" if p.startswith("<") else "= "
    return f"p {equals}{p}, " + ("" if corrected in (p, numbers.MISSING) else f"corrected {corrected}, ")


def main_tests(comparison: Comparison) -> list[Test]:
    """Mean foreground Dice against the baseline, a model each, in the comparison's order."""
    order = {model.name: index for index, model in enumerate(comparison.models)}
    found = [test for test in comparison.tests if test.is_primary]
    return sorted(found, key=lambda test: order[test.model])


def headline(comparison: Comparison) -> tuple[str, Test] | None:
    """The test to tell first, and why it is this one: the smallest that is non-inferior, else the nearest."""
    tests = main_tests(comparison)
    if not tests:
        return None
    if len(tests) == 1:
        return "", tests[0]
    sizes = {model.name: model.cost.network.parameters for model in comparison.models}
    fine = [test for test in tests if test.verdict in _GOOD and sizes[test.model]]
    if fine:
        return "Smallest model that is non-inferior", min(fine, key=lambda test: sizes[test.model] or math.inf)
    best = max(tests, key=lambda test: test.difference)
    return ("Nearest to the baseline" if best.difference < 0 else "Best mean"), best
