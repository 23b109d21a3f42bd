"""What the pages in ``docs/results`` and the overview name is there, and nothing else is."""

import re

import pytest
from result_pages.data import DATA
from result_pages.markdown import ROOT

RESULTS, OVERVIEW = ROOT / "docs" / "results", ROOT / "benchmarks" / "README.md"
PAGES = [*sorted(RESULTS.rglob("*.md")), OVERVIEW]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page):
    text = page.read_text()
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    missing = [target for target in targets if not (page.parent / target).exists()]
    files_named = re.findall(r"(?<![\w/.])(?:benchmarks|docs|plans)/[\w*./-]+", text)
    missing += [file for file in files_named if not list(ROOT.glob(file.rstrip("./")))]
    scripts = re.findall(r"python -m benchmarks\.(\w+)", text)
    missing += [script for script in scripts if not (ROOT / "benchmarks" / f"{script}.py").exists()]
    assert missing == []


def test_each_script_and_file_of_data_is_in_the_overview():
    text = OVERVIEW.read_text()
    linked = [OVERVIEW.parent / target for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    files_there = [*DATA.rglob("*.*"), *(file for file in OVERVIEW.parent.glob("*.py") if "main()" in file.read_text())]
    left_out = [file for file in files_there if not any(file == each or each in file.parents for each in linked)]
    assert left_out == []


def test_results_are_pages_and_figures_alone():
    assert {file.suffix for file in RESULTS.rglob("*") if file.is_file()} == {".md", ".png"}
