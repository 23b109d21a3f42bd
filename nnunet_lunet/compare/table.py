"""The tables of a comparison: as plain rows, as Markdown, and for the terminal."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from statistics import fmean

from rich import box
from rich.table import Table as RichTable
from rich.text import Text

from nnunet_lunet import numbers
from nnunet_lunet.compare import pruning_runs, words
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import FOREGROUND, Comparison, Model, Summary, Test


@dataclass(frozen=True)
class Table:
    """Rows of text; the first column has names, the others numbers."""

    title: str
    header: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class OverRuns:
    """A mean over runs: as text, what stands below it (a remark; the lowest and the highest), and as a number."""

    text: str
    below: list[str]
    sort: float | None


def costs(comparison: Comparison) -> Table:
    """What each model is and costs."""
    header = [
        "model", "runs", "parameters", "multiply-adds", "activations", "s/epoch", "peak memory", "channels per level",
    ]  # fmt: skip
    rows = [[model.name, _runs(model), *_cost(model)] for model in comparison.models]
    if all(model.cost.network.activation_bytes is None for model in comparison.models):
        # Records of results from before they were counted.
        where = header.index("activations")
        for cells in (header, *rows):
            del cells[where]
    return Table("Models", header, rows)


def pruning(comparison: Comparison) -> Table:
    """Of each pruning model the best pseudo Dice along the way, and that of the last epoch, with the sizes there."""
    header = [
        "model", "best pseudo Dice", "parameters there", "multiply-adds there", "last pseudo Dice",
        "parameters at the end", "multiply-adds at the end",
    ]  # fmt: skip
    rows = [
        [name, *(f"{cell.text} ({'; '.join(cell.below)})" if cell.below else cell.text for cell in cells)]
        for name, cells in pruning_cells(comparison).items()
    ]
    return Table("Pruning runs: pseudo Dice, of random patches during training", header, rows)


def pruning_cells(comparison: Comparison) -> dict[str, list[OverRuns]]:
    """Row by model: pseudo Dice, parameters and multiply-adds of the best epoch, then of the last."""
    return {
        name: [*_network(found.best, _epoch(found.best)), *_network(found.last, "")]
        for name, found in pruning_runs.moments(comparison).items()
    }


def _network(moments: Sequence[pruning_runs.Moment], when: str) -> list[OverRuns]:
    dice = [moment.pseudo_dice for moment in moments if moment.pseudo_dice is not None]
    share = f"{numbers.significant(100 * fmean(moment.share for moment in moments))} %" if moments else ""
    return [
        _over_runs(dice, lambda value: words.score(value, "dice"), when),
        _over_runs([moment.parameters for moment in moments], numbers.whole, share),
        _over_runs([moment.multiply_adds for moment in moments], numbers.scaled, ""),
    ]


def _epoch(moments: Sequence[pruning_runs.Moment]) -> str:
    """``epoch 80 to 158 of 300``."""
    found, lengths = ({getattr(moment, name) for moment in moments} for name in ("epoch", "epochs"))
    if not found:
        return ""
    return f"epoch {_from_to(found, numbers.whole)} of {_from_to(lengths, numbers.whole)}"


def _over_runs(values: Sequence[float], show: Callable[[float | None], str], remark: str) -> OverRuns:
    if not values:
        return OverRuns(numbers.MISSING, [], None)
    spread = _from_to(values, show)
    below = [line for line in (remark, spread if " to " in spread else "") if line]
    return OverRuns(show(fmean(values)), below, fmean(values))


def _from_to(values: Collection[float], show: Callable[[float | None], str]) -> str:
    lowest, highest = show(min(values)), show(max(values))
    return lowest if lowest == highest else f"{lowest} to {highest}"


def scores(comparison: Comparison, metric: str) -> Table:
    """Mean ± standard deviation over cases for each label, and the spread over folds and seeds."""
    kind = METRICS[metric]
    labels = _labels(comparison)
    by_label = {(entry.model, entry.label): entry for entry in comparison.summaries if entry.metric == metric}
    rows = []
    for model in comparison.models:
        mean = by_label[model.name, FOREGROUND]
        rows.append(
            [
                model.name, *(_spread(by_label[model.name, label]) for label in labels),
                words.score(mean.over_folds, metric), words.score(mean.over_seeds, metric),
            ]
        )  # fmt: skip
    title = (
        f"{kind.heading}, {'more' if kind.more_is_better else 'less'} is better: mean ± standard deviation over cases"
    )
    return Table(title, ["model", *labels, "sd of folds", "sd of seeds"], rows)


def tests(comparison: Comparison, metric: str) -> Table:
    """Every model against the baseline."""
    margin = any(test.margin is not None for test in comparison.tests if test.metric == metric)
    header = [
        "model",
        "label",
        "cases",
        f"difference in {words.unit(metric)} [95 % CI]",
        "p",
        "p (Holm)",
        "effect size",
    ]
    rows = [
        [
            test.model, test.label, str(test.cases), _difference(test), numbers.p_value(test.p),
            numbers.p_value(test.p_holm), numbers.signed(test.effect_size, 2), *[_verdict(test)] * margin,
        ]
        for test in comparison.tests
        if test.metric == metric
    ]  # fmt: skip
    return Table(
        f"{METRICS[metric].heading}, model minus {comparison.baseline}", header + ["non-inferior"] * margin, rows
    )


def overview(comparison: Comparison) -> list[RichTable]:
    """For the terminal: parameters and foreground means, and Dice against the baseline."""
    means = {(entry.model, entry.metric): entry for entry in comparison.summaries if entry.label == FOREGROUND}
    cases = len({score.case for score in comparison.scores})
    what = "mean over foreground labels ± standard deviation over cases"
    headings = ["parameters", *(metric.heading for metric in METRICS.values())]
    scored = _rich(f"{comparison.dataset}: {cases} cases", what, headings)
    for model in comparison.models:
        # In two lines, so that the names have room in a terminal of 80 columns.
        row = (_spread(means[model.name, metric]).replace(" (", "\n(") for metric in METRICS)
        scored.add_row(Text(model.name), _cost(model)[0], *row)
    against = [test for test in comparison.tests if (test.label, test.metric) == (FOREGROUND, "dice")]
    if not against:
        return [scored]
    caption = f"points of 0.01; non-inferior: by a margin of {words.margin(against[0])}"
    headings = ["points [95 % CI]", "p (Holm)", "non-inferior"]
    tested = _rich(f"Foreground Dice, model minus {comparison.baseline}", caption, headings)
    for test in against:
        tested.add_row(Text(test.model), _difference(test), numbers.p_value(test.p_holm), _verdict(test))
    return [scored, tested]


def _rich(title: str, caption: str, numbers: Sequence[str]) -> RichTable:
    table = RichTable(title=Text(title), caption=Text(caption), box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("model", overflow="fold", min_width=12)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def markdown(comparison: Comparison) -> str:
    """The whole comparison for a reader."""
    parts = [f"# {comparison.dataset}", *_facts(comparison), _markdown(costs(comparison))]
    if comparison.pruning:
        parts += [_markdown(pruning(comparison))]
    parts += [_markdown(scores(comparison, metric)) for metric in METRICS]
    if comparison.tests:
        parts += [f"## Against {_escaped(comparison.baseline)}"]
        parts += [_markdown(tests(comparison, metric), "###") for metric in METRICS]
    parts += ["## Notes", "\n".join(f"- {_escaped(note)}" for note in comparison.notes)]
    if comparison.left_out:
        parts += [
            "## Left out",
            "Cases that a model has no prediction for and another has; they are in no mean and no test.",
        ]
        parts += ["\n".join(f"- {_escaped(name)}: {', '.join(cases)}" for name, cases in comparison.left_out.items())]
    return "\n\n".join(parts) + "\n"


def _facts(comparison: Comparison) -> list[str]:
    cases = len({score.case for score in comparison.scores})
    versions = ", ".join(f"{name} {version}" for name, version in comparison.versions.items())
    command = [f"`{comparison.command}`"] if comparison.command else []
    size = f"{cases} cases, {len(comparison.models)} models, baseline {_escaped(comparison.baseline)}."
    return [size, *command, versions]


def _markdown(table: Table, level: str = "##") -> str:
    lines = [table.header, ["---", *["---:"] * (len(table.header) - 1)], *table.rows]
    return "\n".join(
        [f"{level} {_escaped(table.title)}", "", *("| " + " | ".join(map(_escaped, line)) + " |" for line in lines)]
    )


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _labels(comparison: Comparison) -> list[str]:
    return list(dict.fromkeys(entry.label for entry in comparison.summaries))


def _runs(model: Model) -> str:
    folds = sorted({fold for fold, _ in model.runs if fold is not None})
    seeds = sorted({seed for _, seed in model.runs if seed is not None})
    told = [f"fold {', '.join(folds)}"] * bool(folds) + [f"seed {', '.join(map(str, seeds))}"] * bool(seeds)
    return "; ".join(told) or "predictions"


def _cost(model: Model) -> list[str]:
    cost, network = model.cost, model.cost.network
    channels = network.channels_per_level
    return [
        numbers.whole(network.parameters),
        numbers.scaled(network.multiply_adds),
        numbers.scaled(network.activation_bytes, "B"),
        numbers.significant(cost.seconds_per_epoch),
        numbers.scaled(cost.peak_memory, "B"),
        numbers.MISSING if channels is None else ", ".join(map(str, channels)),
    ]


def _spread(entry: Summary) -> str:
    undefined = f" ({entry.undefined} undefined)" if entry.undefined else ""
    spread = "" if entry.over_cases is None else f" ± {words.score(entry.over_cases, entry.metric)}"
    return words.score(entry.mean, entry.metric) + spread + undefined


def _difference(test: Test) -> str:
    return f"{words.difference(test.difference, test.metric)} [{words.interval(test)}]"


def _verdict(test: Test) -> str:
    return {None: numbers.MISSING, True: "yes", False: "not shown"}[test.non_inferior]
