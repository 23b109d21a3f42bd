"""What comparisons of several data sets consist of together: plain data that tables, files and page are made from."""

from dataclasses import dataclass, field

from nnunet_lunet.compare.record import Test


@dataclass(frozen=True)
class Cell:
    """A model in a data set, by mean foreground Dice.

    :param test: against the baseline; None for the baseline, and where the model is not in this data set
    """

    dataset: str
    model: str
    test: Test | None


@dataclass(frozen=True)
class Rank:
    """Place of a model among those that all data sets have, and how stable it is under resampling.

    :param value: what the rank is by: mean foreground Dice in a data set; over data sets the mean of the ranks there
    :param low: of ``value`` the 2.5 % quantile of the resamples; ``high`` the 97.5 %
    :param rank: 1 is the best; equal models share the better rank
    :param frequencies: share of the resamples in which the model has rank 1, 2, ...
    """

    model: str
    value: float
    low: float
    high: float
    rank: int
    frequencies: list[float]


@dataclass(frozen=True)
class Ranking:
    """The ranks of one data set, or those over all of them.

    :param units: cases (or groups) that the means are over; those with a value in every run of every ranked model
    :param over_seeds: whether resamples are over seeds, too: where every ranked model has two or more
    :param tau: Kendall's tau-b of the ranking and each resample's: its mean, and its 2.5 % and 97.5 % quantile; None
        where all models are equal
    """

    ranks: list[Rank]
    units: int
    over_seeds: bool
    tau: tuple[float, float, float] | None


@dataclass(frozen=True)
class Mean:
    """A model's mean difference over data sets, each of which counts once.

    :param deviation: standard deviation of the data sets' differences; None of a single one
    :param low: of the 95 % interval over data sets, Student's t with ``df`` degrees of freedom; None with too few
    """

    mean: float
    deviation: float | None
    low: float | None
    high: float | None
    df: int | None


@dataclass(frozen=True)
class Count:
    """In how many data sets a model is non-inferior (or superior).

    :param verdicts: data sets that have a verdict on it
    :param non_inferior: of them, by each one's own verdict, corrected by Holm over the models there
    :param corrected: of them, corrected by Holm over all models and data sets at once
    """

    verdicts: int
    non_inferior: int
    corrected: int


@dataclass(frozen=True)
class OverDatasets:
    """All that several comparisons show together.

    :param models: names over data sets, the baseline first
    :param configurations: by data set, that of each of its models
    :param missing: by model the data sets that do not have it; such a model has no rank and no mean over data sets
    :param means: by model, of those in all data sets but the baseline
    :param counts: by model, of all but the baseline
    :param rankings: by data set; empty where fewer than two models are in all data sets
    :param overall: of the mean of the ranks, over these data sets
    :param margin: of non-inferiority, of Dice; the same in all data sets; None where none of them has one
    :param margin_reasons: why it, as the data sets' records have it
    :param pages: by data set the page of its own comparison, relative to the folder of this one
    """

    datasets: list[str]
    baseline: str
    models: list[str]
    configurations: dict[str, dict[str, str]]
    missing: dict[str, list[str]]
    cells: list[Cell]
    means: dict[str, Mean]
    counts: dict[str, Count]
    rankings: dict[str, Ranking]
    overall: Ranking | None
    margin: float | None
    margin_reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    command: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
