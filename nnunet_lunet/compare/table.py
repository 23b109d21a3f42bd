"""The tables of a comparison: as plain rows, as Markdown, and for the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table as RichTable
from rich.text import Text

from nnunet_lunet import numbers
from nnunet_lunet.compare import words
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import FOREGROUND, Comparison, Model, Summary, Test


@dataclass(frozen=True)
class Table:
    """Rows of text; the first column has names, the others numbers."""

    title: str
    header: list[str]
    rows: list[list[str]]


def costs(comparison: Comparison) -> Table:
    """What each model is and costs."""
    header = ["model", "runs", "parameters", "multiply-adds", "s/epoch", "peak memory", "channels per level"]
    return Table("Models", header, [[model.name, _runs(model), *_cost(model)] for model in comparison.models])


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
