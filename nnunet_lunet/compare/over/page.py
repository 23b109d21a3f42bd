"""The page over data sets: one file, nothing else needed to view it."""

from collections.abc import Mapping
from importlib import resources
from typing import IO

from markupsafe import Markup
from matplotlib.figure import Figure

from nnunet_lunet.compare import tests_table, words
from nnunet_lunet.compare.over import figures, sentences, table
from nnunet_lunet.compare.over.record import OverDatasets
from nnunet_lunet.compare.page import drawing, parts


def write(over: OverDatasets, file: IO[bytes], drawn: Mapping[str, Figure]) -> None:
    """Write the page as UTF-8. It loads nothing, and its own content security policy forbids it to.

    :param drawn: its figures, by name
    """
    own = resources.files("nnunet_lunet.compare.over") / "template"
    marks = figures.looks(over)
    style, script = parts.style(marks.values()), parts.template("page.js")
    text = parts.environment().from_string((own / "page.html").read_text(encoding="utf-8")).render(
        o=over, subject=over, marks=marks, words=words, tests=tests_table, table=table, cells=table.by_place(over),
        others=[model for model in over.models if model != over.baseline], findings=sentences.findings(over),
        style=Markup(style), script=Markup(script), style_hash=parts.digest(style), script_hash=parts.digest(script),
        pictures={name: parts.data_uri(drawing.svg(figure), "image/svg+xml") for name, figure in drawn.items()},
    )  # fmt: skip
    file.write(text.encode())
