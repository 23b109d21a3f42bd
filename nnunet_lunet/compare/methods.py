"""The paragraph on statistics for a paper: what was done in this comparison, and nothing that was not."""

from collections.abc import Mapping, Sequence

from nnunet_lunet import numbers
from nnunet_lunet.compare import statistics, words
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import FOREGROUND, PRIMARY_ENDPOINT, Comparison, Model, Test

#: Packages as papers name them.
_PACKAGES = {
    "nnunetv2": "nnU-Net v2 (Isensee et al., Nature Methods 2021)", "torch": "PyTorch", "monai": "MONAI",
    "scipy": "SciPy", "numpy": "NumPy",
}  # fmt: skip


def statistical_analysis(comparison: Comparison) -> str:
    """Plain text, in paragraphs: data and runs, metrics, tests, what was left out, versions."""
    tests = words.main_tests(comparison)
    parts = [
        [_data(comparison), *_runs(comparison.models)],
        [*_metrics(comparison), *_undefined(comparison)],
        [*_endpoint(comparison, tests), *_intervals(tests, comparison.unit), *_verdicts(tests)] if tests else [],
        [_versions(comparison.versions)] if comparison.versions else [],
    ]
    return "\n\n".join(" ".join(part) for part in parts if part)


def _data(comparison: Comparison) -> str:
    cases = {score.case for score in comparison.scores}
    others = [model.name for model in comparison.models if model.name != comparison.baseline]
    on = f"on {_counted(len(cases), 'case')} of {comparison.dataset}"
    if comparison.groups:
        groups = {comparison.groups[case] for case in cases if case in comparison.groups}
        on += f" in {_counted(len(groups), 'group')}, such as patients, each of which counts once, by its cases' mean"
    labels = f"{'labels' if len(comparison.labels) > 1 else 'label'}: {', '.join(comparison.labels.values())}"
    if not others:
        return f"{comparison.baseline} was scored {on} ({labels})."
    those = "was" if len(others) == 1 else "were"
    return f"{_listed(others)} {those} compared with the baseline {comparison.baseline} {on} ({labels})."


def _runs(models: Sequence[Model]) -> list[str]:
    """Seeds and folds, by model where they differ."""
    of_runs: dict[str, list[str]] = {}
    for model in models:
        of_runs.setdefault(_trained(model), []).append(model.name)
    if len(of_runs) == 1:
        told = [f"Of {'each' if len(models) > 1 else 'the'} model, {next(iter(of_runs))} were scored."]
    else:
        told = ["Scored were " + "; ".join(f"of {', '.join(names)} {runs}" for runs, names in of_runs.items()) + "."]
    if any(len(model.runs) > 1 for model in models):
        told.append("Of a case that several runs predicted, the mean over them counts once.")
    return told


def _trained(model: Model) -> str:
    seeds = sorted({seed for _, seed in model.runs if seed is not None})
    folds = sorted({fold for fold, _ in model.runs if fold is not None})
    trainings = f"{_counted(len(seeds), 'seed')} ({', '.join(map(str, seeds))})" if seeds else "no named seed"
    if not folds:
        return f"predictions of {trainings} without a named fold"
    return f"predictions of {trainings} in {_counted(len(folds), 'fold')} ({', '.join(folds)})"


def _metrics(comparison: Comparison) -> list[str]:
    """The definitions that the notes have, with the tolerance that was used."""
    begin = tuple(about for metric in METRICS.values() if (about := metric.about.partition("{")[0]))
    return [note for note in comparison.notes if note.startswith(begin)]


def _undefined(comparison: Comparison) -> list[str]:
    told = []
    for metric in METRICS:
        own = [entry for entry in comparison.summaries if entry.metric == metric and entry.label != FOREGROUND]
        undefined, runs = sum(entry.undefined for entry in own), sum(entry.runs for entry in own)
        if undefined:
            told.append(
                f"{words.name(metric)} is not defined for {numbers.whole(undefined)} of {numbers.whole(runs)} "
                "predictions of a label, where prediction or reference is empty; these are in no mean, and a "
                f"difference is over the {comparison.unit} that have a value in every run of both models."
            )
    left_out = {case for cases in comparison.left_out.values() for case in cases}
    if left_out:
        told.append(f"{_counted(len(left_out), 'case')} without a prediction of every model were left out.")
    if comparison.sensitivity:
        told.append(
            "In a sensitivity analysis each failure counts as the worst value: an undefined distance as the diagonal "
            "of the image, and a missing prediction as that and a Dice of 0 (Maier-Hein, Reinke et al., Nature Methods "
            "2024)."
        )
    return told


def _endpoint(comparison: Comparison, tests: Sequence[Test]) -> list[str]:
    label, metric = PRIMARY_ENDPOINT
    told = [
        f"The primary endpoint is the mean {METRICS[metric].heading} over the {label} labels of a case; every other "
        "label and metric is exploratory."
    ]
    if comparison.margins and any(test.verdict for test in tests):
        limits = ", ".join(
            f"{words.margin(value, name)} of {words.name(name)}" for name, value in comparison.margins.items()
        )
        why = comparison.margin_reason.rstrip(".")
        told.append(
            f"The margin of non-inferiority is {limits}{f' ({why})' if why else '; no reason was given for it'}."
        )
    return told


def _intervals(tests: Sequence[Test], unit: str) -> list[str]:
    crossed = [test.model for test in tests if test.over_seeds]
    alone = [test.model for test in tests if not test.over_seeds]
    told = []
    if crossed:
        told.append(
            f"{_of(crossed, alone)} 95 % confidence intervals of mean differences are over {unit} and seeds, crossed "
            f"and both random: two-way analysis of variance of each model's table of seeds by {unit} (one for each "
            f"fold), {unit} paired between models, with Satterthwaite's degrees of freedom (Biometrics Bulletin 1946); "
            "p values are of the same t."
        )
    if alone:
        told.append(
            f"{_of(alone, crossed)} 95 % confidence intervals of mean differences are over {unit} alone "
            f"(bias-corrected and accelerated bootstrap, Efron 1987, {numbers.whole(statistics.RESAMPLES)} resamples), "
            "p values are of a permutation of signs, and both speak of these trained networks, not of other trainings, "
            "as the model or the baseline has no second seed."
        )
    return [
        *told,
        f"p values are corrected by Holm's method (1979) over the models of a label and metric, "
        f"{numbers.whole(len(tests))} for the primary endpoint; intervals are not corrected.",
        f"Beside them stand Wilcoxon's signed-rank test (1945) of the differences of {unit}, each over its runs, and "
        "its matched-pairs rank-biserial correlation (Kerby 2014).",
    ]


def _verdicts(tests: Sequence[Test]) -> list[str]:
    if not any(test.verdict for test in tests):
        return []
    return [
        "A model is called non-inferior where the hypothesis that it is worse by the margin or more is rejected "
        "(one-sided at 2.5 %, corrected by Holm), superior where it is significantly better, too, inferior where the "
        "hypothesis that it is not worse by the margin is rejected, and otherwise inconclusive (CONSORT extension, "
        "Piaggio et al., JAMA 2012)."
    ]


def _versions(versions: Mapping[str, str]) -> str:
    return f"Computed with {', '.join(f'{_PACKAGES.get(name, name)} {version}' for name, version in versions.items())}."


def _of(these: Sequence[str], others: Sequence[str]) -> str:
    return f"For {', '.join(these)}, the" if others else "The"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _counted(number: int, noun: str) -> str:
    return f"{numbers.whole(number)} {noun}{'s' * (number != 1)}"
