"""What several data sets show, as plain rows."""

from nnunet_lunet import numbers
from nnunet_lunet.compare import tests_table, words
from nnunet_lunet.compare.over.record import Cell, Count, Mean, OverDatasets, Rank, Ranking
from nnunet_lunet.compare.record import PRIMARY_ENDPOINT
from nnunet_lunet.compare.table import Table

_METRIC = PRIMARY_ENDPOINT[1]


def tables(over: OverDatasets) -> list[Table]:
    """Those that have rows."""
    return [table for table in (differences(over), summary(over), ranks(over), stability(over)) if table.rows]


def differences(over: OverDatasets) -> Table:
    """Models by data sets."""
    cells = by_place(over)
    rows = [
        [model, *(cell_text(cells[model, dataset], over) for dataset in over.datasets)]
        for model in over.models
        if model != over.baseline
    ]
    unit = words.unit(_METRIC)
    return Table(
        f"Mean foreground Dice, model minus {over.baseline}, {unit} [95 % CI]", ["model", *over.datasets], rows
    )


def summary(over: OverDatasets) -> Table:
    """A row a model: over data sets."""
    header = ["model", "data sets", "mean difference [95 % CI]", "sd over data sets", "non-inferior", "over all"]
    rows = []
    for model in over.models:
        if model != over.baseline:
            mean = over.means.get(model)
            rows.append(
                [model, present(over, model), mean_text(mean), deviation(mean), *count_texts(over.counts[model])]
            )
    return Table(f"Over data sets, {words.unit(_METRIC)}", header, rows)


def ranks(over: OverDatasets) -> Table:
    """A row a ranked model: its rank in each data set, with the share of resamples that have it; the mean rank."""
    if over.overall is None:
        return Table("Ranks", [], [])
    header = ["model", *over.datasets, "mean rank [95 %]", "rank of the mean"]
    rows = [
        [
            rank.model, *(rank_text(found_rank(over.rankings[dataset], rank.model)) for dataset in over.datasets),
            mean_rank(rank), rank_text(rank),
        ]
        for rank in over.overall.ranks
    ]  # fmt: skip
    return Table("Ranks, and in how many resamples they are the same", header, rows)


def stability(over: OverDatasets) -> Table:
    """A row a data set: Kendall's tau of its ranking and the resamples'."""
    if over.overall is None:
        return Table("How stable the ranking is", [], [])
    header = ["data set", "cases or groups", "resampled over", "mean tau [95 %]"]
    rows = [
        [name, str(ranking.units), "cases and seeds" if ranking.over_seeds else "cases", tau(ranking)]
        for name, ranking in {**over.rankings, "over data sets": over.overall}.items()
    ]
    return Table("How stable the ranking is: Kendall's tau", header, rows)


def by_place(over: OverDatasets) -> dict[tuple[str, str], Cell]:
    """By model and data set."""
    return {(cell.model, cell.dataset): cell for cell in over.cells}


def cell_text(cell: Cell, over: OverDatasets) -> str:
    """``−0.7 [−1.0 to −0.4], non-inferior``."""
    if cell.test is None:
        return absent(cell, over)
    return f"{tests_table.difference(cell.test)}, {words.short_verdict(cell.test)}"


def absent(cell: Cell, over: OverDatasets) -> str:
    """Why there is no difference."""
    return "missing" if cell.dataset in over.missing.get(cell.model, []) else "not tested"


def present(over: OverDatasets, model: str) -> str:
    """``3 of 4``."""
    return f"{len(over.datasets) - len(over.missing.get(model, []))} of {len(over.datasets)}"


def mean_text(mean: Mean | None) -> str:
    """``−0.3 [−0.9 to +0.3]``; without an interval the mean alone, and nothing of a model that a data set lacks."""
    if mean is None:
        return numbers.MISSING
    middle, low, high = (words.difference(value, _METRIC) for value in (mean.mean, mean.low, mean.high))
    return middle if mean.low is None else f"{middle} [{low} to {high}]"


def deviation(mean: Mean | None) -> str:
    """Without a sign."""
    return words.difference(None if mean is None else mean.deviation, _METRIC).lstrip("+")


def count_texts(count: Count) -> list[str]:
    """By the data sets' own verdicts, and corrected over all."""
    if not count.verdicts:
        return ["no verdicts", numbers.MISSING]
    return [f"{count.non_inferior} of {count.verdicts}", f"{count.corrected} of {count.verdicts}"]


def found_rank(ranking: Ranking, model: str) -> Rank:
    """The rank of a model that is ranked."""
    return next(rank for rank in ranking.ranks if rank.model == model)


def rank_text(rank: Rank) -> str:
    """``2 (87 %)``."""
    return f"{rank.rank} ({share(rank.frequencies[rank.rank - 1])})"


def share(frequency: float) -> str:
    """In per cent; 100 % is all, and 0 % none."""
    if 0 < frequency < 1:
        return f"{min(max(round(100 * frequency), 1), 99)} %"
    return f"{100 * frequency:.0f} %"


def mean_rank(rank: Rank) -> str:
    """``1.7 [1.3 to 2.3]``."""
    middle, low, high = (numbers.fixed(value, 1) for value in (rank.value, rank.low, rank.high))
    return f"{middle} [{low} to {high}]"


def tau(ranking: Ranking) -> str:
    """``0.87 [0.33 to 1.00]``."""
    if ranking.tau is None:
        return numbers.MISSING
    middle, low, high = (numbers.fixed(value, 2) for value in ranking.tau)
    return f"{middle} [{low} to {high}]"
