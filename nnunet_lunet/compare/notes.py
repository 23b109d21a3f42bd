"""What a reader of a comparison has to know: definitions, and what the numbers were made with."""

from importlib import metadata

from nnunetv2.imageio.base_reader_writer import BaseReaderWriter
from nnunetv2.imageio.natural_image_reader_writer import NaturalImage2DIO
from nnunetv2.imageio.tif_reader_writer import Tiff3DIO

from nnunet_lunet.compare import analysis, metrics, statistics, words
from nnunet_lunet.compare.metrics import METRICS

_PACKAGES = ("nnunet-lunet", "nnunetv2", "monai", "scipy", "torch", "numpy")


def of_metrics(tolerance: float, ignores: bool, reader: type[BaseReaderWriter]) -> list[str]:
    """How label maps were scored.

    :param tolerance: of surface Dice, mm
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


def of_size(cases: int) -> list[str]:
    """What so few cases cannot show."""
    if words.can_be_significant(cases):
        return []
    return [
        f"With {cases} cases no p value can be below {words.ALPHA:g} (the smallest is {2 * 0.5**cases:.2g}), whatever "
        "the models do, and intervals and non-inferiority rest on those few numbers."
    ]


def of_statistics(margin: float) -> list[str]:
    """How models were compared.

    :param margin: of non-inferiority, in Dice
    """
    heading = METRICS[analysis.MARGIN_OF].heading
    return [
        "Of a case that several runs of a model have (seeds), the mean counts once. Standard deviations have n - 1.",
        "Tests are paired by case: two-sided Wilcoxon signed-rank, p corrected by Holm over the models for each label "
        "and metric; effect size is the matched-pairs rank-biserial correlation; intervals are 95 % of "
        f"{statistics.RESAMPLES} bootstrap resamples (BCa, seed {statistics.SEED}). The spread over cases is in them, "
        "that of training again is not: compare several seeds for it.",
        f"Non-inferior: the interval of {heading} excludes being worse than the baseline by {margin:g} or more.",
    ]


def of_pruning() -> list[str]:
    """What the record of a pruning run can tell."""
    return [
        "Along a pruning run there is pseudo Dice alone, of random validation patches in each epoch: another measure "
        "than the Dice of whole cases. The best of many noisy values is higher than the same network would score again."
    ]


def versions() -> dict[str, str]:
    """Of the packages that the numbers depend on."""
    return {package: metadata.version(package) for package in _PACKAGES}
