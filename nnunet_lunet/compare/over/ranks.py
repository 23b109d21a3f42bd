"""Ranks of models in a data set and over data sets, and how stable they are: what resamples would rank.

As challengeR has it (Wiesenfarth et al., Scientific Reports 11, 2021; after Maier-Hein et al., Nature Communications 9,
2018): the mean over cases, then the rank, of equal means the better one; over data sets the mean of the ranks; cases
are resampled with replacement, the same for all models, in each data set for itself, and Kendall's tau compares the
ranking with each resample's. Groups of cases are resampled whole.

Trainings vary, too, and a bootstrap of two or three seeds would draw too few of them: it shows ``(S - 1) / S`` of their
variance, and crossed with cases three times what is left over (Owen, Annals of Applied Statistics 1, 2007). So each
resample adds to a model's mean what other trainings would: a draw from the normal distribution with the variance that
the analysis of variance finds for them (:mod:`nnunet_lunet.compare.crossed`). The difference of two models then varies
over the resamples by the standard error that its interval is of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from nnunet_lunet.compare import crossed, paired, statistics
from nnunet_lunet.compare.over.record import Rank, Ranking
from nnunet_lunet.compare.record import PRIMARY_ENDPOINT, Comparison
from nnunet_lunet.compare.statistics import Value
from nnunet_lunet.errors import UserError

#: As many as challengeR's examples have.
RESAMPLES = 1000


@dataclass(frozen=True)
class Sample:
    """What a data set has of the models to rank.

    :param values: mean over runs of each model and case (or group), ``(models, units)``
    :param trainings: variance of each model's mean that its trainings add, ``(models,)``; None where a model has no
        second seed
    """

    values: np.ndarray
    trainings: np.ndarray | None


def sample(dataset: str, comparison: Comparison, names: Sequence[str]) -> Sample:
    """Over the cases that have a value in every run of each of these models.

    :param dataset: for messages
    :param names: of models of this comparison
    :raises UserError: fewer than two such cases, or groups of cases
    """
    label, metric = PRIMARY_ENDPOINT
    of_model: dict[str, list[Value]] = {name: [] for name in names}
    for score in comparison.scores:
        if score.label == label and score.model in of_model:
            of_model[score.model].append(Value(score.case, score.fold, score.seed, score.values[metric]))
    common = set.intersection(*(paired.complete(values) for values in of_model.values()))
    if common and comparison.groups:
        of_model = {
            name: list(statistics.grouped([value for value in values if value.case in common], comparison.groups))
            for name, values in of_model.items()
        }
        common = {comparison.groups[case] for case in common}
    if len(common) < 2:
        raise UserError(
            f"{dataset}: {len(common)} {comparison.unit} have a value in every run of {', '.join(names)}: ranks need "
            "two; choose models with -m"
        )
    units = sorted(common)
    means = [statistics.case_means(values) for values in of_model.values()]
    predicted = [paired.blocks(values, units) for values in of_model.values()]
    trainings = None
    if all(part.has_seeds for parts in predicted for part in parts):
        trainings = np.array([crossed.of_trainings([part.block for part in parts]) for parts in predicted])
    return Sample(np.array([[of_unit[unit] for unit in units] for of_unit in means]), trainings)


def rankings(samples: Mapping[str, Sample], names: Sequence[str]) -> tuple[dict[str, Ranking], Ranking]:
    """Of each data set, and over all.

    :param samples: by data set, each of the same models
    :param names: of these models
    """
    means = {dataset: found.values.mean(1) for dataset, found in samples.items()}
    resamples = {dataset: resampled_means(dataset, found) for dataset, found in samples.items()}
    ranks = {dataset: _ranks(-mean) for dataset, mean in means.items()}
    again = {dataset: _ranks(-of_resamples) for dataset, of_resamples in resamples.items()}
    by_dataset = {
        dataset: _ranking(
            names, means[dataset], resamples[dataset], ranks[dataset], again[dataset], found.values.shape[1],
            found.trainings is not None,
        )
        for dataset, found in samples.items()
    }  # fmt: skip
    mean_ranks, of_resamples = (np.mean(list(every.values()), axis=0) for every in (ranks, again))
    overall = _ranking(
        names, mean_ranks, of_resamples, _ranks(mean_ranks), _ranks(of_resamples),
        sum(ranking.units for ranking in by_dataset.values()),
        all(ranking.over_seeds for ranking in by_dataset.values()),
    )  # fmt: skip
    return by_dataset, overall


def resampled_means(dataset: str, found: Sample) -> np.ndarray:
    """Means that other cases and other trainings would give, ``(RESAMPLES, models)``.

    :param dataset: its name, which the random numbers depend on, so that other data sets do not change them
    """
    random = np.random.default_rng([statistics.SEED, *dataset.encode()])
    models, units = found.values.shape
    times = random.multinomial(units, np.full(units, 1 / units), RESAMPLES)
    means = times @ found.values.T / units
    if found.trainings is not None:
        means += random.normal(size=(RESAMPLES, models)) * np.sqrt(found.trainings)
    return means


def _ranks(values: np.ndarray) -> np.ndarray:
    """1 for the lowest, along the last axis; equal values share the lower rank."""
    return stats.rankdata(values.round(statistics.DECIMALS), method="min", axis=-1)


def _ranking(
    names: Sequence[str],
    values: np.ndarray,
    resampled: np.ndarray,
    ranks: np.ndarray,
    again: np.ndarray,
    units: int,
    over_seeds: bool,
) -> Ranking:
    """:param resampled: values of each resample, ``(RESAMPLES, models)``; :param again: their ranks"""
    low, high = _central(resampled)
    found = [
        Rank(
            name, float(values[index]), float(low[index]), float(high[index]), int(ranks[index]),
            [float((again[:, index] == rank).mean()) for rank in range(1, len(names) + 1)],
        )
        for index, name in enumerate(names)
    ]  # fmt: skip
    return Ranking(found, units, over_seeds, _tau(ranks, again))


def _tau(ranks: np.ndarray, again: np.ndarray) -> tuple[float, float, float] | None:
    """Of two rankings one of which says nothing, all models being equal in it, there is none."""
    taus = np.array([stats.kendalltau(ranks, resample).statistic for resample in again])
    taus = taus[np.isfinite(taus)]
    if not len(taus):
        return None
    low, high = _central(taus)
    return float(taus.mean()), float(low), float(high)


def _central(values: np.ndarray) -> np.ndarray:
    """Ends of the middle 95 % along the first axis."""
    return np.quantile(values, [statistics.ALPHA / 2, 1 - statistics.ALPHA / 2], axis=0)
