"""What MkDocs does beyond its plugins: pages that are made from the repository, tables, links out of ``docs/``."""

import logging
import os
import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent))

import tables  # noqa: E402

BRANCH = "main"
#: Packages of the Python reference: all their public modules, or those that are named.
PACKAGES: dict[str, tuple[str, ...]] = {
    "architectures": (),
    "pruning": (),
    "planning": (),
    "trainers": (),
    "datasets": ("synthetic", "tasks"),
}

_LOG = logging.getLogger("mkdocs.hooks")
_TABLE = re.compile(r"^<!-- table: (\w+) -->$", re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\)| \")")
_FENCE = re.compile(r"^(```|~~~).*?^\1$", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """README is the first page, and each package has one in the Python reference."""
    made = {"index.md": (ROOT / "README.md").read_text(encoding="utf-8")}
    made |= {f"reference/python/{package}.md": _package_page(package) for package in PACKAGES}
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in tables, and let links that leave ``docs/`` lead to the repository."""
    for name in set(_TABLE.findall(markdown)) - tables.TABLES.keys():
        _LOG.warning("%s: there is no table %s, but %s", page.file.src_uri, name, ", ".join(tables.TABLES))
    markdown = _TABLE.sub(lambda table: tables.render(table[1]) if table[1] in tables.TABLES else "", markdown)
    # Where the page lies in the repository, which is what its links start from.
    folder = "" if page.file.src_uri == "index.md" else posixpath.dirname(f"docs/{page.file.src_uri}")
    return _outside_code(markdown, lambda link: _target(link, folder, page, config, files))


def _outside_code(markdown: str, change: Any) -> str:
    parts, end = [], 0
    for fence in _FENCE.finditer(markdown):
        parts += [_LINK.sub(lambda link: change(link[1]), markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _LINK.sub(lambda link: change(link[1]), markdown[end:])])


def _target(link: str, folder: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    path, hash_sign, anchor = link.partition("#")
    if not path or re.match(r"[a-z]+:", path):
        return link
    in_repository = posixpath.normpath(posixpath.join(folder, path))
    in_docs = in_repository.removeprefix("docs/")
    if in_docs != in_repository and files.get_file_from_path(in_docs):
        here = posixpath.dirname(page.file.src_uri)
        return os.path.relpath(in_docs, here or ".").replace(os.sep, "/") + hash_sign + anchor
    if not (ROOT / in_repository).exists():
        _LOG.warning("%s: link to %s, but there is no %s", page.file.src_uri, link, in_repository)
    kind = "tree" if (ROOT / in_repository).is_dir() else "blob"
    return f"{config.repo_url}/{kind}/{BRANCH}/{in_repository}{hash_sign}{anchor}"


def _package_page(package: str) -> str:
    """One section for each public module, by mkdocstrings."""
    folder = ROOT / "nnunet_lunet" / package
    modules = PACKAGES[package] or sorted(file.stem for file in folder.glob("[!_]*.py"))
    sections = [f"::: nnunet_lunet.{package}.{module}" for module in modules]
    return "\n\n".join([f"# nnunet_lunet.{package}", *sections]) + "\n"
