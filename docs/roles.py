"""Sphinx's roles in docstrings (``:class:`Group```) as links of the Python reference."""

import re
from typing import Any

from griffe import Extension, Object

_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):`([^`]+)`")


class SphinxRoles(Extension):
    """Each role becomes a link to what it names, where that is in the reference, and code elsewhere."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _ROLE.sub(lambda role: _link(role[1], obj), obj.docstring.value)


def _link(name: str, place: Object) -> str:
    """A cross-reference that may lead nowhere: what is private or of another package has no page."""
    path = name if name.startswith("nnunet_lunet.") else f"{_enclosing(name, place)}.{name}"
    return f'<autoref optional identifier="{path}"><code>{name.removeprefix("nnunet_lunet.")}</code></autoref>'


def _enclosing(name: str, place: Object) -> str:
    """Path of the object nearest to ``place`` that has a member of that name, else of the module."""
    around: Any = place
    while around is not None:
        if name.partition(".")[0] in around.members:
            return str(around.path)
        around = around.parent if not around.is_module else None
    return str(place.module.path)
