"""A comparison as a page of Markdown."""

from nnunet_lunet.compare import table, tests_table
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import Comparison
from nnunet_lunet.compare.table import Table


def markdown(comparison: Comparison) -> str:
    """The whole comparison for a reader."""
    parts = [f"# {comparison.dataset}", *_facts(comparison), of_table(table.costs(comparison))]
    if comparison.pruning:
        parts += [of_table(table.pruning(comparison))]
    parts += [of_table(table.scores(comparison, metric)) for metric in METRICS]
    if comparison.tests:
        parts += [f"## Against {escaped(comparison.baseline)}"]
        parts += [of_table(tests_table.tests(comparison, metric), "###") for metric in METRICS]
        parts += [of_table(each, "###") for each in tests_table.further(comparison)]
    parts += ["## Notes", "\n".join(f"- {escaped(note)}" for note in comparison.notes)]
    if comparison.left_out:
        parts += [
            "## Left out",
            "Cases that a model has no prediction for and another has; they are in no mean and no test.",
        ]
        parts += ["\n".join(f"- {escaped(name)}: {', '.join(cases)}" for name, cases in comparison.left_out.items())]
    return "\n\n".join(parts) + "\n"


def _facts(comparison: Comparison) -> list[str]:
    cases = len({score.case for score in comparison.scores})
    versions = ", ".join(f"{name} {version}" for name, version in comparison.versions.items())
    command = [f"`{comparison.command}`"] if comparison.command else []
    size = f"{cases} cases, {len(comparison.models)} models, baseline {escaped(comparison.baseline)}."
    return [size, *command, versions]


def of_table(content: Table, level: str = "##") -> str:
    """A table under its title."""
    lines = [content.header, ["---", *["---:"] * (len(content.header) - 1)], *content.rows]
    return "\n".join(
        [f"{level} {escaped(content.title)}", "", *("| " + " | ".join(map(escaped, line)) + " |" for line in lines)]
    )


def escaped(text: str) -> str:
    """In one line, without what Markdown would take for a cell's end or a tag."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
