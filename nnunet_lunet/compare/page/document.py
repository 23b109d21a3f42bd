"""The HTML page of a comparison: one file, nothing else needed to view it."""

import base64
import hashlib
from importlib import resources
from typing import IO

import jinja2
from markupsafe import Markup, escape

from nnunet_lunet import numbers
from nnunet_lunet.compare import table, tests_table, words
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.page import marks, panels, sections
from nnunet_lunet.compare.record import FOREGROUND, Comparison
from nnunet_lunet.pictures import slices

#: With more rows than this in the table of scores, those of single labels are folded up; printing unfolds them.
_ROWS = 40
#: Of so many values with the same note the case is named.
_NAMED = 100


def write(comparison: Comparison, file: IO[bytes]) -> None:
    """Write the page as UTF-8. It loads nothing, and its own content security policy forbids it to."""
    template = resources.files("nnunet_lunet.compare.page") / "template"
    looks = marks.marks(comparison)
    style, script = ((template / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    style += "".join(f".m{mark.number}{{background:{mark.colour};color:{mark.ink}}}\n" for mark in looks.values())
    style += "".join(f".l{i}{{background:{slices.label_colour(i)}}}\n" for i in range(len(comparison.labels)))
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"data_uri": _data_uri, "breakable": _breakable, "capitalised": _capitalised}
    page = environment.from_string((template / "page.html").read_text(encoding="utf-8"))
    scores, tests = sections.scores(comparison), sections.tests(comparison)
    text = page.render(
        c=comparison, marks=looks, words=words, numbers=numbers, metrics=METRICS, foreground=FOREGROUND,
        style=Markup(style), script=Markup(script), style_hash=_hash(style), script_hash=_hash(script),
        headline=words.headline(comparison), cases=len({score.case for score in comparison.scores}),
        sentences=[words.sentence(comparison, test, "the baseline") for test in words.main_tests(comparison)],
        tables=tests_table, cost_columns=table.cost_columns(comparison), more_tables=tests_table.further(comparison),
        scores=scores, bold=any(names for part in scores for names in part.best.values()), tests=tests,
        long=len(scores) * len(comparison.models) > _ROWS, most=_NAMED, noted=sections.noted(comparison),
        costs=sections.costs(comparison), origins=sections.origins(comparison),
        pruning=table.pruning_cells(comparison), figures=sections.pictures(comparison),
        case_pictures=panels.cases(comparison),
    )  # fmt: skip
    file.write(text.encode())


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _breakable(name: str) -> Markup:
    """A line may end after an underscore."""
    return escape(name).replace("_", Markup("_<wbr>"))
