"""The site as it is built: nothing missing, nothing loaded from elsewhere, readable on a small screen."""

import html
import importlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import doc_pages
import pytest
import typer
from browser import CHROMIUM

from nnunet_lunet.cli.app import app
from nnunet_lunet.planning import presets
from nnunet_lunet.pruning.scores import IMPORTANCES
from nnunet_lunet.pruning.strategies import STRATEGIES
from nnunet_lunet.trainers import names

ROOT = doc_pages.ROOT
pytest.importorskip("mkdocs", reason="the documentation is built with the extra docs")


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A strict build by the command of ``make docs``."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder], cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def hooks():
    sys.path.insert(0, str(ROOT / "docs"))
    yield importlib.import_module("hooks")
    sys.path.remove(str(ROOT / "docs"))


class _Page(HTMLParser):
    """Text, and what a browser would load."""

    def __init__(self, file):
        super().__init__()
        self.text, self.loaded = "", []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        address = given.get("src") or (given.get("href") if tag == "link" else None)
        if address and given.get("rel") != "canonical":
            self.loaded.append(address)


def test_the_reference_has_all_that_the_package_has(site):
    reference = site / "reference"
    command_line = _Page(reference / "command-line.html").text
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        assert f"lunet {name}" in command_line
        for parameter in command.params:
            assert all(option in command_line for option in parameter.opts if option.startswith("-")), (name, parameter)
    trainers = _Page(reference / "trainers.html").text
    for word in (*names.FAMILIES, *STRATEGIES, *IMPORTANCES, *re.findall(r"_[^\s,]+", names.grammar())):
        assert word in trainers
    listed = _Page(reference / "presets.html").text
    assert [name for name in presets.names() if name not in listed] == []


def test_the_python_reference_has_the_public_modules_and_no_roles_of_sphinx(site, hooks):
    for package in hooks.PACKAGES:
        page = (site / "reference" / "python" / f"{package}.html").read_text(encoding="utf-8")
        for module in hooks.PACKAGES[package] or (f.stem for f in (ROOT / "nnunet_lunet" / package).glob("[!_]*.py")):
            assert f'id="nnunet_lunet.{package}.{module}"' in page
        assert re.findall(r":(?:class|func|meth|mod|data):", page) == []
    # One of them, which the source writes as a role.
    assert 'href="#nnunet_lunet.pruning.groups.Group"' in (site / "reference/python/pruning.html").read_text()


def test_every_table_is_on_a_page(hooks):
    used = {name for page in doc_pages.PAGES for name in hooks._TABLE.findall(page.read_text(encoding="utf-8"))}
    assert used == hooks.tables.TABLES.keys()


def test_nothing_is_loaded_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        assert [address for address in _Page(page).loaded if urlsplit(address).netloc] == [], page
        # The theme's scripts ask GitHub for counts of stars where they find this.
        assert 'data-md-component="source"' not in page.read_text(encoding="utf-8")
    for style in site.rglob("*.css"):
        assert re.findall(r"url\([\"']?(?:https?:)?//", style.read_text(encoding="utf-8")) == [], style


def test_only_what_is_for_readers_is_published(site):
    assert [str(file) for file in site.rglob("*.py") if "results" not in file.parts] == []
    assert not (site / "overrides").exists()


@pytest.mark.parametrize(
    ("page", "link", "becomes"),
    [
        ("how-to/prune.md", "../../plans/LUnet16.json", "https://example.org/r/blob/main/plans/LUnet16.json"),
        ("how-to/prune.md", "../../plans", "https://example.org/r/tree/main/plans"),
        ("how-to/prune.md", "export.md#a", "export.md#a"),
        ("how-to/prune.md", "https://nnunet.org", "https://nnunet.org"),
        ("index.md", "docs/how-to/export.md", "how-to/export.md"),
        ("index.md", "LICENSE", "https://example.org/r/blob/main/LICENSE"),
    ],
)
def test_links_out_of_the_documentation_lead_to_the_repository(hooks, caplog, page, link, becomes):
    with caplog.at_level(logging.WARNING, "mkdocs.hooks"):
        assert _rewritten(hooks, page, link) == f"[text]({becomes})\n```\n[text]({link})\n```"
    assert caplog.records == []


@pytest.mark.parametrize(("page", "link"), [("how-to/prune.md", "../../plans/none.json"), ("index.md", "docs/none.md")])
def test_a_link_to_nothing_is_a_warning_and_so_an_error(hooks, caplog, page, link):
    with caplog.at_level(logging.WARNING, "mkdocs.hooks"):
        _rewritten(hooks, page, link)
    assert link in caplog.text


def _rewritten(hooks, page, link):
    place = SimpleNamespace(file=SimpleNamespace(src_uri=page))
    config = SimpleNamespace(repo_url="https://example.org/r")
    pages = SimpleNamespace(get_file_from_path=lambda path: path == "how-to/export.md")
    return hooks.on_page_markdown(f"[text]({link})\n```\n[text]({link})\n```", place, config, pages)


_PROBE = """<script>addEventListener("load", () => setTimeout(() => {
  const broken = [...document.images].filter(image => !(image.complete && image.naturalWidth)).map(image => image.src);
  const wide = [...document.images].filter(image => image.getBoundingClientRect().right > innerWidth).map(i => i.src);
  const loaded = performance.getEntriesByType("resource").map(entry => entry.name);
  const width = document.documentElement.scrollWidth;
  parent.postMessage({page: location.pathname, broken, wide, loaded, width, inner: innerWidth}, "*");
}, 300));</script>"""
# A window of Chromium cannot be so narrow as a frame.
_FRAMES = """<!DOCTYPE html><pre id="probes"></pre>%s<script>
const probes = [];
addEventListener("message", message => {
  probes.push(message.data);
  document.getElementById("probes").textContent = JSON.stringify(probes);
});
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")
def test_on_a_small_screen_no_page_is_wider_than_it(site, tmp_path):
    folder = shutil.copytree(site, tmp_path / "site")
    pages = [page for page in folder.rglob("*.html") if page.name != "404.html"]
    for page in pages:
        page.write_text(page.read_text(encoding="utf-8").replace("</head>", f"{_PROBE}</head>"), encoding="utf-8")
    frames = [f'<iframe src="{page.relative_to(folder)}" width="400" height="900"></iframe>' for page in pages]
    start = folder / "frames.html"
    start.write_text(_FRAMES % "".join(frames), encoding="utf-8")
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=20000",
            f"--user-data-dir={tmp_path / 'profile'}", start.as_uri(),
        ],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    (said,) = re.findall('<pre id="probes">(.*?)</pre>', done.stdout, re.DOTALL)
    probes = json.loads(html.unescape(said))
    assert len(probes) == len(pages) > 20
    for probe in probes:
        assert (probe["broken"], probe["wide"]) == ([], []), probe["page"]
        assert probe["width"] <= probe["inner"] == 400, probe["page"]
        elsewhere = [address for address in probe["loaded"] if not address.startswith(("file:", "data:", "blob:"))]
        assert elsewhere == [], probe["page"]
