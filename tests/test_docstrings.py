"""What docstrings and comments refer to is there."""

import ast
import pydoc
import re
from pathlib import Path

import pytest

import nnunet_lunet

PACKAGE = Path(nnunet_lunet.__file__).parent
ROLE = re.compile(r":(?:mod|func|class|data|meth|attr):`~?([\w.]+)`")
MODULES = {
    ".".join(["nnunet_lunet", *file.relative_to(PACKAGE).with_suffix("").parts]): file
    for file in sorted(PACKAGE.rglob("*.py"))
    if "external" not in file.parts
}


def has(name):
    """Whether an absolute name is a module, or something in one; fields of dataclasses count."""
    owner, _, last = name.rpartition(".")
    return pydoc.locate(name) is not None or last in getattr(pydoc.locate(owner), "__dataclass_fields__", {})


def names_in(tree):
    """Everything that a module defines, methods and attributes of its classes among them."""
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    return defined | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("module", [name for name, file in MODULES.items() if ROLE.search(file.read_text("utf-8"))])
def test_what_a_docstring_links_exists(module):
    text = MODULES[module].read_text(encoding="utf-8")
    here = names_in(ast.parse(text))
    lost = []
    for name in ROLE.findall(text):
        if name.startswith("nnunet_lunet.") or name.split(".")[0] not in here:
            lost += [] if "." in name and has(name) else [name]
    assert lost == []
