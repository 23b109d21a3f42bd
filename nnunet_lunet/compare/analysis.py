"""From scores to means and tests."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from nnunet_lunet.compare import statistics
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import FOREGROUND, Score, Summary, Test

#: The metric that the margin of non-inferiority is of.
MARGIN_OF = next(iter(METRICS))


def summaries(scores: Sequence[Score]) -> list[Summary]:
    """One for each model, label and metric."""
    return [
        Summary(model, label, metric, **vars(statistics.spread(_values(group, metric))))
        for model, groups in _grouped(scores).items()
        for label, group in groups.items()
        for metric in METRICS
    ]


def tests(scores: Sequence[Score], baseline: str, margin: float) -> tuple[list[Test], list[str]]:
    """Each other model against the baseline, for each label and metric; and notes on those that are not possible.

    :param margin: of non-inferiority, in Dice (0.01 is 1 Dice point)
    """
    found: list[Test] = []
    impossible: dict[tuple[str, str], list[str]] = {}
    others = _grouped(scores)
    own = others.pop(baseline)
    for label in own:
        for metric in METRICS:
            of_baseline = statistics.case_means(_values(own[label], metric))
            family = []
            for model, groups in others.items():
                pairs = statistics.paired(statistics.case_means(_values(groups[label], metric)), of_baseline)
                if pairs is None:
                    impossible.setdefault((model, metric), []).append(label)
                else:
                    family.append(_test(pairs, model, baseline, label, metric, margin))
            corrected = statistics.holm([test.p for test in family if test.p is not None])
            found += [replace(test, p_holm=p) for test, p in zip(family, corrected, strict=True)]
    notes = [
        f"No test of {METRICS[metric].heading} for {model} ({', '.join(labels)}): fewer than 2 cases have a value."
        for (model, metric), labels in impossible.items()
    ]
    return found, notes


def hardest(scores: Sequence[Score], number: int) -> list[str]:
    """Cases with the lowest mean foreground Dice over all models, lowest first."""
    foreground = [score for score in scores if score.label == FOREGROUND]
    means = statistics.case_means(_values(foreground, MARGIN_OF))
    return sorted(means, key=lambda case: (means[case], case))[:number]


def _test(pairs: statistics.Paired, model: str, baseline: str, label: str, metric: str, margin: float) -> Test:
    limit = margin if metric == MARGIN_OF else None
    return Test(
        model, baseline, label, metric, pairs.cases, pairs.difference, pairs.low, pairs.high, pairs.p, None,
        pairs.effect_size, limit, None if limit is None else pairs.low > -limit,
    )  # fmt: skip


def _grouped(scores: Iterable[Score]) -> dict[str, dict[str, list[Score]]]:
    """Scores by model, then by label."""
    groups: dict[str, dict[str, list[Score]]] = {}
    for score in scores:
        groups.setdefault(score.model, {}).setdefault(score.label, []).append(score)
    return groups


def _values(scores: Iterable[Score], metric: str) -> list[statistics.Value]:
    return [statistics.Value(score.case, score.fold, score.seed, score.values[metric]) for score in scores]
