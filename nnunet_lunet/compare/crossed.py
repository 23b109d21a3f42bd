"""The mean difference of two models over cases and trainings, both of them samples: its interval, and where it is from.

The scores of a model are a table of trainings (seeds) by cases, of which both are random: another training of the same
network would score otherwise, and so would other cases. With ``y = mean + training + case + rest``, the mean over such
a table has the variance

    ``case / C + training / S + rest / (S C)``

for ``C`` cases and ``S`` trainings (two-way analysis of variance, e.g. Searle, Casella & McCulloch, *Variance
Components*, 1992, chapter 4). Cases are paired between the models, trainings are not. Of the difference, cases and rest
are what the variance of the cases' differences (each over the means of the trainings) holds, and each model adds its
own trainings. Degrees of freedom are Satterthwaite's (Biometrics Bulletin 2, 1946).

A component of trainings that comes out below zero counts as zero in the variance, and as it is in the degrees of
freedom: that it is small was estimated, too, from as few trainings. In 10,000 simulated studies of 40 cases with two
seeds, the 95 % interval then holds the truth in 94 to 96 % where the models depend on their seeds as those of this
project do, in 90 % where one does strongly and the other not at all, and in 93 % and 94 % of these with three and five
seeds.

Where a model was validated in folds, another network predicts the cases of each fold. So trainings are crossed with
cases in a block, which is a fold, and a block counts by its share of the cases. What the training set of a fold does to
all its trainings alike is not in it (nobody can tell it from the cases of the fold; Bengio & Grandvalet, JMLR 5, 2004).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from nnunet_lunet.compare.statistics import CONFIDENCE

#: Standard errors below this are rounding.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Block:
    """Cases that the same trainings of a model predicted.

    :param cases: their places among all cases of the comparison, ``(C,)``
    :param values: of each training and case, ``(..., S, C)``; leading axes are comparisons side by side
    """

    cases: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Sources:
    """What a mean difference varies by, as shares of its variance in squared units of the metric.

    :param cases: that other cases would be others
    :param seeds: that trainings with other seeds would be others, both models together
    :param rest: what the one does to the other, and all that is left
    """

    cases: Any
    seeds: Any
    rest: Any


@dataclass(frozen=True)
class Difference:
    """Mean of model minus baseline, numbers or arrays of the leading axes.

    :param standard_error: of ``mean``, over cases and trainings
    :param df: Satterthwaite's degrees of freedom
    :param twice_seeds: half of the width that the interval would have with twice the trainings, as far as the
        components are right
    :param twice_cases: the same with twice the cases
    """

    mean: Any
    standard_error: Any
    df: Any
    sources: Sources
    twice_seeds: Any
    twice_cases: Any

    @property
    def half_width(self) -> Any:
        """Of the 95 % interval."""
        return _quantile(self.df) * self.standard_error

    def p(self) -> Any:
        """That the true difference is 0, two-sided: below 0.05 where the interval leaves 0 out, and nowhere else."""
        return 2 * self._beyond(np.abs(self.mean))

    def p_above(self, limit: float) -> Any:
        """One-sided, that the true difference is not above ``limit``: below 0.025 where the interval is above it."""
        return self._beyond(self.mean - limit)

    def _beyond(self, distance: Any) -> Any:
        """Of zero in both, 0.5: that is neither."""
        certain = np.where(np.abs(distance) < _NOTHING, 0.5, np.where(distance > 0, 0.0, 1.0))
        error = np.maximum(self.standard_error, _NOTHING)
        return np.where(self.standard_error < _NOTHING, certain, stats.t.sf(distance / error, self.df))[()]


@dataclass(frozen=True)
class _Part:
    """One block of one model: mean squares between trainings and of the rest; ``share``, of all cases."""

    between: Any
    rest: Any
    trainings: int
    cases: int
    share: float


def difference(model: Sequence[Block], baseline: Sequence[Block]) -> Difference:
    """Compare the means of two models.

    :param model: blocks that have each case once, with two trainings or more each
    :param baseline: the same cases, in blocks of its own
    """
    number = sum(len(block.cases) for block in model)
    paired = _over_trainings(model, number) - _over_trainings(baseline, number)
    parts = [_part(block, number) for block in (*model, *baseline)]
    over_cases = paired.var(-1, ddof=1) / number
    rest = sum(part.share * part.rest / part.trainings for part in parts) / number
    alone = np.maximum(over_cases - rest, 0)
    seeds = _over_seeds(parts)
    error, df = _satterthwaite(over_cases, number, parts)
    return Difference(
        paired.mean(-1), error, df, Sources(alone, seeds, np.minimum(rest, over_cases)),
        twice_seeds=_half_width(alone, parts, number, 2, 1), twice_cases=_half_width(alone, parts, number, 1, 2),
    )  # fmt: skip


def of_trainings(blocks: Sequence[Block]) -> Any:
    """What the trainings of a model contribute to the variance of its mean, 0 or more.

    :param blocks: as those of :func:`difference`
    """
    number = sum(len(block.cases) for block in blocks)
    return _over_seeds([_part(block, number) for block in blocks])


def _over_seeds(parts: Sequence[_Part]) -> Any:
    return sum(part.share**2 * _training(part) / part.trainings for part in parts)


def _over_trainings(blocks: Sequence[Block], number: int) -> np.ndarray:
    """``(..., C)``"""
    means = np.empty((*blocks[0].values.shape[:-2], number))
    for block in blocks:
        means[..., block.cases] = block.values.mean(-2)
    return means


def _part(block: Block, number: int) -> _Part:
    values = block.values
    trainings, cases = values.shape[-2:]
    by_training = values.mean(-1, keepdims=True)
    left = values - by_training - values.mean(-2, keepdims=True) + values.mean((-2, -1), keepdims=True)
    # A single case cannot tell its trainings from the rest: all of it counts as trainings'.
    rest = (left**2).sum((-2, -1)) / ((trainings - 1) * max(cases - 1, 1))
    return _Part(cases * by_training[..., 0].var(-1, ddof=1), rest, trainings, cases, cases / number)


def _training(part: _Part) -> Any:
    """The component of variance of a training, 0 or more."""
    return np.maximum(part.between - part.rest, 0) / part.cases


def _satterthwaite(over_cases: Any, number: int, parts: Sequence[_Part]) -> tuple[Any, Any]:
    """Standard error and degrees of freedom of the mean difference."""
    variance, squares = over_cases, over_cases**2 / (number - 1)
    for part in parts:
        weight = part.share**2 / (part.trainings * part.cases)
        variance = variance + weight * np.maximum(part.between - part.rest, 0)
        for mean_square, df in _mean_squares(part):
            squares = squares + (weight * mean_square) ** 2 / df
    # As no estimate of a difference of mean squares is worth less than one number.
    df = np.maximum(np.divide(variance**2, squares, out=np.ones_like(squares), where=squares > 0), 1)
    return np.sqrt(variance), df


def _mean_squares(part: _Part) -> Iterator[tuple[Any, int]]:
    """With their degrees of freedom."""
    yield part.between, part.trainings - 1
    if part.cases > 1:
        yield part.rest, (part.trainings - 1) * (part.cases - 1)


def _half_width(alone: Any, parts: Sequence[_Part], number: int, seeds: int, cases: int) -> Any:
    """Of the interval with so many times the trainings and cases, if the components are what they came out as.

    :param alone: what cases contribute to the variance of the mean as it is
    """
    larger = [
        _Part(
            cases * part.cases * _training(part) + part.rest, part.rest, seeds * part.trainings, cases * part.cases,
            part.share,
        )
        for part in parts
    ]  # fmt: skip
    rest = sum(part.share * part.rest / part.trainings for part in larger) / (cases * number)
    error, df = _satterthwaite(alone / cases + rest, cases * number, larger)
    return _quantile(df) * error


def _quantile(df: Any) -> Any:
    return stats.t.ppf(1 - (1 - CONFIDENCE) / 2, df)
