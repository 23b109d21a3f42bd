"""From the comparisons of several data sets to what they show together."""

from collections.abc import Mapping, Sequence

from nnunet_lunet.compare.over import matching, notes, pooled, ranks
from nnunet_lunet.compare.over.matching import Matched
from nnunet_lunet.compare.over.record import Cell, OverDatasets, Ranking
from nnunet_lunet.compare.record import PRIMARY_ENDPOINT, Comparison


def over_datasets(
    comparisons: Mapping[str, Comparison],
    *,
    said: Sequence[str] = (),
    command: str = "",
    pages: Mapping[str, str] | None = None,
) -> OverDatasets:
    """Differences, means, counts and ranks, of the primary endpoint.

    :param comparisons: by data set, as it is to be called
    :param said: notes that are known already
    :param pages: by data set its page, relative to where this is written
    :raises UserError: they cannot be put together (:func:`nnunet_lunet.compare.over.matching.match`), or a data set has
        too few cases to rank
    """
    matched = matching.match(comparisons)
    cells = _cells(comparisons, matched)
    datasets = list(comparisons)
    missing = {
        name: lacking
        for name, own in matched.names.items()
        if (lacking := [dataset for dataset in datasets if dataset not in own])
    }
    everywhere = [name for name in matched.names if name not in missing]
    rankings, overall = _rankings(comparisons, matched, everywhere)
    tests = {
        name: [cell.test for cell in cells if cell.model == name and cell.test is not None]
        for name in matched.names
        if name != matched.baseline
    }
    margin = next(iter(comparisons.values())).margins.get(PRIMARY_ENDPOINT[1])
    found = OverDatasets(
        datasets=datasets,
        baseline=matched.baseline,
        models=list(matched.names),
        configurations={
            dataset: _configurations(dataset, comparison, matched) for dataset, comparison in comparisons.items()
        },
        missing=missing,
        cells=cells,
        means={
            name: pooled.mean([test.difference for test in of_model])
            for name, of_model in tests.items()
            if name in everywhere and len(of_model) == len(datasets)
        },
        counts=pooled.counts(tests),
        rankings=rankings,
        overall=overall,
        margin=margin,
        margin_reasons=list(dict.fromkeys(each.margin_reason for each in comparisons.values() if each.margin_reason)),
        command=command,
        versions=next(iter(comparisons.values())).versions,
        pages=dict(pages or {}),
    )
    return notes.noted(found, comparisons, said)


def _cells(comparisons: Mapping[str, Comparison], matched: Matched) -> list[Cell]:
    cells = []
    for name, own in matched.names.items():
        for dataset, comparison in comparisons.items():
            tests = {test.model: test for test in comparison.tests if test.is_primary}
            cells.append(Cell(dataset, name, tests.get(own[dataset]) if dataset in own else None))
    return cells


def _configurations(dataset: str, comparison: Comparison, matched: Matched) -> dict[str, str]:
    known = {model.name: model.configuration for model in comparison.models}
    return {
        name: configuration
        for name, own in matched.names.items()
        if (configuration := known.get(own.get(dataset, ""))) is not None
    }


def _rankings(
    comparisons: Mapping[str, Comparison], matched: Matched, everywhere: Sequence[str]
) -> tuple[dict[str, Ranking], Ranking | None]:
    if len(everywhere) < 2:
        return {}, None
    samples = {
        dataset: ranks.sample(dataset, comparison, [matched.names[name][dataset] for name in everywhere])
        for dataset, comparison in comparisons.items()
    }
    return ranks.rankings(samples, everywhere)
