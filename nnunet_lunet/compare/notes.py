"""What a reader of a comparison has to know: definitions, and what the numbers were made with."""

from collections.abc import Mapping, Sequence
from importlib import metadata

from nnunetv2.imageio.base_reader_writer import BaseReaderWriter
from nnunetv2.imageio.natural_image_reader_writer import NaturalImage2DIO
from nnunetv2.imageio.tif_reader_writer import Tiff3DIO

from nnunet_lunet.compare import failures, metrics, statistics, words
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import PRIMARY_ENDPOINT, Score, Test
from nnunet_lunet.compare.statistics import ALPHA

#: How the notes begin, now and in older records, that depend on what was tested.
OF_RESULTS = (
    "No test of", "Of these trained networks", "With ", "Distances are undefined", "Primary endpoint", "Of a case",
    "Where both models", "Where one of the two", "p (Holm)", "Margin of", "Verdicts", "Tests are paired",
    "Non-inferior:",
)  # fmt: skip
_PACKAGES = ("nnunet-lunet", "nnunetv2", "monai", "scipy", "torch", "numpy")


def of_metrics(tolerance: str, ignores: bool, reader: type[BaseReaderWriter]) -> list[str]:
    """How label maps were scored.

    :param tolerance: of surface Dice, with its unit
    :param ignores: whether the data set has an ignore label
    """
    told = [
        *(metric.about.format(tolerance=tolerance) for metric in METRICS.values()),
        metrics.EMPTY,
        "Foreground is the mean over the labels that have a value in a case; nnU-Net's foreground_mean is the mean of "
        "the labels' means, which differs where a value is not defined.",
    ]
    if ignores:
        told.append(metrics.IGNORED)
    if issubclass(reader, NaturalImage2DIO):
        told.append("These files have no spacing: a pixel counts as 1 mm.")
    if issubclass(reader, Tiff3DIO):
        told.append("Spacing is that of the .json file beside each label map; without one, a voxel counts as 1 mm.")
    return told


def of_tests(tests: Sequence[Test]) -> list[str]:
    """What these tests cannot show."""
    alone = [test for test in tests if test.is_primary and not test.over_seeds]
    told = []
    if alone:
        told.append(
            f"Of these trained networks alone: {', '.join(test.model for test in alone)}. It, or the baseline, has no "
            f"second seed, so the interval is over {alone[0].unit}, and training again would give another: no verdict."
        )
    fewest = min(alone, key=lambda test: test.cases, default=None)
    if fewest and not words.can_be_significant(fewest.cases):
        told.append(
            f"With {fewest.cases} {fewest.unit} no p value of one seed can be below {ALPHA:g} (the smallest is "
            f"{2 * 0.5**fewest.cases:.2g}), whatever the models do, and intervals rest on those few numbers."
        )
    return told


def of_failures(scores: Sequence[Score], diagonals: Mapping[str, float]) -> list[str]:
    """Where undefined distances cannot be replaced by the worst."""
    if not failures.is_incomplete(scores, diagonals):
        return []
    return [
        "Distances are undefined in some runs, and this record does not have the sizes of the images: what the means "
        "would be with the worst distances is left out."
    ]


def of_statistics(
    margins: Mapping[str, float], reason: str, tests: Sequence[Test], groups: Mapping[str, str]
) -> list[str]:
    """How models were compared.

    :param margins: of non-inferiority by metric
    :param reason: why these
    :param groups: of each case; empty: every case is its own
    """
    label, metric = PRIMARY_ENDPOINT
    limits = ", ".join(f"{METRICS[name].heading} {words.margin(value, name)}" for name, value in margins.items())
    told = [
        f"Primary endpoint: mean {label} {METRICS[metric].heading}. Every other label and metric is exploratory.",
        "Of a case that several runs of a model have (seeds), the mean counts once. Standard deviations have n - 1. "
        "Values that are not defined are counted in runs; a difference is over the cases that have a value in every "
        "run of both.",
    ]
    if groups:
        told.append(
            f"{len(groups)} cases are {len(set(groups.values()))} groups, such as those of a patient, which are "
            "alike. A group counts once, by the mean of its cases in each run: means, spreads, intervals, p and "
            "verdicts are over groups, and where an interval is said to be over cases, it is over these."
        )
    if any(test.over_seeds for test in tests):
        told.append(
            "Where both models have two seeds or more, the interval is over cases and seeds, both random: two-way "
            "analysis of variance of each model's table of seeds by cases, cases paired between models, "
            "Satterthwaite's degrees of freedom, Student's t; p is of the same t. In cross-validation each fold is a "
            "table of its own, since its cases have networks of their own; that another training set would give other "
            "networks is not in it."
        )
    if not all(test.over_seeds for test in tests):
        told.append(
            "Where one of the two has no second seed, the interval is over cases alone: 95 % of "
            f"{statistics.RESAMPLES} bootstrap resamples (BCa, seed {statistics.SEED}); p is of the same mean, by "
            f"permutation of signs (all, or {statistics.RESAMPLES} of them). Where the two disagree, as they can where "
            "few cases decide, no difference is shown."
        )
    return [
        *told,
        "p (Holm): corrected over the models for each label and metric. p (ranks): Wilcoxon's signed-rank test of the "
        "cases' differences, of these trained networks alone. Effect size: matched-pairs rank-biserial correlation, "
        "ties counted. Differences are rounded to 1e-9.",
        f"Margin of non-inferiority: {limits}. {_sentence(reason)}",
        "Verdicts (CONSORT extension for non-inferiority trials, Piaggio et al., JAMA 2012): non-inferior, the "
        "difference is not as bad as the margin (one-sided at 2.5 %, p corrected by Holm over the models); superior, "
        "it is better than 0, too; inferior, it is worse than the margin; inconclusive, none of these. Intervals are "
        'not corrected: what follows "alone" is what one would show if there were no other model.',
    ]


def _sentence(reason: str) -> str:
    if not reason:
        return "No reason was given for it."
    return f"Why: {reason.rstrip('.')}."


def of_pruning() -> list[str]:
    """What the record of a pruning run can tell."""
    return [
        "Along a pruning run there is pseudo Dice alone, of random validation patches in each epoch: another measure "
        "than the Dice of whole cases. The best of many noisy values is higher than the same network would score again."
    ]


def versions() -> dict[str, str]:
    """Of the packages that the numbers depend on."""
    return {package: metadata.version(package) for package in _PACKAGES}
