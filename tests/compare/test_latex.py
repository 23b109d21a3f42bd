"""The table to paste into a paper."""

import re
from dataclasses import replace

import comparisons
import pytest

from nnunet_lunet.compare import latex, words

HOSTILE = r"a_b & 50% $x^2$ #1 {c} \input{x} ~ <b> | −3 ±2 ×4"


@pytest.fixture
def comparison(tmp_path):
    return comparisons.make(tmp_path, worst=0)


def cells(text):
    """Of each row of the table."""
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0]
    return [re.split(r"(?<!\\) & ", line.removesuffix(r" \\")) for line in body.strip().splitlines()]


def test_a_row_has_what_the_page_has(comparison):
    rows = cells(latex.latex(comparison))
    test = next(t for t in words.main_tests(comparison) if t.model == "LUnet 8")
    assert [row[0] for row in rows] == ["UNet", "LUnet 16", "LUnet 8"]
    difference = f"{words.mean_difference(test)} [{words.interval(test)}]".replace("−", "$-$")
    assert rows[2][5:] == [difference, "0.040", "inferior"]
    assert rows[2][1] == "250 k" and r" $\pm$ " in rows[2][2] and rows[0][5:] == ["--"] * 3


def test_the_table_is_whole(comparison):
    text = latex.latex(comparison)
    begun, ended = (re.findall(rf"\\{what}{{(\w+)}}", text) for what in ("begin", "end"))
    assert begun == ended[::-1] == ["table", "tabular"]
    columns = re.search(r"\\begin{tabular}{(\w+)}", text)
    heading = re.search(r"\\toprule\n(.*) ", text)
    assert columns and heading and heading[1].count(" & ") + 1 == len(columns[1])
    assert {len(row) for row in cells(text)} == {len(columns[1])}
    assert r"\toprule" in text and r"\bottomrule" in text and text.isascii()


def test_names_are_text(comparison):
    models = [replace(comparison.models[0], name=HOSTILE)]
    summaries = [replace(s, model=HOSTILE) for s in comparison.summaries if s.model == "UNet"]
    hostile = replace(comparison, dataset=HOSTILE, baseline=HOSTILE, models=models, summaries=summaries, tests=[])
    text = latex.latex(hostile)
    name = cells(text)[0][0]
    expected = (
        r"a\_b \& 50\% \$x\textasciicircum{}2\$ \#1 \{c\} \textbackslash{}input\{x\} \textasciitilde{} "
        r"\textless{}b\textgreater{} \textbar{} $-$3 $\pm$2 $\times$4"
    )
    assert name == expected and expected in text.split(r"\centering")[0]
    # No brace but pairs, no sign of LaTeX but its own.
    bare = re.sub(r"\\[{}%&#$_]", "", text)
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0


def test_the_caption_says_what_the_numbers_are_over(comparison):
    told = latex.caption(comparison)
    assert "5 cases" in told and "minus that of UNet" in told and "over 5 cases, 3 seeds" in told
    assert "Holm over 2 models" in told and "margin of 1 point" in told and "These networks" not in told
    alone = [replace(test, df=None, verdict=None, seeds=1, baseline_seeds=1) for test in comparison.tests]
    told = latex.caption(replace(comparison, tests=alone))
    assert "These networks" in told and "margin" not in told and "seeds" not in told


def test_without_tests_there_are_scores_alone(comparison):
    text = latex.latex(replace(comparison, tests=[]))
    assert {len(row) for row in cells(text)} == {5} and "Verdict" not in text
