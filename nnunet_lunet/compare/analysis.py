"""From scores to means, tests and verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from nnunet_lunet.compare import paired, statistics
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.paired import Paired
from nnunet_lunet.compare.record import FOREGROUND, PRIMARY_ENDPOINT, Score, Summary, Test, Verdict, unit


def summaries(scores: Sequence[Score], groups: Mapping[str, str] | None = None) -> list[Summary]:
    """One for each model, label and metric.

    :param groups: of each case; without: every case is its own
    """
    return [
        Summary(model, label, metric, **vars(statistics.spread(_values(group, metric), groups)))
        for model, labels in _grouped(scores).items()
        for label, group in labels.items()
        for metric in METRICS
    ]


def tests(
    scores: Sequence[Score],
    baseline: str,
    margins: Mapping[str, float],
    groups: Mapping[str, str] | None = None,
) -> tuple[list[Test], list[str]]:
    """Each other model against the baseline, for each label and metric; and notes on those that are not possible.

    :param margins: of non-inferiority by metric, in its own unit (Dice: 0.01 is 1 point)
    :param groups: of each case; without: every case is its own
    """
    found: list[Test] = []
    impossible: dict[tuple[str, str], list[str]] = {}
    others = _grouped(scores)
    own = others.pop(baseline)
    over = unit(groups)
    for label in own:
        for metric in METRICS:
            of_baseline = _values(own[label], metric)
            family = []
            for model, labels in others.items():
                pairs = paired.compare(_values(labels[label], metric), of_baseline, groups)
                if pairs is None:
                    impossible.setdefault((model, metric), []).append(label)
                else:
                    test = _test(pairs, model, baseline, label, metric, margins.get(metric))
                    family.append(replace(test, unit=over))
            found += _corrected(family)
    notes = [
        f"No test of {METRICS[metric].heading} for {model} ({', '.join(labels)}): fewer than 2 {over} have a value in "
        "every run of both."
        for (model, metric), labels in impossible.items()
    ]
    return found, notes


def hardest(scores: Sequence[Score], number: int) -> list[str]:
    """Cases with the lowest mean foreground Dice over all models, lowest first."""
    foreground = [score for score in scores if score.label == FOREGROUND]
    means = statistics.case_means(_values(foreground, PRIMARY_ENDPOINT[1]))
    return sorted(means, key=lambda case: (means[case], case))[:number]


def _test(pairs: Paired, model: str, baseline: str, label: str, metric: str, margin: float | None) -> Test:
    """Without what takes all models of a family to say."""
    more = METRICS[metric].more_is_better
    wins, losses = (pairs.higher, pairs.lower) if more else (pairs.lower, pairs.higher)
    test = Test(
        model, baseline, label, metric, pairs.cases, *pairs.seeds, pairs.difference, pairs.low, pairs.high, pairs.p,
        None, pairs.p_rank, pairs.effect_size, wins, pairs.ties, losses, margin,
    )  # fmt: skip
    if (found := pairs.crossed) is None:
        return test
    p_margin = None
    if margin is not None:
        # Of a distance, worse by the margin is more by the margin.
        p_margin = float(found.p_above(-margin) if more else 1 - found.p_above(margin))
    return replace(
        test, p_margin=p_margin, df=float(found.df), variance_cases=float(found.sources.cases),
        variance_seeds=float(found.sources.seeds), variance_rest=float(found.sources.rest),
        half_width_twice_seeds=float(found.twice_seeds), half_width_twice_cases=float(found.twice_cases),
    )  # fmt: skip


def _corrected(family: Sequence[Test]) -> list[Test]:
    """With p corrected for the number of models, and the verdicts that these allow.

    Of the margin, both directions are corrected: that a model is not worse by it, and that it is.
    """
    p_holm = statistics.holm([test.p for test in family if test.p is not None])
    found = [replace(test, p_holm=p) for test, p in zip(family, p_holm, strict=True)]
    against = {test.model: test.p_margin for test in found if test.p_margin is not None}
    within = dict(zip(against, statistics.holm(list(against.values())), strict=True))
    beyond = dict(zip(against, statistics.holm([1 - p for p in against.values()]), strict=True))
    return [
        replace(
            test,
            p_margin_holm=within[test.model],
            verdict=_verdict(test, within[test.model], beyond[test.model], test.p_holm),
            verdict_alone=_verdict(test, against[test.model], 1 - against[test.model], test.p),
        )
        if test.model in against
        else test
        for test in found
    ]


def _verdict(test: Test, within: float, beyond: float, p: float | None) -> Verdict:
    """:param within: one-sided p of being worse by the margin or more; ``beyond``: of not being so; ``p``: of 0"""
    level = statistics.ALPHA / 2
    if within < level:
        better = (test.difference > 0) == METRICS[test.metric].more_is_better
        is_different = p is not None and p < statistics.ALPHA
        return Verdict.SUPERIOR if better and is_different else Verdict.NON_INFERIOR
    return Verdict.INFERIOR if beyond < level else Verdict.INCONCLUSIVE


def _grouped(scores: Iterable[Score]) -> dict[str, dict[str, list[Score]]]:
    """Scores by model, then by label."""
    groups: dict[str, dict[str, list[Score]]] = {}
    for score in scores:
        groups.setdefault(score.model, {}).setdefault(score.label, []).append(score)
    return groups


def _values(scores: Iterable[Score], metric: str) -> list[statistics.Value]:
    return [statistics.Value(score.case, score.fold, score.seed, score.values[metric]) for score in scores]
