"""What a comparison would say if each failure counted as the worst value that there is.

A distance is not defined where the prediction is empty, and a mean over the other cases forgets the failure. As
*Metrics Reloaded* advises (Maier-Hein, Reinke et al., Nature Methods 2024), it counts here as the largest distance
possible, the diagonal of the image; a prediction that is missing counts as Dice 0 and that distance.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from nnunet_lunet.compare import analysis, scoring
from nnunet_lunet.compare.metrics import BOTH_EMPTY, METRICS, REFERENCE_EMPTY
from nnunet_lunet.compare.record import FOREGROUND, Score, Sensitivity

_MISSING = "prediction is missing"


def sensitivity(
    scores: Sequence[Score],
    left_out: Sequence[Score],
    diagonals: Mapping[str, float],
    baseline: str,
    groups: Mapping[str, str] | None = None,
) -> list[Sensitivity]:
    """For each metric that any model failed in, a row for each model and label.

    :param left_out: scores of cases that some models lack
    :param diagonals: of the image of each case, mm; a metric that needs one that is not there is left out
    :param groups: of each case; without: every case is its own
    """
    every = [score for score in (*scores, *left_out) if score.label != FOREGROUND]
    labelled = [*every, *_missing(every)]
    counts = _counts(labelled)
    # Of both empty, no metric is defined, and nothing failed.
    complete = [_with_worst(score, diagonals) for score in labelled]
    known = [
        metric
        for metric in METRICS
        if any(undefined + missing for (*_, of), (_, undefined, missing) in counts.items() if of == metric)
        and all(score.values[metric] is not None for score in complete if score.note != BOTH_EMPTY)
    ]
    if not known:
        return []
    complete += _foreground(complete)
    tests = {(test.model, test.label, test.metric): test for test in analysis.tests(complete, baseline, {}, groups)[0]}
    rows = []
    for entry in analysis.summaries(complete, groups):
        key = (entry.model, entry.label, entry.metric)
        if entry.metric in known:
            test = tests.get(key)
            against = (None, None, None) if test is None else (test.difference, test.low, test.high)
            rows.append(Sensitivity(*key, *counts[key], entry.mean, *against))
    return rows


def is_incomplete(scores: Sequence[Score], diagonals: Mapping[str, float]) -> bool:
    """Whether a distance is undefined and nobody knows how large its image is."""
    return any(
        score.label != FOREGROUND and score.case not in diagonals and score.note != BOTH_EMPTY
        for score in scores
        if None in score.values.values()
    )


def _missing(scores: Sequence[Score]) -> Iterator[Score]:
    """A score without values for each label and seed of a case that another model, or another seed, has."""
    references = {(score.case, score.label): score for score in scores}
    empty = {
        (score.case, score.label) for score in scores if score.note in (BOTH_EMPTY, REFERENCE_EMPTY)
    }  # fmt: skip
    have = {(score.model, score.seed, score.case) for score in scores}
    folds = {(score.model, score.seed, score.fold): None for score in scores}
    of_case: dict[str, list[str | None]] = {}
    for score in scores:
        of_case.setdefault(score.case, []).append(score.fold)
    for model, seed in dict.fromkeys((model, seed) for model, seed, _ in folds):
        own = [fold for *of, fold in folds if of == [model, seed]]
        for case, label in references:
            if (model, seed, case) not in have:
                fold = next((fold for fold in of_case[case] if fold in own), own[0])
                note = BOTH_EMPTY if (case, label) in empty else _MISSING
                yield Score(model, fold, seed, case, label, dict.fromkeys(METRICS), note)


def _with_worst(score: Score, diagonals: Mapping[str, float]) -> Score:
    if score.note == BOTH_EMPTY:
        return score
    worst = {
        name: diagonals.get(score.case) if metric.if_one_is_empty is None else metric.if_one_is_empty
        for name, metric in METRICS.items()
    }
    values = {name: worst[name] if value is None else value for name, value in score.values.items()}
    return replace(score, values=values)


def _foreground(scores: Sequence[Score]) -> list[Score]:
    of_case: dict[tuple[str, str | None, int | None, str], list[Score]] = {}
    for score in scores:
        of_case.setdefault((score.model, score.fold, score.seed, score.case), []).append(score)
    return [scoring.foreground(labels) for labels in of_case.values()]


def _counts(scores: Sequence[Score]) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """Runs, undefined, missing, by model, label and metric; of the mean over labels, a run fails with any label."""
    runs: dict[tuple[str, str], dict[tuple[str | None, int | None, str], list[Score]]] = {}
    for score in scores:
        for label in (score.label, FOREGROUND):
            of_run = runs.setdefault((score.model, label), {})
            of_run.setdefault((score.fold, score.seed, score.case), []).append(score)
    return {
        (*key, metric): (
            len(of_run),
            sum(any(_is_undefined(score, metric) for score in labels) for labels in of_run.values()),
            sum(any(score.note == _MISSING for score in labels) for labels in of_run.values()),
        )
        for key, of_run in runs.items()
        for metric in METRICS
    }


def _is_undefined(score: Score, metric: str) -> bool:
    return score.values[metric] is None and score.note not in (BOTH_EMPTY, _MISSING)
