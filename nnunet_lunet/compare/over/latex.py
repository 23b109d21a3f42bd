"""Tables for a paper: LaTeX with booktabs."""

from collections.abc import Iterable, Sequence

from nnunet_lunet.compare import words
from nnunet_lunet.compare.latex import escaped
from nnunet_lunet.compare.over import table
from nnunet_lunet.compare.over.record import Cell, OverDatasets
from nnunet_lunet.compare.record import PRIMARY_ENDPOINT, Verdict

#: After a difference.
_MARKS = {Verdict.SUPERIOR: "s", Verdict.NON_INFERIOR: "n", Verdict.INFERIOR: "i", Verdict.INCONCLUSIVE: ""}


def latex(over: OverDatasets) -> str:
    """Two tables: differences by data set with what they are over all, and ranks. They need ``booktabs`` alone."""
    return "\n".join(["% \\usepackage{booktabs}", _differences(over), *([_ranks(over)] if over.overall else [])])


def _differences(over: OverDatasets) -> str:
    cells = table.by_place(over)
    header = ["Model", *over.datasets, "Mean", "Non-inferior"]
    lines = [_row(header)]
    for model in (name for name in over.models if name != over.baseline):
        of_model = [cells[model, dataset] for dataset in over.datasets]
        middle, bracket, interval = table.mean_text(over.means.get(model)).partition("[")
        lines += [
            _joined(
                [
                    escaped(model),
                    *(_difference(cell, over) for cell in of_model),
                    escaped(middle.strip()),
                    escaped(table.count_texts(over.counts[model])[0]),
                ]
            ),
            _joined(["", *(_interval(cell) for cell in of_model), _small(escaped(bracket + interval)), ""]),
        ]
    margin = "" if over.margin is None else f" at a margin of {words.margin(over.margin, PRIMARY_ENDPOINT[1])}"
    caption = (
        f"Mean foreground Dice, difference to {over.baseline} in {words.unit(PRIMARY_ENDPOINT[1])} of 0.01 "
        f"[95 % confidence interval]. s: superior, n: non-inferior, i: inferior{margin}, p corrected by Holm over the "
        "models of each data set. Mean: over data sets, each once; its interval is Student's t over data sets."
    )
    return _table(caption, "tab:differences", len(header), lines)


def _difference(cell: Cell, over: OverDatasets) -> str:
    if cell.test is None:
        return escaped(table.absent(cell, over))
    mark = _MARKS[cell.test.verdict] if cell.test.verdict is not None else ""
    return escaped(words.mean_difference(cell.test)) + (f"$^{{\\mathrm{{{mark}}}}}$" if mark else "")


def _interval(cell: Cell) -> str:
    return _small(escaped(f"[{words.interval(cell.test)}]")) if cell.test else ""


def _small(text: str) -> str:
    return f"{{\\scriptsize {text}}}" if text else ""


def _ranks(over: OverDatasets) -> str:
    found = table.ranks(over)
    caption = (
        "Ranks by mean foreground Dice, and the share of resamples that have the same; mean rank over data sets with "
        "the middle 95 % of the resamples."
    )
    return _table(caption, "tab:ranks", len(found.header), [_row(found.header), *map(_row, found.rows)])


def _table(caption: str, label: str, columns: int, lines: Sequence[str]) -> str:
    """:param lines: the first is the header"""
    first, *others = lines
    return "\n".join(
        [
            "\\begin{table}", "\\centering", f"\\caption{{{escaped(caption)}}}", f"\\label{{{label}}}",
            f"\\begin{{tabular}}{{l{'r' * (columns - 1)}}}", "\\toprule", first, "\\midrule", *others, "\\bottomrule",
            "\\end{tabular}", "\\end{table}", "",
        ]
    )  # fmt: skip


def _row(cells: Iterable[str]) -> str:
    return _joined(map(escaped, cells))


def _joined(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
