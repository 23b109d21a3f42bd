"""Tables of how models compare with the baseline, as plain rows."""

from nnunet_lunet import numbers
from nnunet_lunet.compare import words
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import FOREGROUND, Comparison, Sensitivity, Test
from nnunet_lunet.compare.table import Table


def tests(comparison: Comparison, metric: str) -> Table:
    """Every model against the baseline."""
    header = [
        "model", "label", comparison.unit, "seeds", f"difference in {words.unit(metric)} [95 % CI]", "p", "p (Holm)",
        "p (ranks)", "effect size", "wins, ties, losses", "verdict",
    ]  # fmt: skip
    rows = [
        [
            test.model, test.label, str(test.cases), seeds(test), difference(test), numbers.p_value(test.p),
            numbers.p_value(test.p_holm), numbers.p_value(test.p_rank), numbers.signed(test.effect_size, 2),
            f"{test.wins}, {test.ties}, {test.losses}", words.short_verdict(test),
        ]
        for test in comparison.tests
        if test.metric == metric
    ]  # fmt: skip
    limit = comparison.margins.get(metric)
    margin = f", margin {words.margin(limit, metric)}" if limit is not None else ""
    return Table(f"{METRICS[metric].heading}, model minus {comparison.baseline}{margin}", header, rows)


def further(comparison: Comparison) -> list[Table]:
    """What the differences vary by, and what failures would do; those that have rows."""
    return [table for table in (sources(comparison), sensitivity(comparison)) if table.rows]


def sources(comparison: Comparison) -> Table:
    """Of the means over labels: where the variance of each difference is from, and what more of each would bring."""
    header = [
        "model", "metric", comparison.unit, "seeds", "rest", "degrees of freedom", "half of the interval",
        "twice the seeds", f"twice the {comparison.unit}",
    ]  # fmt: skip
    rows = [
        [
            test.model, words.name(test.metric), *words.sources(test), numbers.fixed(test.df, 1), *halves(test),
        ]
        for test in comparison.tests
        if test.over_seeds and test.label == FOREGROUND
    ]  # fmt: skip
    return Table(
        f"What the differences vary by, and what more seeds or more {comparison.unit} would bring", header, rows
    )


def halves(test: Test) -> list[str]:
    """Half of the interval as it is, with twice the seeds, and with twice the cases; with the unit."""
    widths = ((test.high - test.low) / 2, test.half_width_twice_seeds, test.half_width_twice_cases)
    return [f"{words.half_width(width, test.metric)} {words.unit(test.metric)}" for width in widths]


def sensitivity(comparison: Comparison) -> Table:
    """Each failure as the worst value: rows of the means over labels."""
    header = ["model", "metric", "undefined", "missing", "mean", "difference [95 % CI]"]
    rows = [
        [
            row.model, words.name(row.metric), f"{row.undefined} of {row.runs} runs",
            f"{row.missing} of {row.runs} runs", words.score(row.mean, row.metric), worst_difference(row),
        ]
        for row in comparison.sensitivity
        if row.label == FOREGROUND
    ]  # fmt: skip
    return Table("If each failure were the worst value", header, rows)


def worst_difference(row: Sensitivity) -> str:
    """``−1.2 [−2.0 to −0.4] points``; of the baseline nothing."""
    if row.difference is None:
        return numbers.MISSING
    mean, low, high = (words.difference(value, row.metric) for value in (row.difference, row.low, row.high))
    return f"{mean} [{low} to {high}] {words.unit(row.metric)}"


def difference(test: Test) -> str:
    """``−0.7 [−1.0 to −0.4]``."""
    return f"{words.mean_difference(test)} [{words.interval(test)}]"


def seeds(test: Test) -> str:
    """Of the model, and of the baseline where it has another number."""
    same = test.seeds == test.baseline_seeds
    return str(test.seeds) if same else f"{test.seeds} against {test.baseline_seeds}"
