"""What a reader of several data sets' comparisons has to know: what is missing, and what the numbers are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from nnunet_lunet.compare import words
from nnunet_lunet.compare.over import pooled, ranks
from nnunet_lunet.compare.over.record import OverDatasets
from nnunet_lunet.compare.record import PRIMARY_ENDPOINT, Comparison


def noted(over: OverDatasets, comparisons: Mapping[str, Comparison], said: Sequence[str]) -> OverDatasets:
    """The same with its notes.

    :param said: what is known already, the first notes
    """
    return replace(over, notes=[*said, *_lacking(over), *_unlike(over, comparisons), *_methods(over)])


def _lacking(over: OverDatasets) -> list[str]:
    told = [
        f"{model} is not in {', '.join(datasets)}: it has no rank and no mean over data sets."
        for model, datasets in over.missing.items()
    ]
    if over.overall is None:
        told.append(f"No model beside {over.baseline} is in all data sets, so there are no ranks.")
    alone = [
        dataset
        for dataset in over.datasets
        if any(cell.dataset == dataset and cell.test and not cell.test.over_seeds for cell in over.cells)
    ]
    if alone:
        told.append(
            f"Of these trained networks alone, at least in part: {', '.join(alone)}. Where the model or the baseline "
            "has no second seed there is no verdict, as training again would give others."
        )
    without = [dataset for dataset, ranking in over.rankings.items() if not ranking.over_seeds]
    if without:
        told.append(
            f"Ranks are resampled over cases alone in {', '.join(without)}, as a model there has no second seed: how "
            "stable they are is of these trained networks."
        )
    return told


def _unlike(over: OverDatasets, comparisons: Mapping[str, Comparison]) -> list[str]:
    """Data sets of one name, different versions, and models that were trained in different configurations."""
    told = []
    for name, times in Counter(comparison.dataset for comparison in comparisons.values()).items():
        if times > 1:
            both = " and ".join(dataset for dataset, comparison in comparisons.items() if comparison.dataset == name)
            told.append(f"{both} are all of {name}: cases that they share would count more than once.")
    for package in over.versions:
        of_dataset = {dataset: found.versions.get(package, "not told") for dataset, found in comparisons.items()}
        if len(set(of_dataset.values())) > 1:
            told.append(f"{package} differs: {', '.join(f'{name} {version}' for name, version in of_dataset.items())}.")
    of_dataset = {
        dataset: " and ".join(dict.fromkeys(configurations.values()))
        for dataset, configurations in over.configurations.items()
    }
    if len(set(of_dataset.values())) > 1:
        listed = "; ".join(f"{dataset}: {names or 'not known'}" for dataset, names in of_dataset.items())
        told.append(f"Configurations differ between data sets. {listed}.")
    return told


def _methods(over: OverDatasets) -> list[str]:
    told = [
        "Models are the same where trainer (without its seed) and plans are; the configuration tells them apart only "
        "where a data set has two of them.",
        f"All of it is of mean {PRIMARY_ENDPOINT[0]} Dice, the primary endpoint. Differences, intervals and verdicts "
        "in a data set are those of its own comparison; p is corrected by Holm over the models there.",
    ]
    if len(over.datasets) < pooled.FEWEST:
        told.append(
            f"Mean difference: each data set counts once. {len(over.datasets)} data sets say next to nothing of "
            f"others, so there is no interval; from {pooled.FEWEST} on there is one."
        )
    else:
        told.append(
            "Mean difference: each data set counts once; the interval is Student's t over data sets "
            f"({len(over.datasets) - 1} degrees of freedom). It is about data sets like these, as far as they are a "
            "sample of such, and holds for differences that are about normal. It is not corrected for the number of "
            "models."
        )
    if over.margin is not None:
        told.append(
            f"Margin of non-inferiority: {words.margin(over.margin, PRIMARY_ENDPOINT[1])}, in all data sets. "
            + (
                f"Why: {'; '.join(reason.rstrip('.') for reason in over.margin_reasons)}."
                if over.margin_reasons
                else "No reason was given for it."
            )
        )
        told.append(
            "Non-inferior in k of n: data sets by their own verdicts (superior is non-inferior, too), of those that "
            "have one. Over all: p against the margin corrected by Holm over all models and data sets at once, so that "
            "all of these hold together (one-sided, 2.5 %)."
        )
    if over.overall is not None:
        told.append(
            f"Ranks: of the mean over the cases that every run of every ranked model has a value in; equal means share "
            f"the better rank. {ranks.RESAMPLES} resamples (seed 0) of cases, or of their groups, the same for all "
            "models; where all models have two seeds or more, each resample also adds what other trainings would, "
            "drawn from a normal distribution with the variance of the analysis of variance. Over data sets: the mean "
            "of the ranks, of these data sets alone. Kendall's tau-b: of the ranking and a resample's; 1 is the same "
            "order (as challengeR, Wiesenfarth et al., Sci. Rep. 2021)."
        )
    return told
