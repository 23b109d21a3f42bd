"""What the terminal shows of a comparison."""

from collections.abc import Sequence

from rich import box
from rich.table import Table as RichTable
from rich.text import Text

from nnunet_lunet import numbers
from nnunet_lunet.compare import table, tests_table, words
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import FOREGROUND, Comparison


def overview(comparison: Comparison) -> list[RichTable]:
    """For the terminal: parameters and foreground means, and Dice against the baseline."""
    means = {(entry.model, entry.metric): entry for entry in comparison.summaries if entry.label == FOREGROUND}
    names = {score.case for score in comparison.scores}
    size = f"{len(names)} cases"
    if comparison.groups:
        size += f" in {len({comparison.groups[name] for name in names})} groups"
    what = f"mean over foreground labels ± standard deviation over {comparison.unit}"
    headings = ["parameters", *(metric.heading for metric in METRICS.values())]
    scored = _rich(f"{comparison.dataset}: {size}", what, headings)
    for model in comparison.models:
        # In several lines, so that the names have room in a terminal of 80 columns.
        row = (
            table.spread(means[model.name, metric]).replace(" (", "\n(").replace(" un", "\nun") for metric in METRICS
        )
        scored.add_row(Text(model.name), numbers.whole(model.cost.network.parameters), *row)
    against = words.main_tests(comparison)
    if not against:
        return [scored]
    limits = {words.margin(test.margin, test.metric) for test in against if test.verdict and test.margin}
    caption = "; ".join(["points of 0.01", *(f"margin {limit}" for limit in limits)])
    if not all(test.over_seeds for test in against):
        caption += f"; (these networks): over {comparison.unit} alone, training again would give others"
    headings = ["points [95 % CI]", "p (Holm)", "verdict"]
    tested = _rich(f"Foreground Dice, model minus {comparison.baseline}", caption, headings)
    for test in against:
        tested.add_row(
            Text(test.model),
            tests_table.difference(test),
            numbers.p_value(test.p_holm),
            words.short_verdict(test).replace(" (", "\n("),
        )
    return [scored, tested]


def _rich(title: str, caption: str, numbers: Sequence[str]) -> RichTable:
    table = RichTable(title=Text(title), caption=Text(caption), box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("model", overflow="fold", min_width=12)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
