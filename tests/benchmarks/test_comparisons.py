"""Comparisons as they are kept: readable, and made anew from their scores the same."""

import gzip
import re

import pytest
from result_pages import data, markdown, pruning_study, table2

from benchmarks import comparison_page, packed, pool, study_table
from nnunet_lunet.compare import files

COMPARISONS = sorted(data.DATA.rglob("*.json.gz"))
STUDIES = ("table2", "widths", "widths_short")
WORDS = ("model", "baseline", "label", "metric", "verdict", "verdict_alone", "unit")


def name(path):
    return str(path.relative_to(markdown.ROOT))


def with_numbers(row, of=float):
    """A line of CSV whose numbers are some."""
    return {key: of(float(value)) if value and key not in WORDS else value for key, value in row.items()}


@pytest.mark.parametrize("file", COMPARISONS, ids=name)
def test_each_comparison_can_be_read(file):
    comparison = packed.read(file)
    assert {score.model for score in comparison.scores} == {model.name for model in comparison.models}
    assert all(model.cost.network.parameters and model.cost.network.multiply_adds for model in comparison.models)
    # Where it was made is nobody's business, and the files that it names are not there.
    assert comparison.worst == [] and not re.search(
        r'"[^"]*(?<!\w)/(?:home|root|tmp|work)/', gzip.decompress(file.read_bytes()).decode()
    )


@pytest.mark.parametrize("study", STUDIES)
def test_a_studys_page_and_tables_are_those_of_its_comparison(study, capsys, tmp_path):
    file = data.DATA / study / "comparison.json.gz"
    comparison_page.main([str(file)])
    assert capsys.readouterr().out == (markdown.ROOT / "docs" / "results" / study / "comparison.md").read_text()
    files.write(packed.read(file), tmp_path, overwrite=True)
    for kind in ("summary.csv", "tests.csv"):
        assert (tmp_path / kind).read_text() == (data.DATA / study / kind).read_text()


def test_the_table_of_a_study_is_as_its_script_prints_it(capsys):
    study_table.main([str(data.DATA / "widths" / "comparison.json.gz")])
    _, _, *rows = capsys.readouterr().out.splitlines()
    assert rows == [*data.study("widths/comparison.json.gz")]


@pytest.mark.parametrize(
    ("models", "expected"),
    [([], "tests.csv"), *((models, f"pairs/{pair}.csv") for pair, models in table2.MODELS.items())],
    ids=["all", *table2.MODELS],
)
def test_the_parts_give_the_tests_of_table_2(tmp_path, models, expected):
    parts = [str(file) for file in sorted((data.DATA / "table2" / "parts").iterdir())]
    pool.main([*parts, "--output", str(tmp_path), *(each for model in models for each in ("-m", model))])
    made, kept = map(data.rows_of, (tmp_path / "tests.csv", data.DATA / "table2" / expected))
    assert [*map(with_numbers, made)] == [with_numbers(row, of=pytest.approx) for row in kept] != []


@pytest.mark.parametrize("pair", pruning_study.MODELS)
def test_the_pairs_of_the_pruning_study_are_those_of_its_comparisons(pair, tmp_path):
    study, models = pruning_study.MODELS[pair]
    kept = data.pair(f"{pruning_study.FOLDER}/pairs/{pair}.csv")
    chosen = [each for model in models for each in ("-m", model)]
    pool.main([str(data.DATA / pruning_study.file(study)), "--output", str(tmp_path), *chosen])
    made = data.pair(tmp_path / "tests.csv")
    assert [*made] == [*kept] == models[1:]
    assert [*map(data.pair_cells, made.values())] == [*map(data.pair_cells, kept.values())]
