"""The page over data sets: one file, nothing else needed to view it."""

import base64
import hashlib
from importlib import resources
from typing import IO

import jinja2
from markupsafe import Markup, escape

from nnunet_lunet.compare import tests_table, words
from nnunet_lunet.compare.over import figures, sentences, table
from nnunet_lunet.compare.over.record import OverDatasets
from nnunet_lunet.compare.page import drawing


def write(over: OverDatasets, file: IO[bytes]) -> None:
    """Write the page as UTF-8. It loads nothing, and its own content security policy forbids it to."""
    common = resources.files("nnunet_lunet.compare.page") / "template"
    own = resources.files("nnunet_lunet.compare.over") / "template"
    marks = figures.looks(over)
    style, script = ((common / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    style += "".join(f".m{mark.number}{{background:{mark.colour};color:{mark.ink}}}\n" for mark in marks.values())
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["breakable"] = lambda name: escape(name).replace("_", Markup("_<wbr>"))
    text = environment.from_string((own / "page.html").read_text(encoding="utf-8")).render(
        o=over, marks=marks, words=words, tests=tests_table, table=table, cells=table.by_place(over),
        others=[model for model in over.models if model != over.baseline], findings=sentences.findings(over),
        style=Markup(style), script=Markup(script), style_hash=_hash(style), script_hash=_hash(script),
        pictures={name: _data_uri(svg) for name, draw in figures.ALL.items() if (svg := drawing.svg(draw, over))},
    )  # fmt: skip
    file.write(text.encode())


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data_uri(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
