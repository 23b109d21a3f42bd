"""The pages that extend the project do it in a copy, with the tests that they name."""

import re

import doc_steps
import pytest

PAGES = sorted((doc_steps.ROOT / "docs" / "how-to" / "extend").glob("*.md"))
STEP = re.compile(r"^<!-- test: ([^\n]*) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STEPS = {page: STEP.findall(page.read_text(encoding="utf-8")) for page in PAGES if page.name != "index.md"}


def touched(steps):
    """Files that a page changes or makes, with the changelog that each names in words."""
    kinds = (doc_steps.NEW_FILE, doc_steps.CHANGE)
    files = {mark.removeprefix(kind) for mark, _ in steps for kind in kinds if mark.startswith(kind)}
    return files | {"CHANGELOG.md"}


@pytest.mark.parametrize("page", STEPS, ids=lambda page: page.stem)
def test_following_the_page_step_by_step(page, tmp_path):
    doc_steps.copy_of_project(tmp_path)
    for mark, text in STEPS[page]:
        if mark.startswith(doc_steps.NEW_FILE):
            doc_steps.write_new(tmp_path / mark.removeprefix(doc_steps.NEW_FILE), text)
        elif mark.startswith(doc_steps.CHANGE):
            doc_steps.change(tmp_path / mark.removeprefix(doc_steps.CHANGE), text)
        else:
            assert mark == doc_steps.RUN
            for line in text.splitlines():
                done = doc_steps.run(line, tmp_path)
                assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", STEPS, ids=lambda page: page.stem)
def test_the_overview_counts_the_files(page):
    overview = (page.parent / "index.md").read_text(encoding="utf-8")
    (count,) = re.findall(rf"^\| .* \| (\d+) \| \[.*\]\({page.name}\) \|$", overview, re.MULTILINE)
    assert int(count) == len(touched(STEPS[page])) <= 6
    assert "CHANGELOG.md" in page.read_text(encoding="utf-8")
