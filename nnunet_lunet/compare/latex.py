"""The main table of a comparison in LaTeX, for a paper (packages booktabs and graphicx)."""

from collections.abc import Sequence

from nnunet_lunet import numbers
from nnunet_lunet.compare import table, tests_table, words
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import FOREGROUND, Comparison, Test

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"{\char34}", "−": r"$-$", "–": "--", "±": r"$\pm$", "×": r"$\times$",
    "…": r"\dots{}", "’": "'", "\u00a0": "~",
}  # fmt: skip


def escaped(text: str) -> str:
    """Text as LaTeX prints it: special characters escaped, signs of numbers as mathematics."""
    return "".join(_SPECIAL.get(character, character) for character in " ".join(text.split()))


def latex(comparison: Comparison) -> str:
    """A row a model: parameters, foreground means, and against the baseline Dice, p and the verdict."""
    tests = {test.model: test for test in words.main_tests(comparison)}
    means = {(entry.model, entry.metric): entry for entry in comparison.summaries if entry.label == FOREGROUND}
    headings = ["Model", "Parameters", *(metric.heading for metric in METRICS.values())]
    headings += ["Difference [95 % CI]", "p (Holm)", "Verdict"] * bool(tests)
    rows = [
        [
            model.name, numbers.scaled(model.cost.network.parameters),
            *(table.spread(means[model.name, metric]) for metric in METRICS),
            *(_against(tests.get(model.name)) if tests else []),
        ]
        for model in comparison.models
    ]  # fmt: skip
    lines = [
        r"% \usepackage{booktabs, graphicx}",
        r"\begin{table}",
        rf"\caption{{{escaped(caption(comparison))}}}",
        r"\centering",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{l{'r' * (len(headings) - 1 - bool(tests))}{'l' * bool(tests)}}}",
        r"\toprule",
        _row(headings),
        r"\midrule",
        *map(_row, rows),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def caption(comparison: Comparison) -> str:
    """What the columns are, in this comparison."""
    cases = len({score.case for score in comparison.scores})
    tests = words.main_tests(comparison)
    told = [
        f"{comparison.dataset}, {cases} cases: mean over foreground labels ± standard deviation over {comparison.unit}."
    ]
    if tests:
        told.append(
            f"Difference: Dice of the model minus that of {comparison.baseline}, in points of 0.01, over "
            f"{_listed({words.over(test) for test in tests})}; p corrected by Holm over {len(tests)} "
            f"{'model' if len(tests) == 1 else 'models'}."
        )
    limits = {words.margin(test.margin, test.metric) for test in tests if test.verdict and test.margin}
    if limits:
        told.append(f"Verdicts at a margin of {_listed(limits)}.")
    if not all(test.over_seeds for test in tests):
        told.append("These networks: over cases alone, training again would give others.")
    return " ".join(told)


def _against(test: Test | None) -> list[str]:
    if test is None:
        return [numbers.MISSING] * 3
    return [tests_table.difference(test), numbers.p_value(test.p_holm), words.short_verdict(test)]


def _listed(texts: set[str]) -> str:
    return " or ".join(sorted(texts))


def _row(cells: Sequence[str]) -> str:
    return " & ".join(map(escaped, cells)) + r" \\"
