"""The pages that extend the project do it in a copy, with the tests that they name."""

import re

import doc_pages
import doc_steps
import pytest

PAGES = sorted((doc_pages.ROOT / "docs" / "how-to" / "extend").glob("*.md"))
STEPS = {page: doc_pages.blocks(page) for page in PAGES if page.name != "index.md"}


def touched(steps):
    """Files that a page changes or makes, with the changelog that each names in words."""
    files = {step.named(doc_pages.NEW_FILE) or step.named(doc_pages.CHANGE) for step in steps}
    return files - {None} | {"CHANGELOG.md"}


@pytest.mark.parametrize("page", STEPS, ids=lambda page: page.stem)
def test_following_the_page_step_by_step(page, tmp_path):
    doc_steps.copy_of_project(tmp_path)
    for step in STEPS[page]:
        if new := step.named(doc_pages.NEW_FILE):
            doc_steps.write_new(tmp_path / new, step.text)
        elif changed := step.named(doc_pages.CHANGE):
            doc_steps.change(tmp_path / changed, step.text)
        else:
            assert step.marks == (doc_pages.IN_THE_COPY,)
            for line in step.text.splitlines():
                done = doc_steps.run(line, tmp_path)
                assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", STEPS, ids=lambda page: page.stem)
def test_the_overview_counts_the_files(page):
    overview = (page.parent / "index.md").read_text(encoding="utf-8")
    (count,) = re.findall(rf"^\| .* \| (\d+) \| \[.*\]\({page.name}\) \|$", overview, re.MULTILINE)
    assert int(count) == len(touched(STEPS[page])) <= 6
    assert "CHANGELOG.md" in page.read_text(encoding="utf-8")
