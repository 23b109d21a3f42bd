"""What is written over data sets: tables, page, figures."""

import csv
import io
import re

import browser
import many_datasets
import pytest
from conftest import known, read_only

from nnunet_lunet.compare.over import analysis, figures, files, latex, page, sentences, table
from nnunet_lunet.compare.page import drawing
from nnunet_lunet.errors import UserError

#: A model that is best everywhere, one that is as good as the baseline, one that a data set lacks.
EFFECTS = [{"nnUNetTrainer": 0, "best": 0.05, "same_": 0, "rare": -0.1}] * 2 + [
    {"nnUNetTrainer": 0, "best": 0.05, "same_": 0}
]
HOSTILE = """<script>alert('x')</script> & $x_1$ {{ 7*7 }} </style> "'" 50 % \\x"""
needs_browser = pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium (apt-get install chromium)")


@pytest.fixture(scope="module")
def over():
    return analysis.over_datasets(
        many_datasets.several(*EFFECTS), command="lunet compare -d 1", pages={"Dataset001_A": "A/comparison.html"}
    )


def written(over):
    buffer = io.BytesIO()
    page.write(over, buffer, figures.drawn(over))
    return buffer.getvalue()


def rows(file):
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_a_model_that_a_data_set_lacks_is_told_and_has_no_rank(over):
    assert over.missing == {"rare": ["Dataset003_C"]}
    assert [rank.model for rank in known(over.overall).ranks] == ["nnUNetTrainer", "best", "same_"]
    assert list(over.means) == ["best", "same_"]
    assert any(note.startswith("rare is not in Dataset003_C") for note in over.notes)
    assert "in 2 of 3 data sets, so without mean and rank" in sentences.findings(over)["rare"]


def test_the_best_is_first_in_every_data_set_and_resample(over):
    for ranking in (*over.rankings.values(), over.overall):
        best = table.found_rank(ranking, "best")
        assert (best.rank, best.frequencies[0]) == (1, 1)
    assert table.found_rank(over.overall, "best").value == 1
    assert table.count_texts(over.counts["best"]) == ["3 of 3", "3 of 3"]
    assert table.count_texts(over.counts["rare"]) == ["0 of 2", "0 of 2"]


def test_the_csv_files_have_all_numbers(over, tmp_path):
    files.write(over, tmp_path)
    cells = {(row["dataset"], row["model"]): row for row in rows(tmp_path / "datasets.csv")}
    assert len(cells) == 9 and cells["Dataset003_C", "rare"]["present"] == "0"
    assert cells["Dataset003_C", "rare"]["difference"] == ""
    assert float(cells["Dataset001_A", "best"]["difference"]) == pytest.approx(0.05, abs=0.01)
    assert cells["Dataset001_A", "best"]["verdict"] == "superior"
    ranked = rows(tmp_path / "ranks.csv")
    assert len(ranked) == 9 and all(row["rank"] == "1" for row in ranked if row["model"] == "best")
    for row in ranked:
        assert sum(float(row[f"frequency_{rank}"]) for rank in (1, 2, 3)) == pytest.approx(1)
    summary = {row["model"]: row for row in rows(tmp_path / files.CSV)}
    differences = [float(cells[name, "best"]["difference"]) for name in over.datasets]
    assert float(summary["best"]["mean_difference"]) == pytest.approx(sum(differences) / 3)
    assert (summary["best"]["mean_rank"], summary["best"]["df"], summary["best"]["non_inferior"]) == ("1.0", "2", "3")
    assert summary["rare"]["mean_rank"] == summary["rare"]["mean_difference"] == ""
    assert {file.name for file in tmp_path.iterdir()} == {
        "datasets.csv", "ranks.csv", "over_datasets.csv", "over_datasets.md", "over_datasets.tex", "over_datasets.html",
        "differences_over_datasets.png", "rank_stability.png",
    }  # fmt: skip


def test_the_tables_say_what_is_missing(over, tmp_path):
    files.write(over, tmp_path)
    text = (tmp_path / files.MARKDOWN).read_text()
    assert re.search(r"\| rare \| −.* \| −.* \| missing \|", text)
    assert "| rare | 2 of 3 | – | – | 0 of 2 | 0 of 2 |" in text
    assert "lunet compare -d 1" in text and "- rare is not in Dataset003_C" in text


def test_without_seeds_there_is_no_verdict_and_the_page_says_so():
    found = analysis.over_datasets(many_datasets.several({"A": 0, "B": 0.01}, {"A": 0, "B": 0.01}, seeds=()))
    assert sentences.findings(found)["B"].startswith("no verdict in any data set; mean difference +1.")
    assert table.count_texts(found.counts["B"]) == ["no verdicts", "–"]
    assert sum("these trained networks" in note for note in found.notes) == 2
    # Of two data sets there is no interval over data sets.
    assert "[" not in table.mean_text(found.means["B"]) and any("no interval" in note for note in found.notes)


def test_what_differs_between_records_is_noted():
    found = many_datasets.several({"A": 0, "B": 0})
    found["B"] = many_datasets.comparison("B", {"A": 0, "B": 0}, versions={"scipy": "2"}, configuration="2d")
    notes = analysis.over_datasets(found).notes
    assert "scipy differs: Dataset001_A 1, B 2." in notes
    assert "Configurations differ between data sets. Dataset001_A: 3d_fullres; B: 2d." in notes


def test_latex_has_as_many_cells_in_each_row_and_no_letter_that_latex_reads(over):
    text = latex.latex(over)
    for tabular in re.findall(r"\\begin{tabular}{(l)(r+)}(.*?)\\end{tabular}", text, re.DOTALL):
        lines = [line for line in tabular[2].splitlines() if line.endswith(r"\\")]
        assert len(lines) > 2
        assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {len(tabular[1])}
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 2
    assert r"same\_" in text and "missing" in text and "$-$10." in text
    assert re.search(r"\+5\.\d\$\^{\\mathrm{s}}\$", text)
    assert text.isascii()


@pytest.mark.parametrize(
    ("plain", "safe"),
    [
        ("a_b & 50 % {x} #1 $", r"a\_b \& 50 \% \{x\} \#1 \$"),
        ("~^\\", r"\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("−1 ± 2", r"$-$1 $\pm$ 2"),
    ],
)
def test_what_latex_would_read_is_escaped(plain, safe):
    assert latex.escaped(plain) == safe


def test_names_are_text_everywhere(tmp_path):
    found = analysis.over_datasets(
        many_datasets.several({"A": 0, "B": 0}, {"A": 0, "B": 0}, names={"B": HOSTILE, "A": "A|B"})
    )
    files.write(found, tmp_path)
    text = (tmp_path / files.PAGE).read_text()
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text
    assert "<script>alert" not in (tmp_path / files.MARKDOWN).read_text()
    assert "A\\|B" in (tmp_path / files.MARKDOWN).read_text()
    assert r"\$x\_1\$" in (tmp_path / files.LATEX).read_text()


def test_the_same_comparisons_are_the_same_bytes(over):
    again = analysis.over_datasets(
        many_datasets.several(*EFFECTS), command="lunet compare -d 1", pages={"Dataset001_A": "A/comparison.html"}
    )
    assert written(again) == written(over)


def test_a_figure_without_ranks_is_not_there(tmp_path):
    found = many_datasets.several({"A": 0, "B": 0}, {"A": 0, "C": 0})
    (tmp_path / "rank_stability.png").touch()
    over = analysis.over_datasets(found)
    files.write(over, tmp_path)
    assert over.overall is None and not (tmp_path / "rank_stability.png").exists()
    assert any("no ranks" in note for note in over.notes)
    assert "Ranks" not in (tmp_path / files.MARKDOWN).read_text().partition("## Notes")[0]


def test_a_model_far_off_is_written_at_the_edge():
    found = many_datasets.several({"A": 0, "B": 0.001, "C": -0.4}, {"A": 0, "B": 0, "C": -0.01})
    svg = drawing.svg(figures.drawn(analysis.over_datasets(found))["differences_over_datasets"]).decode()
    assert svg.count("◂ −") == 1 and "missing" not in svg


def test_a_folder_that_cannot_be_written_is_named(over, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    with read_only(folder), pytest.raises(UserError, match=r"--output .*locked"):
        files.write(over, folder)


@needs_browser
@pytest.mark.parametrize("width", [1400, 420])
def test_the_browser_shows_all_of_it_and_loads_nothing(over, tmp_path, width):
    # Narrower than 500 points Chromium does not open a window.
    probe = browser.render(written(over), tmp_path, screenshot=False, width=max(width, 500)).probe
    assert probe["loaded"] == probe["violations"] == probe["errors"] == []
    assert probe["width"] <= max(width, 500)
    assert all(image["loaded"] for image in probe["images"]) and len(probe["images"]) == 2
    assert any(row.startswith("4 rare") and "missing" in row for row in probe["rows"])
