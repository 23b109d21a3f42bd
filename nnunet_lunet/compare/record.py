"""What a comparison consists of: plain data that the tables, the files and the page are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from nnunet_lunet.architectures.network_cost import NetworkCost

#: Label of the mean over all foreground labels of a case.
FOREGROUND = "foreground"


@dataclass(frozen=True)
class Cost:
    """What a model costs; None where nothing that nnU-Net wrote tells.

    :param network: of several runs of different size (pruning) the one with the median number of parameters
    :param seconds_per_epoch: median over the runs of each one's median over its epochs
    :param peak_memory: bytes, the largest of all runs; None where these are of several kinds of device
    :param device: that it is of, such as cuda or cpu; None where it was not written down
    """

    network: NetworkCost = field(default_factory=NetworkCost)
    seconds_per_epoch: float | None = None
    peak_memory: int | None = None
    device: str | None = None


@dataclass(frozen=True)
class Model:
    """One row of the comparison.

    :param name: short and unique, e.g. ``LUnetTrainer_w8`` (plans and configuration are in it only where they differ)
    :param runs: fold and seed of each run that is compared; None for a folder of predictions, or where no seed is named
    :param checkpoint: file name of the checkpoint that made a folder of predictions, where the user named it
    """

    name: str
    trainer: str | None
    plans: str | None
    configuration: str | None
    runs: list[tuple[str | None, int | None]]
    cost: Cost
    checkpoint: str | None = None


@dataclass(frozen=True)
class LearningCurve:
    """How one run of a model learned, an entry an epoch.

    :param seconds: that the epochs took up to the end of each, pauses between them not counted
    :param pseudo_dice: nnU-Net's exponential moving average, of validation patches; None where no label was in them
    """

    model: str
    fold: str | None
    seed: int | None
    seconds: list[float]
    pseudo_dice: list[float | None]


@dataclass(frozen=True)
class PruningRun:
    """What one run of a pruning model went through, an entry an epoch.

    :param multiply_adds: of one patch in training, with the lower heads that prediction does not compute
    :param pseudo_dice: nnU-Net's mean over the foreground labels in the random validation patches of each epoch; None
        where no label was in them
    :param kept: index of the epoch whose network and weights a checkpoint on the way holds, by the percentage of
        channels in that checkpoint's name
    """

    model: str
    fold: str | None
    seed: int | None
    parameters: list[int]
    multiply_adds: list[int]
    pseudo_dice: list[float | None]
    kept: dict[str, int]


@dataclass(frozen=True)
class Score:
    """One label of one case in one run.

    :param values: by metric (:data:`nnunet_lunet.compare.metrics.METRICS`); None where it is not defined, and ``note``
        says why
    """

    model: str
    fold: str | None
    seed: int | None
    case: str
    label: str
    values: dict[str, float | None]
    note: str = ""


@dataclass(frozen=True)
class Summary:
    """Mean of one metric, and its spread.

    :param cases: cases with a defined value in any run
    :param runs: values that there would be, one a case and run; ``undefined`` of them are not defined, nor in the mean
    :param over_cases: standard deviation over cases (each case's mean over its seeds)
    :param over_folds: standard deviation of the folds' means; None with fewer than two
    :param over_seeds: standard deviation of the seeds' means; None with fewer than two
    """

    model: str
    label: str
    metric: str
    mean: float | None
    over_cases: float | None
    over_folds: float | None
    over_seeds: float | None
    cases: int
    runs: int
    undefined: int


#: What a comparison is about, said before anything is scored; every other label and metric is exploratory.
PRIMARY_ENDPOINT = (FOREGROUND, "dice")


class Verdict(str, Enum):
    """Of the interval and the margin (CONSORT extension for non-inferiority trials, Piaggio et al., JAMA 2012)."""

    SUPERIOR = "superior"
    NON_INFERIOR = "non-inferior"
    INCONCLUSIVE = "inconclusive"
    INFERIOR = "inferior"


def unit(groups: Mapping[str, str] | None) -> str:
    """What means and tests are over.

    :param groups: of each case; without: every case is its own
    """
    return "groups" if groups else "cases"


@dataclass(frozen=True)
class Test:
    """A model against the baseline, over the cases that have a value in every run of both, paired by case.

    :param seeds: of the model; 1 where none is named
    :param difference: mean of model minus baseline, with its 95 % confidence interval: over cases and seeds where both
        have two seeds or more, or else over cases, of these trained networks alone (``df`` is None)
    :param p: two-sided, of the same mean: of the t that the interval is of, or else by permutation of signs;
        ``p_holm`` corrected by Holm over the models, for one label and metric
    :param p_rank: Wilcoxon signed-rank test of the cases' differences, of these trained networks alone
    :param effect_size: matched-pairs rank-biserial correlation, -1 to 1, positive where the model's values are larger
    :param wins: cases in which the model is better; ``ties`` differ by less than 1e-9
    :param margin: of non-inferiority; None without one
    :param p_margin: one-sided, of being worse by the margin or more; ``p_margin_holm`` corrected as ``p_holm``
    :param verdict: by the corrected p; None without a margin, and of these trained networks alone
    :param verdict_alone: what it would be if this were the only model: by the interval, which is not corrected
    :param df: degrees of freedom of the t
    :param variance_cases: what cases contribute to the variance of ``difference``; so do seeds, and the rest
    :param half_width_twice_seeds: of the interval with twice the seeds; the same with twice the cases
    :param unit: what ``cases`` counts: cases or, where the comparison has them, groups of cases
    """

    model: str
    baseline: str
    label: str
    metric: str
    cases: int
    seeds: int
    baseline_seeds: int
    difference: float
    low: float
    high: float
    p: float | None
    p_holm: float | None
    p_rank: float | None
    effect_size: float | None
    wins: int
    ties: int
    losses: int
    margin: float | None = None
    p_margin: float | None = None
    p_margin_holm: float | None = None
    verdict: Verdict | None = None
    verdict_alone: Verdict | None = None
    df: float | None = None
    variance_cases: float | None = None
    variance_seeds: float | None = None
    variance_rest: float | None = None
    half_width_twice_seeds: float | None = None
    half_width_twice_cases: float | None = None
    unit: str = "cases"

    @property
    def is_primary(self) -> bool:
        return (self.label, self.metric) == PRIMARY_ENDPOINT

    @property
    def over_seeds(self) -> bool:
        """Whether the interval is over seeds, too."""
        return self.df is not None


@dataclass(frozen=True)
class Sensitivity:
    """A model's mean where each failure counts as the worst value that there is, and its difference to the baseline.

    :param runs: values that there would be, one a case and run, of all cases that any model has
    :param undefined: of them, those that are not defined, as reference or prediction alone is empty
    :param missing: of them, those without a prediction
    :param low: of the 95 % interval of ``difference``, as :class:`Test` has it; None for the baseline
    """

    model: str
    label: str
    metric: str
    runs: int
    undefined: int
    missing: int
    mean: float | None
    difference: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class WorstCase:
    """A case to look at, with what is needed to draw it.

    :param files: label map by model name, of one run
    """

    case: str
    image: str | None
    reference: str
    files: dict[str, str]
    dice: dict[str, float | None]


@dataclass(frozen=True)
class Comparison:
    """All that one call of ``lunet compare`` found.

    :param labels: foreground labels, value to name
    :param left_out: by model, cases that it lacks and another has; they are in no mean and no test
    :param left_out_scores: of these cases, of the models that have them; for ``sensitivity`` alone
    :param diagonals: of the image of each case, mm; empty where nobody wrote them down
    :param margins: of non-inferiority by metric, in its own unit, and why these, as declared before scoring
    :param groups: of each case, such as its patient, over which means and tests are; empty: every case is its own
    :param notes: what a reader has to know: missing folds, how empty label maps are treated, tolerance of surface Dice
    :param versions: package to version
    """

    dataset: str
    baseline: str
    labels: dict[int, str]
    models: list[Model]
    scores: list[Score]
    summaries: list[Summary]
    tests: list[Test]
    learning: list[LearningCurve] = field(default_factory=list)
    worst: list[WorstCase] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""
    pruning: list[PruningRun] = field(default_factory=list)
    left_out_scores: list[Score] = field(default_factory=list)
    diagonals: dict[str, float] = field(default_factory=dict)
    sensitivity: list[Sensitivity] = field(default_factory=list)
    margins: dict[str, float] = field(default_factory=dict)
    margin_reason: str = ""
    groups: dict[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """What means and tests are over."""
        return unit(self.groups)
