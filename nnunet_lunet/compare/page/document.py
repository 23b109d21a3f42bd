"""The HTML page of a comparison: one file, nothing else needed to view it."""

from collections.abc import Mapping
from typing import IO

from markupsafe import Markup
from matplotlib.figure import Figure

from nnunet_lunet import numbers
from nnunet_lunet.compare import files, latex, methods, table, tests_table, words, worst
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.page import captions, cases, marks, panels, parts, sections
from nnunet_lunet.compare.page import figures as drawings
from nnunet_lunet.compare.record import FOREGROUND, Comparison
from nnunet_lunet.pictures import slices

#: With more rows than this in the table of scores, those of single labels are folded up; printing unfolds them.
_ROWS = 40
#: So many cases are listed; the others are folded up.
_CASES = 20
#: Of so many values with the same note the case is named.
_NAMED = 100


def write(comparison: Comparison, file: IO[bytes], drawn: Mapping[str, Figure] | None = None) -> None:
    """Write the page as UTF-8. It loads nothing, and its own content security policy forbids it to.

    :param drawn: its figures (:func:`nnunet_lunet.compare.page.figures.drawn`), where they are there already
    """
    looks = marks.marks(comparison)
    style, script = parts.style(looks.values()) + _labels(comparison), parts.template("page.js")
    environment = parts.environment()
    scores, tests = sections.scores(comparison), sections.tests(comparison)
    pictures = panels.cases(comparison, worst.of_models(comparison.scores))
    values = cases.values_of(comparison)
    every = cases.cases(comparison, values, [part.label for part in scores], pictures)
    figures = captions.pictures(comparison, drawings.drawn(comparison) if drawn is None else drawn)
    text = environment.get_template("page.html").render(
        c=comparison, subject=comparison, marks=looks, words=words, numbers=numbers, metrics=METRICS,
        foreground=FOREGROUND,
        style=Markup(style), script=Markup(script), style_hash=parts.digest(style), script_hash=parts.digest(script),
        headline=words.headline(comparison), number=len({score.case for score in comparison.scores}),
        sentences={
            test.model: words.sentence(comparison, test, "the baseline") for test in words.main_tests(comparison)
        },
        tables=tests_table, cost_columns=table.cost_columns(comparison), more_tables=tests_table.further(comparison),
        scores=scores, bold=any(names for part in scores for names in part.best.values()), tests=tests,
        long=len(scores) * len(comparison.models) > _ROWS, most=_NAMED, noted=sections.noted(comparison),
        costs=sections.costs(comparison), origins=sections.origins(comparison),
        pruning=table.pruning_cells(comparison), figures=figures, case_pictures=pictures, cases=every, shown=_CASES,
        worst=cases.worst_of_models(comparison, values, every), latex=latex.latex(comparison),
        methods=methods.statistical_analysis(comparison).split("\n\n"), files=files.BESIDE,
    )  # fmt: skip
    file.write(text.encode())


def _labels(comparison: Comparison) -> str:
    return "".join(f".l{i}{{background:{slices.label_colour(i)}}}\n" for i in range(len(comparison.labels)))
