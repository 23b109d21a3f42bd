"""``lunet compare`` over data sets, from the command line to files."""

import json
import shutil

import many_datasets
import pytest
from made_results import NAME, both, make
from typer.testing import CliRunner

from nnunet_lunet.cli import app
from nnunet_lunet.compare import files, scoring
from nnunet_lunet.compare.over import files as over_files

__all__ = ["make"]
OTHER = "Dataset951_Other"


@pytest.fixture
def lunet(make, tmp_path, monkeypatch):
    """Run ``lunet compare`` on two data sets of two models with two seeds; the second of them has a third model."""
    made = make()
    for index in range(3):
        made.reference(f"case_{index}", both(index))
    for seed in (0, 1):
        made.trained(f"UNetTrainer_seed{seed}", {f"case_{index}": both(index) for index in range(3)})
        made.trained(f"LUnetTrainer_w8_seed{seed}", {f"case_{index}": both(index, shift=1) for index in range(3)})
    for folder in ("nnUNet_preprocessed", "nnUNet_results"):
        shutil.copytree(made.root / folder / NAME, made.root / folder / OTHER)
    made.trained("LUnetTrainer_w16", {f"case_{index}": both(index, shift=2) for index in range(3)})
    monkeypatch.chdir(tmp_path)

    def compare(*arguments, ok=True):
        result = CliRunner().invoke(app.app, ["compare", *arguments], env={"COLUMNS": "200"})
        assert (result.exit_code == 0) == ok, result.output
        return result.output if ok else str(result.exception)

    vars(compare).update(made=made, out=tmp_path / "comparison-over-datasets")
    return compare


def test_each_data_set_and_all_of_them(lunet):
    output = lunet("-d", "950", "-d", OTHER, "--baseline", "UNetTrainer", "--margin", "0.02", "--margin-reason", "why")
    for name in (NAME, OTHER):
        single = files.read_json(lunet.out / name / files.JSON)
        assert (single.dataset, single.margins, single.baseline) == (name, {"dice": 0.02}, "UNetTrainer")
        declared = json.loads((lunet.out / name / files.DECLARED).read_text())
        assert (declared["margins"], declared["margin_reason"]) == ({"dice": 0.02}, "why")
    page = (lunet.out / over_files.PAGE).read_text()
    assert f'href="{NAME}/comparison.html"' in page and (lunet.out / NAME / files.PAGE).is_file()
    # A quarter of each cube is missed: 25 points; the third model is in one data set alone.
    text = (lunet.out / over_files.MARKDOWN).read_text()
    assert "| LUnetTrainer_w8 | 2 of 2 | −25.0 | 0.0 | 0 of 2 | 0 of 2 |" in text
    assert f"LUnetTrainer_w16 is not in {OTHER}" in text and f"LUnetTrainer_w16 is not in {OTHER}" in output
    assert "| UNetTrainer | 1 (100 %) | 1 (100 %) | 1.0 [1.0 to 1.0] | 1 (100 %) |" in text


def test_kept_comparisons_say_the_same(lunet, tmp_path):
    lunet("-d", "950", "-d", OTHER, "--baseline", "UNetTrainer")
    lunet("--from", str(lunet.out / NAME / files.JSON), "--from", str(lunet.out / OTHER), "--output", "again")
    lunet("-d", "950", "--baseline", "UNetTrainer", "--from", str(lunet.out / OTHER), "--output", "mixed")
    for other in ("again", "mixed"):
        for name in ("datasets.csv", "ranks.csv", over_files.CSV, over_files.LATEX):
            assert (tmp_path / other / name).read_bytes() == (lunet.out / name).read_bytes()
    assert (tmp_path / "mixed" / NAME / files.JSON).is_file() and not (tmp_path / "again" / NAME).exists()


def test_a_model_that_is_named_and_missing_in_one_is_told(lunet):
    """The third model comes last; the first two are in both."""
    named = [part for model in ("UNetTrainer", "flat=LUnetTrainer_w8", "LUnetTrainer_w16") for part in ("-m", model)]
    output = lunet("-d", "950", "-d", "951", *named)
    assert f"LUnetTrainer_w16 is not in {OTHER}" in output
    assert [model.name for model in files.read_json(lunet.out / OTHER / files.JSON).models] == ["UNetTrainer", "flat"]


def test_configurations_may_differ(lunet):
    results = lunet.made.root / "nnUNet_results" / OTHER
    for folder in list(results.iterdir()):
        folder.rename(results / folder.name.replace("3d_fullres", "2d"))
    output = lunet("-d", "950:3d_fullres", "-d", "951:2d", "--baseline", "UNetTrainer")
    assert "Configurations" not in output
    text = (lunet.out / over_files.MARKDOWN).read_text()
    assert f"Configurations differ between data sets. {NAME}: 3d_fullres; {OTHER}: 2d." in text
    assert "| LUnetTrainer_w8 | 2 of 2 |" in text
    error = lunet("-d", "950", "-d", "951", "-c", "3d_fullres", "--output", "other", ok=False)
    assert OTHER in error and "-c 3d_fullres" in error


def test_nothing_is_scored_before_all_is_declared(lunet, monkeypatch):
    def stop(*_):
        assert all((lunet.out / name / files.DECLARED).is_file() for name in (NAME, OTHER))
        raise KeyError("scoring")

    monkeypatch.setattr(scoring, "score", stop)
    assert "scoring" in lunet("-d", "950", "-d", "951", ok=False)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-d", "950", "-d", "950"], f"{NAME} is there twice; a data set counts once"),
        (["-d", "950", "-d", "951:"], "-d 951:: write a data set, or DATASET:CONFIGURATION"),
        (["-d", "950", "-d", "951", "--predictions", "A=x"], "--predictions is of one data set"),
        (["-d", "950", "-d", "951", "-m", "LUnetTrainer_w16", "-m", "UNetTrainer"], "no results of the baseline"),
        (["-d", "950", "-d", "951", "-m", "UNetTrainer", "-m", "LUnetTrainer_w16"], f"{OTHER}: of the models that -m"),
        (["-d", "950", "-d", "951", "-m", "UNetTrainer", "-m", "LUnetTrainer_w9"], "'LUnetTrainer_w9' is not there"),
        (["--from", "nowhere.json"], "name two or more"),
        (["--from", "nowhere.json", "--from", "there.json"], "nowhere.json is no readable comparison"),
        (
            ["--from", "a.json", "--from", "b.json", "--margin", "0.02"],
            "--margin: --from takes comparisons as they are",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(lunet, arguments, told):
    error = lunet(*arguments, ok=False)
    assert told in error and "\n" not in error
    assert not lunet.out.exists()


@pytest.fixture
def record(tmp_path):
    """Write a comparison of made scores; returns its file."""

    def write(dataset, **options):
        found = many_datasets.comparison(dataset, {"UNetTrainer": 0, "LUnetTrainer_w8": 0}, **options)
        files.write(found, tmp_path / dataset, False)
        return str(tmp_path / dataset)

    return write


def test_a_record_of_another_margin_is_refused_before_anything_is_scored(lunet, record, monkeypatch):
    monkeypatch.setattr(scoring, "score", None)
    error = lunet("-d", "950", "--margin", "0.01", "--from", record("Dataset001_A"), ok=False)
    assert error.endswith(
        "the margins of dice differ: Dataset001_A 2 points, -d 1 point; compare again with one --margin"
    )


def test_two_hospitals_may_have_a_data_set_of_one_name(lunet, record, tmp_path):
    other = tmp_path / "other"
    shutil.move(record("Dataset001_A", random=1), other)
    first = record("Dataset001_A")
    error = lunet("--from", first, "--from", str(other), ok=False)
    assert "Dataset001_A is there already" in error and "NAME=FILE" in error
    lunet("--from", f"here={first}", "--from", f"there={other}")
    text = (lunet.out / over_files.MARKDOWN).read_text()
    assert text.startswith("# 2 models over 2 data sets\n\nhere, there; baseline UNetTrainer.")
    assert "- here and there are all of Dataset001_A: cases that they share would count more than once." in text


def test_the_same_scores_are_no_second_data_set(lunet, record):
    file = record("Dataset001_A")
    error = lunet("--from", f"here={file}", "--from", f"there={file}/{files.JSON}", ok=False)
    assert "these are the scores of here again" in error and not lunet.out.exists()


def test_a_folder_that_is_not_empty_is_not_written_into(lunet, record):
    lunet.out.mkdir()
    (lunet.out / "mine.txt").touch()
    given = ["--from", record("Dataset001_A"), "--from", record("Dataset002_B")]
    assert "is not empty" in lunet(*given, ok=False)
    lunet(*given, "--overwrite")
    assert (lunet.out / "mine.txt").is_file() and (lunet.out / over_files.PAGE).is_file()
