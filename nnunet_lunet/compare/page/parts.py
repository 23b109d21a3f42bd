"""What the pages of comparisons are put together from: style, script, and what makes one file of all."""

import base64
import hashlib
from collections.abc import Iterable
from importlib import resources

import jinja2
from markupsafe import Markup, escape

from nnunet_lunet.compare.page.marks import Mark


def template(name: str) -> str:
    """One of the files in ``page/template``."""
    return (resources.files("nnunet_lunet.compare.page") / "template" / name).read_text(encoding="utf-8")


def environment() -> jinja2.Environment:
    """Escapes what it is given, and knows the templates and filters of all pages."""
    made = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        loader=jinja2.FunctionLoader(template),
    )  # fmt: skip
    made.filters |= {"data_uri": data_uri, "breakable": _breakable, "capitalised": _capitalised}
    return made


def style(marks: Iterable[Mark]) -> str:
    """CSS with the colours of models; the baseline's is that of the text."""
    badges = ((mark, ("var(--ink)", "var(--paper)") if mark.is_baseline else (mark.colour, mark.ink)) for mark in marks)
    return template("page.css") + "".join(
        ".m{}{{background:{};color:{}}}\n".format(mark.number, *colours) for mark, colours in badges
    )


def digest(text: str) -> str:
    """As a content security policy names what may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def data_uri(content: bytes, kind: str) -> str:
    """:param kind: e.g. ``image/svg+xml``"""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _breakable(name: str) -> Markup:
    """A line may end after an underscore."""
    return escape(name).replace("_", Markup("_<wbr>"))
