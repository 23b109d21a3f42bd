"""Two models on the same cases: what differs, and how sure that is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nnunet_lunet.compare import crossed, statistics
from nnunet_lunet.compare.crossed import Block, Difference
from nnunet_lunet.compare.statistics import Value


@dataclass(frozen=True)
class Paired:
    """Model minus baseline, over the cases that have a value in every run of both.

    :param seeds: of the model, and of the baseline; 1 where none is named
    :param low: of the 95 % interval of the mean ``difference``, over cases and trainings where there is ``crossed``, or
        else over cases alone
    :param p: of the same mean: of the crossed model's t, or else of the permutation test
    :param p_rank: Wilcoxon signed-rank test of the cases' differences, each over its runs: of these networks
    :param higher: cases in which the model's value is higher; of others it is equal (``ties``) or ``lower``
    :param crossed: None where one of the two has no second seed
    """

    cases: int
    seeds: tuple[int, int]
    difference: float
    low: float
    high: float
    p: float
    p_rank: float
    effect_size: float
    higher: int
    ties: int
    lower: int
    crossed: Difference | None


def compare(
    model: Sequence[Value], baseline: Sequence[Value], groups: Mapping[str, str] | None = None
) -> Paired | None:
    """None with fewer than two cases that have a value in every run of both.

    A case that one run has no value for is left out: its mean over the other runs would be that of the lucky ones.

    :param groups: of each case; then groups take the place of cases (:func:`nnunet_lunet.compare.statistics.grouped`)
    """
    valued = complete(model) & complete(baseline)
    common = sorted(valued)
    if groups:
        model, baseline = (
            statistics.grouped([value for value in values if value.case in valued], groups)
            for values in (model, baseline)
        )
        common = sorted({groups[case] for case in valued})
    if len(common) < 2:
        return None
    means = [statistics.case_means(values) for values in (model, baseline)]
    differences = np.array([means[0][case] - means[1][case] for case in common]).round(statistics.DECIMALS)
    found = _crossed(blocks(model, common), blocks(baseline, common))
    if found is None:
        difference = float(differences.mean())
        low, high = statistics.confidence_interval(differences)
        p = statistics.sign_flip(differences)
    else:
        difference, half, p = float(found.mean), float(found.half_width), float(found.p())
        low, high = difference - half, difference + half
    higher, lower = int((differences > 0).sum()), int((differences < 0).sum())
    return Paired(
        len(common), (_seeds(model), _seeds(baseline)), difference, low, high, p, statistics.wilcoxon(differences),
        statistics.rank_biserial(differences), higher, len(common) - higher - lower, lower, found,
    )  # fmt: skip


def complete(values: Iterable[Value]) -> set[str]:
    """Cases that have a value in every run."""
    values = list(values)
    return {value.case for value in values} - {value.case for value in values if value.value is None}


def _seeds(values: Iterable[Value]) -> int:
    return max(1, len({value.seed for value in values} - {None}))


@dataclass(frozen=True)
class Predicted:
    """A block, and whether its trainings have two seeds or more."""

    block: Block
    has_seeds: bool


def blocks(values: Sequence[Value], cases: Sequence[str]) -> list[Predicted]:
    """Cases by the trainings that predicted them: of a fold, or of all folds where these predicted the same cases."""
    places = {case: place for place, case in enumerate(cases)}
    of_case: dict[str, dict[tuple[str | None, int | None], float]] = {case: {} for case in cases}
    for value in values:
        if value.case in places and value.value is not None:
            of_case[value.case][value.fold, value.seed] = value.value
    by_trainings: dict[tuple[tuple[str | None, int | None], ...], list[str]] = {}
    for case, found in of_case.items():
        # In one order, so that sums are the same to the last digit.
        by_trainings.setdefault(tuple(sorted(found, key=str)), []).append(case)
    return [
        Predicted(
            Block(
                np.array([places[case] for case in own]),
                np.array([[of_case[case][training] for case in own] for training in trainings]),
            ),
            len({seed for _, seed in trainings} - {None}) > 1,
        )
        for trainings, own in by_trainings.items()
    ]


def _crossed(model: Sequence[Predicted], baseline: Sequence[Predicted]) -> Difference | None:
    if not all(part.has_seeds for part in (*model, *baseline)):
        return None
    return crossed.difference([part.block for part in model], [part.block for part in baseline])
