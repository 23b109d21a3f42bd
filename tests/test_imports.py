"""The order of the package: what may import what."""

import ast
import sys
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import nnunet_lunet

PACKAGE = Path(nnunet_lunet.__file__).parent
ORDER = [
    "cli", "doctor", "demo", "info", "study", "compare", "inference", "profile", "deploy", "datasets", "trainers",
    "planning", "host", "pruning", "architectures", "pictures",
]  # fmt: skip
"""Each imports from itself and from what comes after it."""
FOR_ALL = {
    "nnunet_lunet.atomic",
    "nnunet_lunet.errors",
    "nnunet_lunet.numbers",
    "nnunet_lunet.registration.startup",
}
SHIM = "nnunet_lunet.registration.external."
PORTABLE = "nnunet_lunet.deploy.portable"
"""Runs where there is neither this package nor nnU-Net or torch."""
HEAVY = {"torch", "numpy", "nnunetv2", "matplotlib"}


@dataclass(frozen=True)
class Import:
    importer: str
    module: str
    name: str | None
    local: str
    at_start: bool

    def __str__(self):
        return f"{self.importer} imports {self.module}" + (f": {self.name}" if self.name else "")


def module_name(path):
    parts = ["nnunet_lunet", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(module):
    tree = TREES[module]
    lazy = {inner for outer in ast.walk(tree) if isinstance(outer, ast.FunctionDef) for inner in ast.walk(outer)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, None, alias.asname or alias.name, node not in lazy)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                # It is copied to where this package is not.
                assert module.startswith(PORTABLE), f"{module}: write the whole name of what is imported"
                origin = f"{PORTABLE}.{origin}".rstrip(".")
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                imported, name = (inner, None) if inner in TREES else (origin, alias.name)
                yield Import(module, imported, name, alias.asname or alias.name, node not in lazy)


IMPORTS = [found for module in TREES for found in imports_of(module)]
OUR_OWN = [found for found in IMPORTS if found.module.split(".")[0] == "nnunet_lunet"]


def part(module):
    """``python -m nnunet_lunet`` is the command line by another name."""
    return module.replace("__main__", "cli").partition("nnunet_lunet.")[2].split(".")[0]


def is_allowed(found):
    if found.module in FOR_ALL:
        return found.importer not in FOR_ALL
    if found.importer.startswith(SHIM):
        return found.module.startswith("nnunet_lunet.trainers") and not found.at_start
    upper, lower = part(found.importer), part(found.module)
    return {upper, lower} <= set(ORDER) and ORDER.index(upper) <= ORDER.index(lower)


def test_what_is_copied_into_portable_folders_needs_no_more_than_it_says():
    inside = [found for found in IMPORTS if found.importer.startswith(PORTABLE)]
    outside = {found.module.split(".")[0] for found in inside if not found.module.startswith(PORTABLE)}
    assert outside - sys.stdlib_module_names == {"numpy", "scipy", "SimpleITK", "openvino"}


def test_there_are_imports_to_look_at():
    assert len(OUR_OWN) > 10


def test_each_part_imports_only_from_below():
    assert [str(found) for found in OUR_OWN if not is_allowed(found)] == []


def test_no_module_imports_itself_by_way_of_others():
    graph = {module: {found.module for found in OUR_OWN if found.importer == module} for module in TREES}
    assert list(TopologicalSorter(graph).static_order())


def test_private_names_stay_in_their_module():
    imported = [str(found) for found in OUR_OWN if (found.name or found.module.split(".")[-1]).startswith("_")]
    used = []
    for module, tree in TREES.items():
        ours = {found.local for found in OUR_OWN if found.importer == module and found.name is None}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ours:
                used += [f"{module}: {node.value.id}.{node.attr}"] * node.attr.startswith("_")
    assert imported + used == []


def test_what_runs_at_every_start_of_python_imports_what_python_has_loaded():
    for module in ("nnunet_lunet", "nnunet_lunet.registration", "nnunet_lunet.registration.startup"):
        # The version of the package is looked up for those who ask.
        imported = [found for found in IMPORTS if found.importer == module]
        assert {found.module for found in imported if found.at_start or module != "nnunet_lunet"} <= {"os", "sys"}


def at_start(module):
    """What is imported with a module, directly or by way of others; importing a module imports its packages."""
    found, waiting = set(), [module]
    while waiting:
        importer = waiting.pop()
        if importer not in found:
            found.add(importer)
            packages = [importer.rpartition(".")[0]] if "." in importer else []
            waiting += packages + [each.module for each in IMPORTS if each.importer == importer and each.at_start]
    return found


def test_the_command_line_imports_nothing_heavy_before_it_knows_the_command():
    found = at_start("nnunet_lunet.cli.app")
    assert "nnunet_lunet.cli.compare" in found
    assert {name.split(".")[0] for name in found}.isdisjoint(HEAVY)
