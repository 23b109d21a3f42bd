"""Every figure of the README and of the pages in ``docs/results`` is read from its file."""

import pytest
from result_pages import PAGES, guides, markdown

RESULTS = markdown.ROOT / "docs" / "results"
#: What a study's comparison is as a page: ``test_comparisons`` makes it anew.
WHOLE = {f"docs/results/{study}/comparison.md" for study in ("table2", "widths", "widths_short")}


def made(generators):
    return [text for generator in generators for text in generator()]


def test_each_page_of_results_is_read():
    there = {str(page.relative_to(markdown.ROOT)) for page in RESULTS.rglob("*.md")}
    assert there | {"README.md"} == {*PAGES} | WHOLE


@pytest.mark.parametrize("page", PAGES)
def test_the_rows_that_the_data_make_are_those_of_the_tables(page):
    expected = made(PAGES[page].TABLES)
    assert [row for row in markdown.rows(page) if row in expected] == expected


@pytest.mark.parametrize("page", PAGES)
def test_what_the_data_say_stands_in_the_text_once(page):
    text = markdown.prose(page, without=made(PAGES[page].TABLES))
    phrases = [*made(PAGES[page].SENTENCES), *PAGES[page].SETTINGS]
    assert {phrase: text.count(phrase) for phrase in phrases if text.count(phrase) != 1} == {}


@pytest.mark.parametrize("page", PAGES)
def test_no_figure_is_without_a_file(page):
    text = markdown.prose(page, without=made(PAGES[page].TABLES))
    assert markdown.figures_without(text, [*made(PAGES[page].SENTENCES), *PAGES[page].SETTINGS]) == []


@pytest.mark.parametrize("page", guides.QUOTES)
def test_what_other_pages_quote_is_what_the_data_say(page):
    text = markdown.prose(page)
    assert {phrase: text.count(phrase) for phrase in guides.QUOTES[page]() if text.count(phrase) != 1} == {}


@pytest.mark.parametrize(
    "text",
    [
        "a Dice of 0.853", "12 times fewer", "1.5× faster", "+0.1 (−0.7 to +1.0)", "| flat 16 | 0.832 ± 0.031 |",
        "5,603,177", "by 4.7e-4", "about 20 %", "in 3 runs", "flat 16 0.663", "(0.890)",
    ],
)  # fmt: skip
def test_a_figure_that_nothing_stands_behind_is_seen(text):
    assert markdown.figures_without(text, ["a Dice of 0.854", "832 ± 0.031 |", "0.89"])


@pytest.mark.parametrize(
    "text",
    ["flat 16 and `w8`", "torch 2.11.0+cu130", "patches of 128³", "3d_fullres", "40×56×40", "AdamW 1e-2", "Seed 0"],
)
def test_names_are_no_figures(text):
    assert markdown.figures_without(text, []) == []
