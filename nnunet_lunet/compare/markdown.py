"""A comparison as a page of Markdown."""

from nnunet_lunet.compare import table, tests_table
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import Comparison
from nnunet_lunet.compare.table import Table


def markdown(comparison: Comparison) -> str:
    """The whole comparison for a reader."""
    parts = [f"# {comparison.dataset}", *_facts(comparison), _markdown(table.costs(comparison))]
    if comparison.pruning:
        parts += [_markdown(table.pruning(comparison))]
    parts += [_markdown(table.scores(comparison, metric)) for metric in METRICS]
    if comparison.tests:
        parts += [f"## Against {_escaped(comparison.baseline)}"]
        parts += [_markdown(tests_table.tests(comparison, metric), "###") for metric in METRICS]
        parts += [_markdown(each, "###") for each in tests_table.further(comparison)]
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


def _markdown(content: Table, level: str = "##") -> str:
    lines = [content.header, ["---", *["---:"] * (len(content.header) - 1)], *content.rows]
    return "\n".join(
        [f"{level} {_escaped(content.title)}", "", *("| " + " | ".join(map(_escaped, line)) + " |" for line in lines)]
    )


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
