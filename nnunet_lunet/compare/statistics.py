"""Spread, and whether a difference means anything: pure functions of numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
from scipy import stats

#: Of the bootstrap.
RESAMPLES, SEED, CONFIDENCE = 9999, 0, 0.95
#: Differences of differences below this are rounding: 0.3 - 0.2 is not 0.2 - 0.1.
_EQUAL = 1e-12


@dataclass(frozen=True)
class Value:
    """One metric of one case in one run; None where it is not defined."""

    case: str
    fold: str | None
    seed: int | None
    value: float | None


@dataclass(frozen=True)
class Spread:
    """See :class:`nnunet_lunet.compare.record.Summary`."""

    mean: float | None
    over_cases: float | None
    over_folds: float | None
    over_seeds: float | None
    cases: int
    undefined: int


def case_means(values: Iterable[Value]) -> dict[str, float]:
    """Mean of each case over the runs that have it (seeds), of the defined values; cases without any are left out."""
    return _group_means((value.case, value.value) for value in values)


def spread(values: Sequence[Value]) -> Spread:
    """Mean over cases, and standard deviation (with n - 1) over cases, over folds' means and over seeds' means."""
    cases = case_means(values)
    by_fold = [case_means(value for value in values if value.fold == fold) for fold in {v.fold for v in values}]
    folds = [fmean(means.values()) for means in by_fold if means]
    seeds = _group_means((value.seed, value.value) for value in values)
    return Spread(
        mean=fmean(cases.values()) if cases else None,
        over_cases=_deviation(cases.values()),
        over_folds=_deviation(folds),
        over_seeds=_deviation(seeds.values()),
        cases=len(cases),
        undefined=len({value.case for value in values}) - len(cases),
    )


@dataclass(frozen=True)
class Paired:
    """Differences of pairs, see :class:`nnunet_lunet.compare.record.Test`."""

    cases: int
    difference: float
    low: float
    high: float
    p: float
    effect_size: float


def paired(model: Mapping[str, float], baseline: Mapping[str, float]) -> Paired | None:
    """Compare two models by the cases that both have a value for; None with fewer than two such cases."""
    common = sorted(model.keys() & baseline.keys())
    if len(common) < 2:
        return None
    differences = np.array([model[case] - baseline[case] for case in common])
    low, high = confidence_interval(differences)
    return Paired(len(common), float(differences.mean()), low, high, wilcoxon(differences), rank_biserial(differences))


def wilcoxon(differences: np.ndarray) -> float:
    """p of the two-sided Wilcoxon signed-rank test; differences of 0 are left out, and without others p is 1."""
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences, zero_method="wilcox").pvalue)


def rank_biserial(differences: np.ndarray) -> float:
    """Matched-pairs rank-biserial correlation (Kerby 2014): the share of the sum of ranks that is positive minus the
    share that is negative. Differences of 0 are left out; 0 without others."""
    other = differences[differences != 0]
    if not len(other):
        return 0.0
    ranks = stats.rankdata(np.abs(other))
    return float((ranks[other > 0].sum() - ranks[other < 0].sum()) / ranks.sum())


def confidence_interval(differences: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean, by the bias-corrected and accelerated bootstrap with a fixed seed.

    Where all differences are equal it is that one number.
    """
    if np.ptp(differences) < _EQUAL:
        return float(differences.mean()), float(differences.mean())
    found = stats.bootstrap(
        (differences,), np.mean, n_resamples=RESAMPLES, confidence_level=CONFIDENCE, batch=1000, method="BCa",
        rng=np.random.default_rng(SEED),
    ).confidence_interval  # fmt: skip
    return float(found.low), float(found.high)


def holm(p_values: Sequence[float]) -> list[float]:
    """p values corrected for their number by Holm's step-down procedure (Holm 1979), in the order given.

    Written out because statsmodels, the library that has it, brings five packages along.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - rank)))
        corrected[index] = largest
    return corrected


def _group_means(pairs: Iterable[tuple]) -> dict:
    groups: dict = {}
    for key, value in pairs:
        if value is not None:
            groups.setdefault(key, []).append(value)
    return {key: fmean(group) for key, group in groups.items()}


def _deviation(numbers: Iterable[float]) -> float | None:
    numbers = list(numbers)
    return stdev(numbers) if len(numbers) > 1 else None
