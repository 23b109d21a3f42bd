"""Spread, and whether a difference means anything: pure functions of numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, stdev

import numpy as np
from scipy import stats

#: Of the bootstrap and of the permutation test.
RESAMPLES, SEED = 9999, 0
#: Significance level of two-sided tests, and what intervals leave out.
ALPHA = 0.05
CONFIDENCE = 1 - ALPHA
#: Differences are rounded to so many decimals before ties are looked for: 0.3 - 0.2 is not 0.2 - 0.1.
DECIMALS = 9


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
    runs: int
    undefined: int


def case_means(values: Iterable[Value]) -> dict[str, float]:
    """Mean of each case over the runs that have it (seeds), of the defined values; cases without any are left out."""
    return _group_means((value.case, value.value) for value in values)


def grouped(values: Sequence[Value], groups: Mapping[str, str]) -> Sequence[Value]:
    """A value of each group of cases in each run, in place of the cases: the mean of its defined values.

    Cases of one patient are alike, so an interval that takes them for independent is too narrow. Groups count alike,
    however many cases they have.

    :param groups: of each case; empty: every case is its own
    """
    if not groups:
        return values
    means = _group_means(((value.fold, value.seed, groups[value.case]), value.value) for value in values)
    return [Value(group, fold, seed, mean) for (fold, seed, group), mean in means.items()]


def spread(values: Sequence[Value], groups: Mapping[str, str] | None = None) -> Spread:
    """Mean over cases, and standard deviation (with n - 1) over cases, over folds' means and over seeds' means.

    :param groups: of each case, where groups count and not cases (:func:`grouped`)
    """
    units = grouped(values, groups or {})
    cases = case_means(units)
    by_fold = [case_means(unit for unit in units if unit.fold == fold) for fold in {unit.fold for unit in units}]
    folds = [fmean(means.values()) for means in by_fold if means]
    seeds = _group_means((unit.seed, unit.value) for unit in units)
    return Spread(
        mean=fmean(cases.values()) if cases else None,
        over_cases=_deviation(cases.values()),
        over_folds=_deviation(folds),
        over_seeds=_deviation(seeds.values()),
        cases=len(cases),
        runs=len(values),
        undefined=sum(value.value is None for value in values),
    )


def sign_flip(differences: np.ndarray) -> float:
    """p of the two-sided paired permutation test of the mean: of all ways to sign the differences, or of
    :data:`RESAMPLES` with a fixed seed and the one that was observed where there are more, the share with a mean as
    far from 0.

    Written out because scipy's draws anew for each of hundreds of tests of the same number of cases, which took longer
    than all else; a test compares both.
    """
    if not differences.any():
        return 1.0
    negative = _signs(len(differences))
    total = differences.sum()
    sums = np.concatenate([total - 2 * (part @ differences) for part in np.array_split(negative, 10)])
    # The same differences in another order need not have the same sum to the last digit.
    extreme = int((np.abs(sums) >= abs(total) * (1 - 1e-12)).sum())
    every = len(negative) == 2 ** len(differences)
    return float(extreme / len(negative) if every else (extreme + 1) / (len(negative) + 1))


@lru_cache(maxsize=4)
def _signs(cases: int) -> np.ndarray:
    """Which differences change their sign, ``(ways, cases)``, 0 or 1: all ways, or :data:`RESAMPLES` drawn ones."""
    if 2**cases <= RESAMPLES:
        return (np.arange(2**cases)[:, None] >> np.arange(cases) & 1).astype(np.int8)
    return np.random.default_rng(SEED).integers(0, 2, (RESAMPLES, cases), dtype=np.int8)


def wilcoxon(differences: np.ndarray) -> float:
    """p of the two-sided Wilcoxon signed-rank test; differences of 0 are left out, and without others p is 1."""
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences, zero_method="wilcox").pvalue)


def rank_biserial(differences: np.ndarray) -> float:
    """Matched-pairs rank-biserial correlation (Kerby 2014): the sum of the ranks of positive differences minus that of
    negative ones, as a share of all ranks. Differences of 0 have the lowest ranks (Pratt 1959) and count for neither,
    so that one difference among many ties is a small effect."""
    ranks = stats.rankdata(np.abs(differences))
    return float((ranks[differences > 0].sum() - ranks[differences < 0].sum()) / ranks.sum())


def confidence_interval(differences: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean, by the bias-corrected and accelerated bootstrap with a fixed seed.

    Where all differences are equal it is that one number.
    """
    if not np.ptp(differences):
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
