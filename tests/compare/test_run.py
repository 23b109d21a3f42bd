"""``lunet compare`` on results that nnU-Net evaluated."""

import csv
import io
import json
import math
import shutil
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from conftest import known, read_only
from made_results import both, box
from nnunetv2.evaluation.evaluate_predictions import load_summary_json
from rich.console import Console

from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.compare import costs, files, scoring
from nnunet_lunet.compare import run as command
from nnunet_lunet.compare.record import FOREGROUND, Cost, Verdict
from nnunet_lunet.compare.request import Request
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import results

DATASET = "950"


@pytest.fixture
def compare(tmp_path):
    """Run the command; returns the comparison, and has checked that the file holds the same."""
    printed = io.StringIO()

    def compared(output="out", **options):
        request = Request(**{"dataset": DATASET, **options})
        found = command.run(request, tmp_path / output, Console(file=printed, width=200))
        # As text, too: a verdict equals its own name.
        read = files.read_json(tmp_path / output / files.JSON)
        assert read == found and repr(read.tests) == repr(found.tests)
        return found

    vars(compared)["printed"] = printed.getvalue
    return compared


def dice_of(comparison, model):
    """By case and label."""
    return {
        (s.case, s.label): s.values["dice"] for s in comparison.scores if s.model == model and s.label != FOREGROUND
    }


def by_nnunet(fold, names):
    """Dice of nnU-Net's own summary, by case and label; None for nan."""
    cases = load_summary_json(str(fold / "validation" / "summary.json"))["metric_per_case"]
    return {
        (case["prediction_file"].rpartition("/")[2].partition(".")[0], names[label]): None
        if math.isnan(found["Dice"])
        else found["Dice"]
        for case in cases
        for label, found in case["metrics"].items()
    }


def test_three_models(three, compare):
    found = compare(baseline="nnUNetTrainer")
    assert (found.dataset, found.baseline, found.labels) == (
        "Dataset950_Made",
        "nnUNetTrainer",
        {1: "front", 2: "back"},
    )
    assert [model.name for model in found.models] == ["nnUNetTrainer", "LUnetTrainer_w8", "UNetTrainer"]
    # Cubes of 4 voxels moved by 0, 1 and 2 voxels of 1 mm.
    means = {(entry.model, entry.metric): entry.mean for entry in found.summaries if entry.label == "back"}
    expected = {"LUnetTrainer_w8": (1, 0, 1), "UNetTrainer": (0.75, 1, 1), "nnUNetTrainer": (0.5, 2, None)}
    for model, values in expected.items():
        for metric, value in zip(("dice", "hausdorff95", "surface_dice"), values, strict=True):
            assert value is None or means[model, metric] == pytest.approx(value), (model, metric)
    assert 0 < means["nnUNetTrainer", "surface_dice"] < 1
    test = next(t for t in found.tests if (t.model, t.label, t.metric) == ("UNetTrainer", FOREGROUND, "dice"))
    assert (test.cases, test.difference, test.low, test.high) == (3, 0.25, 0.25, 0.25)
    # Three differences of one sign: 2 of 8; two models.
    assert (test.p, test.p_holm, test.effect_size, test.verdict) == (0.25, 0.5, 1, None)
    assert found.margins == {"dice": 0.01}
    assert found.left_out == {}
    assert "LUnetTrainer_w8" in compare.printed() and "+25.0" in compare.printed()


def test_the_baseline_is_the_first_named_or_the_largest(three, compare, monkeypatch):
    sizes = {"LUnetTrainer_w8": 10, "UNetTrainer": 30, "nnUNetTrainer": 30}
    monkeypatch.setattr(costs, "cost", lambda candidate, step: (Cost(NetworkCost(sizes[candidate.name])), [], []))
    assert compare("all").baseline == "UNetTrainer"
    assert compare("named", models=["LUnetTrainer_w8", "UNetTrainer"]).baseline == "LUnetTrainer_w8"


def test_dice_is_that_of_nnunets_summary(three, compare):
    found = compare()
    for model in ("UNetTrainer", "LUnetTrainer_w8", "nnUNetTrainer"):
        expected = by_nnunet(three.fold(model), {1: "front", 2: "back"})
        assert len(expected) == 6
        assert dice_of(found, model) == expected


def test_regions_ignored_voxels_and_structures_that_are_not_there(make, compare):
    made = make(
        labels={"background": 0, "whole": [1, 2], "front": 1, "ignore": 3}, more={"regions_class_order": [2, 1]}
    )
    volumes = [both(0), both(1), box((1, 1, 1), value=2), np.zeros((6, 10, 12), np.uint8)]
    for index, volume in enumerate(volumes):
        reference = volume.copy()
        reference[:, :2] = 3
        made.reference(f"case_{index}", reference)
    predictions = {f"case_{index}": volume for index, volume in enumerate(volumes)}
    exact = made.trained("UNetTrainer", predictions)
    other = made.trained("LUnetTrainer", {**predictions, "case_0": both(2), "case_1": 0 * both(0), "case_3": both(0)})
    found = compare()
    assert found.labels == {2: "whole", 1: "front"}
    names = {(1, 2): "whole", 1: "front"}
    assert dice_of(found, "UNetTrainer") == by_nnunet(exact, names)
    assert dice_of(found, "LUnetTrainer") == by_nnunet(other, names)
    scores = {(s.model, s.case, s.label): s for s in found.scores}
    missed = scores["LUnetTrainer", "case_1", "front"]
    assert (missed.values["dice"], missed.values["hausdorff95"], missed.values["surface_dice"], missed.note) == (
        0,
        None,
        0,
        "prediction is empty",
    )
    nothing = scores["UNetTrainer", "case_3", FOREGROUND]
    assert (nothing.values["dice"], nothing.values["surface_dice"]) == (None, None)
    assert nothing.note.startswith("whole: reference and prediction are empty; front:")
    # The mean of case 2 is that of the label that is there.
    assert (
        scores["UNetTrainer", "case_2", FOREGROUND].values["dice"]
        == scores["UNetTrainer", "case_2", "whole"].values["dice"]
        == 1
    )
    counted = {(e.model, e.label): (e.cases, e.undefined) for e in found.summaries if e.metric == "hausdorff95"}
    assert counted["UNetTrainer", "whole"] == (3, 1)
    assert any("ignore label" in note for note in found.notes) and any("both empty" in note for note in found.notes)


def test_a_label_that_is_named_foreground(make, compare):
    made = make(labels={"background": 0, "foreground": 1})
    for index in range(2):
        made.reference(f"case_{index}", box((1, 1, 1)))
    made.trained("UNetTrainer", {f"case_{index}": box((1, 1, 1)) for index in range(2)})
    assert {score.label for score in compare().scores} == {FOREGROUND, "foreground (label)"}


def test_several_seeds_and_folds(make, compare):
    made = make()
    for index in range(4):
        made.reference(f"case_{index}", both(index))
    for fold in (0, 1):
        for seed in (1, 2):
            cases = {f"case_{i}": both(i, shift=seed - 1) for i in (2 * fold, 2 * fold + 1)}
            made.trained(f"LUnetTrainer_seed{seed}", cases, fold)
        made.trained("UNetTrainer", {f"case_{i}": both(i, shift=2 * fold) for i in (2 * fold, 2 * fold + 1)}, fold)
    made.trained("UNetTrainer", {"case_9": both(0)}, 2, finished=False)
    found = compare(models=["UNetTrainer", "LUnetTrainer"])
    assert found.baseline == "UNetTrainer"
    assert found.models[1].runs == [("0", 1), ("1", 1), ("0", 2), ("1", 2)]
    own = {(e.model, e.metric): e for e in found.summaries if e.label == FOREGROUND}
    lean, stock = own["LUnetTrainer", "dice"], own["UNetTrainer", "dice"]
    # Seed 1 is exact, seed 2 one voxel off: Dice 1 and 0.75 in each case. The baseline: 1 and 0.5 by fold.
    assert (lean.mean, lean.over_cases, lean.over_folds) == (0.875, 0, 0)
    assert lean.over_seeds == pytest.approx(0.25 / 2**0.5)
    assert (stock.mean, stock.over_seeds) == (0.75, None)
    assert stock.over_folds == pytest.approx(0.5 / 2**0.5)
    assert any("fold 2 of UNetTrainer" in note for note in found.notes)
    assert "fold 2 of UNetTrainer" in compare.printed()


def test_cases_that_one_lacks_are_listed_and_in_no_mean(three, compare):
    (three.fold("UNetTrainer") / "validation" / "case_1.nii.gz").unlink()
    (three.references / "case_2.nii.gz").rename(three.root / "case_2.nii.gz")
    three.reference("case_7", both(0))
    for model in ("UNetTrainer", "LUnetTrainer_w8", "nnUNetTrainer"):
        three.write(three.fold(model) / "validation" / "case_7.nii.gz", both(0))
    found = compare()
    assert {score.case for score in found.scores} == {"case_0", "case_7"}
    assert found.left_out == {"UNetTrainer": ["case_1"]}
    assert "Left out: 1 case without a prediction of UNetTrainer, such as case_1." in compare.printed()
    assert compare.printed().count("Left out, because there is no reference: case_2.") == 1
    assert "- UNetTrainer: case_1\n" in (files_of(compare, three) / "comparison.md").read_text()


def test_the_margin_is_declared_before_anything_is_scored(three, compare, tmp_path, monkeypatch):
    def scored(*arguments):
        raise UserError("stopped")

    with monkeypatch.context() as stopped, pytest.raises(UserError, match="stopped"):
        stopped.setattr(scoring, "score", scored)
        compare(margins=["dice=0.02", "hausdorff95=1"], margin_reason="raters differ by 3 points")
    declared = json.loads((tmp_path / "out" / files.DECLARED).read_text())
    assert declared["margins"] == {"dice": 0.02, "hausdorff95": 1}
    assert declared["margin_reason"] == "raters differ by 3 points"
    assert declared["primary_endpoint"] == "foreground dice"
    assert datetime.fromisoformat(declared["declared"]) <= datetime.now(timezone.utc)
    # The folder counts as empty, and the record has the same.
    found = compare(margins=["dice=0.02", "hausdorff95=1"], margin_reason="raters differ by 3 points")
    assert (found.margins, found.margin_reason) == (declared["margins"], declared["margin_reason"])
    text = (tmp_path / "out" / "comparison.md").read_text()
    assert "Margin of non-inferiority: Dice 2 points, HD95 (mm) 1 mm. Why: raters differ by 3 points." in text


def test_a_large_margin_is_taken_if_it_is_meant(three, compare):
    assert compare(margins=["0.2"], large_margin=True).margins == {"dice": 0.2}


def test_two_seeds_of_both_give_verdicts_and_one_gives_none(make, compare, tmp_path):
    made = make()
    for index in range(6):
        made.reference(f"case_{index}", both(index))
    for seed in (1, 2):
        for trainer, shift in (("UNetTrainer", 0), ("LUnetTrainer", 2)):
            # With seed 2, one case is worse by a voxel.
            cases = {f"case_{i}": both(i, shift=shift + (seed == 2 and i == 0)) for i in range(6)}
            made.trained(f"{trainer}_seed{seed}", cases)
    made.trained("LUnetTrainer_w8", {f"case_{index}": both(index, shift=2) for index in range(6)})
    found = compare(models=["UNetTrainer", "LUnetTrainer", "LUnetTrainer_w8"])
    tests = {(test.model, test.metric): test for test in found.tests if test.label == FOREGROUND}
    lean = tests["LUnetTrainer", "dice"]
    assert (lean.verdict, lean.over_seeds, lean.seeds, lean.baseline_seeds) == (Verdict.INFERIOR, True, 2, 2)
    assert (lean.wins, lean.ties, lean.losses) == (0, 0, 6)
    single = tests["LUnetTrainer_w8", "dice"]
    assert (single.verdict, single.over_seeds, single.seeds, single.baseline_seeds) == (None, False, 1, 2)
    assert any(note.startswith("Of these trained networks alone: LUnetTrainer_w8.") for note in found.notes)
    rows = [row for row in csv.DictReader((tmp_path / "out" / "tests.csv").open()) if row["metric"] == "dice"]
    assert [row["verdict"] for row in rows if row["model"] == "LUnetTrainer"] == ["inferior"] * 3
    assert [row["verdict"] for row in rows if row["model"] == "LUnetTrainer_w8"] == [""] * 3
    text = (tmp_path / "out" / "comparison.md").read_text()
    assert "worse (these networks)" in text and "| inferior |" in text
    assert "What the differences vary by" in text


def test_cases_of_a_patient_count_as_one(make, compare, tmp_path):
    made = make()
    for index in range(6):
        made.reference(f"case_{index}", both(index))
    for trainer, shift in (("UNetTrainer", 0), ("LUnetTrainer", 2)):
        for seed in (1, 2):
            made.trained(f"{trainer}_seed{seed}", {f"case_{i}": both(i, shift=shift * (i < 4)) for i in range(6)})
    groups = tmp_path / "patients.csv"
    groups.write_text("case,group\n" + "".join(f"case_{i},patient {max(i - 3, 0)}\n" for i in range(6)))
    models = ["UNetTrainer", "LUnetTrainer"]
    by_case, by_patient = compare("cases", models=models), compare("patients", models=models, groups=groups)
    first, second = ({(t.model, t.label, t.metric): t for t in each.tests} for each in (by_case, by_patient))
    key = ("LUnetTrainer", FOREGROUND, "dice")
    assert (first[key].cases, first[key].unit, second[key].cases, second[key].unit) == (6, "cases", 3, "groups")
    # Four of six cases are worse, of one of three patients.
    assert second[key].difference == pytest.approx(first[key].difference / 2)
    assert by_patient.groups["case_0"] == by_patient.groups["case_3"] != by_patient.groups["case_4"]
    text = (tmp_path / "patients" / "comparison.md").read_text()
    assert "6 cases are 3 groups" in text and "standard deviation over groups" in text
    assert "6 cases in 3 groups" in vars(compare)["printed"]()
    with pytest.raises(UserError, match="no column 'case'"):
        compare("none", groups=tmp_path / "cases" / "tests.csv")


def test_missed_structures_and_missing_predictions_count_as_the_worst(three, compare, tmp_path):
    three.write(three.fold("UNetTrainer") / "validation" / "case_1.nii.gz", 0 * both(1))
    (three.fold("UNetTrainer") / "validation" / "case_2.nii.gz").unlink()
    found = compare(baseline="LUnetTrainer_w8")
    # 6 by 10 by 12 voxels of 3, 1.5 and 1 mm.
    diagonal = math.hypot(18, 15, 12)
    assert found.diagonals == pytest.approx({f"case_{index}": diagonal for index in range(3)})
    assert {score.case for score in found.scores} == {"case_0", "case_1"}
    assert {(score.model, score.case) for score in found.left_out_scores} == {
        ("LUnetTrainer_w8", "case_2"), ("nnUNetTrainer", "case_2"),
    }  # fmt: skip
    rows = {(row.model, row.metric): row for row in found.sensitivity if row.label == FOREGROUND}
    assert (rows["UNetTrainer", "dice"].missing, rows["UNetTrainer", "dice"].runs) == (1, 3)
    assert rows["UNetTrainer", "dice"].mean == pytest.approx((0.75 + 0 + 0) / 3)
    distance = rows["UNetTrainer", "hausdorff95"]
    assert (distance.undefined, distance.missing) == (1, 1)
    own = next(s for s in found.scores if (s.model, s.case, s.label) == ("UNetTrainer", "case_0", FOREGROUND))
    assert distance.mean == pytest.approx((own.values["hausdorff95"] + 2 * diagonal) / 3)
    assert rows["LUnetTrainer_w8", "hausdorff95"].difference is None
    text = (tmp_path / "out" / "comparison.md").read_text()
    assert "| UNetTrainer | HD95 | 1 of 3 runs | 1 of 3 runs |" in text
    assert (tmp_path / "out" / "sensitivity.csv").read_text().count("\n") == 1 + len(found.sensitivity)


def test_few_cases_are_said_to_show_nothing(three, compare):
    found = compare()
    assert any(
        "With 3 cases no p value of one seed can be below 0.05 (the smallest is 0.25)" in note for note in found.notes
    )


def test_references_that_nobody_predicted_are_named(three, compare):
    three.reference("case_8", both(0))
    options = {"references": three.references, "predictions": [f"A={three.fold('UNetTrainer') / 'validation'}"]}
    compare("folders", **options)
    assert "Left out, because no model predicted it: case_8." in compare.printed()


def files_of(compare, made):
    return made.root.parent / "out"


def test_folders_of_predictions_need_no_dataset(make, compare, tmp_path):
    made = make()
    references = tmp_path / "unseen" / "labels"
    for index in range(2):
        made.write(references / f"case_{index}.nii.gz", both(index))
        made.write(tmp_path / "a=b" / f"case_{index}.nii.gz", both(index))
        made.write(tmp_path / "c" / f"case_{index}.nii.gz", both(index, shift=1))
    made.describe(references.parent)
    options = {"predictions": [f"our lean one={tmp_path / 'a=b'}", f"B={tmp_path / 'c'}"], "references": references}
    found = compare(dataset=None, **options)
    assert (found.dataset, found.baseline) == ("Made", "our lean one")
    assert [(m.name, m.trainer, m.runs, m.cost.network.parameters) for m in found.models] == [
        ("our lean one", None, [(None, None)], None), ("B", None, [(None, None)], None),
    ]  # fmt: skip
    assert fmean(s.values["dice"] for s in found.scores if s.model == "B") == 0.75
    # Beside a trained model on the same cases.
    for index in range(2):
        made.reference(f"case_{index}", both(index))
    made.trained("UNetTrainer", {f"case_{index}": both(index) for index in range(2)})
    found = compare("mixed", models=["UNetTrainer"], **options)
    assert [model.name for model in found.models] == ["UNetTrainer", "our lean one", "B"]


def planted(made, trainer, folds, shift=0, finished=True):
    for fold in folds:
        cases = {f"case_{index}": both(index % 3, shift) for index in (2 * fold, 2 * fold + 1)}
        made.trained(trainer, cases, fold, finished)


def test_a_folder_full_of_experiments(make, compare):
    made = make()
    for index in range(10):
        made.reference(f"case_{index}", both(index % 3))
    for shift, trainer in enumerate(("UNetTrainer", "LUnetTrainer_w8", "nnUNetTrainer")):
        planted(made, trainer, range(5), shift)
    planted(made, "LUnetTrainer_w8_seed1", range(2))
    planted(made, "LUnetTrainer_w4", [2])
    planted(made, "LUnetTrainer_w2", [0, 1], finished=False)
    found = compare()
    assert [(model.name, len(model.runs)) for model in found.models] == [
        ("LUnetTrainer_w8", 5), ("UNetTrainer", 5), ("nnUNetTrainer", 5),
    ]  # fmt: skip
    # A cube of 4 voxels, moved by one.
    assert {s.values["dice"] for s in found.scores if s.model == "LUnetTrainer_w8"} == {0.75}
    expected = [
        "Not compared, because its validation is not finished: folds 0, 1 of LUnetTrainer_w2:nnUNetPlans:3d_fullres.",
        "Not compared, because it lacks folds 0, 1, 3, 4: LUnetTrainer_w4 (-f 2 takes it).",
        "Not compared, because it lacks folds 2, 3, 4: LUnetTrainer_w8 seed 1 (-f 0,1 takes it).",
    ]
    assert [note for note in found.notes if note.startswith("Not compared")] == expected
    printed = compare.printed()
    assert [printed.count(note) for note in expected] == [1, 1, 1]
    # As a note says, and a baseline that is asked for stays.
    for options in ({"folds": ["2"]}, {"baseline": "LUnetTrainer_w4"}):
        named = compare(f"fold {options}", **options)
        assert {(model.name, *model.runs) for model in named.models} == {
            (name, ("2", None)) for name in ("UNetTrainer", "LUnetTrainer_w8", "nnUNetTrainer", "LUnetTrainer_w4")
        }
    # Models that are named are not left out.
    with pytest.raises(UserError, match="no fold is validated for all models"):
        compare("named", models=["LUnetTrainer_w4", "LUnetTrainer_w8_seed1"])


def test_experiments_that_have_nothing_in_common(make, compare, tmp_path):
    made = make()
    for index in range(4):
        made.reference(f"case_{index}", both(index))
    planted(made, "UNetTrainer", [0])
    planted(made, "LUnetTrainer", [1])
    with pytest.raises(UserError, match="no two models have a fold in common: LUnetTrainer has fold 1; UNetT") as told:
        compare()
    assert "\n" not in str(told.value) and not (tmp_path / "out").exists()


@pytest.fixture
def unseen(make, tmp_path):
    """Options for two folders of label maps of two cases, without a data set; ``tmp_path / "images"`` is there."""
    made = make()
    for index in range(2):
        made.write(tmp_path / "labels" / f"case_{index}.nii.gz", both(index))
        for shift in range(2):
            made.write(tmp_path / f"shift {shift}" / f"case_{index}.nii.gz", both(index, shift))
    made.describe(tmp_path / "labels")
    (tmp_path / "images").mkdir()
    return {
        "dataset": None, "predictions": [f"{shift}={tmp_path / f'shift {shift}'}" for shift in range(2)],
        "references": tmp_path / "labels", "images": tmp_path / "images",
    }  # fmt: skip


def test_images_of_folders_are_drawn(unseen, compare, tmp_path):
    images = [tmp_path / "images" / f"case_{index}_0000.nii.gz" for index in range(2)]
    for index, image in enumerate(images):
        shutil.copy(tmp_path / "labels" / f"case_{index}.nii.gz", image)
    found = compare(**unseen)
    assert {case.case: case.image for case in found.worst} == {f"case_{i}": str(images[i]) for i in range(2)}
    assert not any("Without an image" in note for note in found.notes)
    bare = compare("bare", **{**unseen, "images": None})
    assert [case.image for case in bare.worst] == [None, None] and bare.scores == found.scores
    images[1].unlink()
    few = compare("few", **unseen)
    assert {case.case: case.image for case in few.worst} == {"case_0": str(images[0]), "case_1": None}
    assert "Without an image, so on black if drawn: case_1." in few.notes


@pytest.mark.parametrize(
    ("images", "told"),
    [
        ("images", r"--images .*images has no image of these cases, such as case_0_0000\.nii\.gz"),
        ("nowhere", "--images .*nowhere is no folder"),
    ],
)
def test_a_folder_without_these_images_is_told(unseen, compare, tmp_path, images, told):
    (tmp_path / "images" / "case_0.nii.gz").touch()
    with pytest.raises(UserError, match=told):
        compare(**{**unseen, "images": tmp_path / images})
    assert not (tmp_path / "out").exists()


def test_training_references_are_not_those_of_a_folder_that_is_named(three, compare, tmp_path):
    """A test case may have the name of a training case."""
    for index in range(3):
        three.write(tmp_path / "predicted" / f"case_{index}.nii.gz", both(index))
    for index in range(2):
        three.write(tmp_path / "labels" / f"case_{index}.nii.gz", both(index, shift=1))
    found = compare(predictions=[f"A={tmp_path / 'predicted'}"], references=tmp_path / "labels")
    assert {score.case for score in found.scores} == {"case_0", "case_1"}
    assert "Left out, because there is no reference: case_2." in found.notes


def test_files_hold_every_score_and_both_kinds_of_nothing(three, compare):
    folder = files_of(compare, three)
    found = compare(margins=["0.05", "hausdorff95=2"], margin_reason="as raters differ")
    rows = list(csv.DictReader((folder / "scores.csv").open()))
    assert len(rows) == len(found.scores) == 3 * 3 * 3
    assert rows[0] == {
        "model": "LUnetTrainer_w8", "fold": "0", "seed": "", "case": "case_0", "label": "front",
        "dice": "1.0", "hausdorff95": "0.0", "surface_dice": "1.0", "note": "",
    }  # fmt: skip
    assert len(list(csv.DictReader((folder / "summary.csv").open()))) == len(found.summaries) == 27
    assert len(list(csv.DictReader((folder / "tests.csv").open()))) == len(found.tests) == 18
    text = (folder / "comparison.md").read_text()
    assert "| UNetTrainer | 0.750 ± 0.000 | 0.750 ± 0.000 | 0.750 ± 0.000 | – | – |" in text
    assert (folder / "comparison.html").stat().st_size


@pytest.mark.slow
def test_several_processes_find_the_same(three, compare):
    assert compare("two", processes=2) == compare("one")
    three.write(three.fold("UNetTrainer") / "validation" / "case_1.nii.gz", both(1), Origin=(0.0, 0.0, 5.0))
    with pytest.raises(UserError, match=r"^nnunet-lunet: .*case_1\.nii\.gz: its origin"):
        compare("three", processes=2)


def test_a_folder_with_something_in_it_is_not_written_to(three, compare, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "comparison.md").write_text("mine")
    with pytest.raises(UserError, match="is not empty"):
        compare()
    assert [(f.name, f.read_text()) for f in (tmp_path / "out").iterdir()] == [("comparison.md", "mine")]
    compare(overwrite=True)
    assert (tmp_path / "out" / "comparison.md").read_text() != "mine"


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_scored(three, compare, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "score", None)
    (tmp_path / "locked").mkdir()
    with read_only(tmp_path / "locked"), pytest.raises(UserError, match="locked cannot be written"):
        compare("locked/out")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"--output .*file is no folder"):
        compare("file")


def bad_geometry(made):
    made.write(made.fold("UNetTrainer") / "validation" / "case_1.nii.gz", both(1), Spacing=(1.0, 1.0, 1.0))


def bad_label(made):
    made.write(made.fold("UNetTrainer") / "validation" / "case_1.nii.gz", both(1) * 2)


def cut_off(made):
    file = made.fold("UNetTrainer") / "validation" / "case_1.nii.gz"
    file.write_bytes(file.read_bytes()[:-20])


def no_reference(made):
    for file in made.references.iterdir():
        file.unlink()


def broken_description(made):
    (made.references.parent / "dataset.json").write_text("{")


def odd_labels(made):
    content = {"labels": {"front": 1}, "file_ending": ".nii.gz"}
    (made.references.parent / "dataset.json").write_text(json.dumps(content))


READ_WHILE_SCORING = (bad_geometry, bad_label, cut_off)


@pytest.mark.parametrize(
    ("harm", "options", "told"),
    [
        (bad_geometry, {}, r"UNetTrainer.*case_1\.nii\.gz: its spacing \(1 1 1\) is not that of .* \(3 1\.5 1\)"),
        (bad_label, {}, r"case_1\.nii\.gz has label 4: the labels of the data set are 0, 1, 2"),
        (cut_off, {}, r"case_1\.nii\.gz cannot be read"),
        (no_reference, {}, "no references .*--references"),
        (broken_description, {}, r"dataset\.json cannot be read"),
        (odd_labels, {}, "labels of dataset.json: RuntimeError: Background"),
        (None, {"models": ["LUnetTrainer_w9"]}, "did you mean LUnetTrainer_w8"),
        (None, {"baseline": "UnetTrainer"}, "--baseline 'UnetTrainer' is none of the models: did you mean UNetTrainer"),
        (None, {"dataset": "951"}, "-d 951: Could not find a dataset"),
        (None, {"dataset": "made"}, "-d made: use a number"),
        (None, {"dataset": None}, "name a dataset with -d"),
        (None, {"folds": ["x"]}, "-f 'x'"),
        (None, {"folds": ["4"]}, "-f 4: not validated"),
        (None, {"tolerances": ["-1"]}, "--tolerance -1"),
        (None, {"tolerances": ["fornt=1"]}, "--tolerance fornt=1: no label 'fornt': did you mean front"),
        (None, {"margins": ["0"]}, "--margin 0"),
        (None, {"margins": ["0.2"]}, "--margin dice 0.2: more than 10 points .*; say --yes if that is meant"),
        (None, {"processes": 0}, "--processes 0"),
        (None, {"predictions": ["A"]}, "write NAME=FOLDER"),
        (None, {"predictions": ["A=/nowhere"]}, "--predictions A=/nowhere: /nowhere is no folder"),
        (None, {"predictions": ["A=/", "A=/tmp"]}, "'A' is there twice"),
        (None, {"references": Path("/nowhere")}, "--references /nowhere is no folder"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_and_nothing_written(three, compare, tmp_path, harm, options, told):
    if harm is not None:
        harm(three)
    with pytest.raises(UserError, match=told) as raised:
        compare(**options)
    assert "\n" not in str(raised.value)
    # What was declared before the files were read stays.
    assert [file.name for file in (tmp_path / "out").glob("*")] == [files.DECLARED] * (harm in READ_WHILE_SCORING)


def test_two_models_of_one_name(three, compare, tmp_path):
    three.write(tmp_path / "more" / "case_0.nii.gz", both(0))
    with pytest.raises(UserError, match="two models are named 'UNetTrainer'"):
        compare(models=["UNetTrainer"], predictions=[f"UNetTrainer={tmp_path / 'more'}"])


def test_worst_cases_have_files_to_draw(three, compare):
    three.write(three.fold("UNetTrainer") / "validation" / "case_1.nii.gz", 0 * both(1))
    image = three.root / "nnUNet_raw" / "Dataset950_Made" / "imagesTr" / "case_1_0000.nii.gz"
    three.write(image, both(1))
    worst = compare().worst
    assert worst[0].case == "case_1" and len(worst) == 3
    assert worst[0].image == str(image) and worst[1].image is None
    assert worst[0].reference == str(three.references / "case_1.nii.gz")
    assert worst[0].files["UNetTrainer"] == str(three.fold("UNetTrainer") / "validation" / "case_1.nii.gz")
    assert worst[0].dice == {"UNetTrainer": 0, "LUnetTrainer_w8": 1, "nnUNetTrainer": 0.5}


@pytest.fixture
def pruned(three):
    """A fourth model, which lost half of its parameters on the way."""
    fold = three.trained("LUnetPruningTrainer_keep5", {f"case_{index}": both(index, shift=1) for index in range(3)})
    epochs = [
        {"epoch": epoch, "parameters": size, "multiply_adds": 1000 * size, "pseudo_dice": dice}
        for epoch, (size, dice) in enumerate([(1000, 0.5), (800, 0.75), (500, 0.25)])
    ]
    (fold / "pruning_history.json").write_text(json.dumps({"epochs": epochs, "marks": {"50": 2}}))
    return fold


def test_a_pruning_run_is_in_the_files_and_on_the_page(pruned, compare, tmp_path):
    found = compare()
    (run,) = found.pruning
    assert (run.model, run.fold, run.parameters, run.kept) == (
        "LUnetPruningTrainer_keep5", "0", [1000, 800, 500], {"50": 2},
    )  # fmt: skip
    row = "| LUnetPruningTrainer_keep5 | 0.750 (epoch 2 of 3) | 800 (80 %) | 800 k | 0.250 | 500 (50 %) | 500 k |"
    assert row in (tmp_path / "out" / "comparison.md").read_text()
    assert "Along the pruning runs" in (tmp_path / "out" / "comparison.html").read_text()
    assert (tmp_path / "out" / "dice_along_pruning.png").stat().st_size
    assert sum(note.startswith("Along a pruning run") for note in found.notes) == 1
    # Without the record: no old picture stays, and the rest is as before.
    (pruned / "pruning_history.json").write_text("{")
    damaged = compare(overwrite=True)
    assert damaged.pruning == [] and damaged.scores == found.scores
    (said,) = [note for note in damaged.notes if "pruning history" in note]
    assert said.startswith("No pruning history of LUnetPruningTrainer_keep5, fold 0:")
    assert said in compare.printed()
    assert not (tmp_path / "out" / "dice_along_pruning.png").exists()


def test_costs_of_real_trainings(tiny, tmp_path):
    """Two seeds and a baseline, by the stock command; the baseline is the larger network."""
    for trainer in ("LUnetTrainer_w2_1epochs_1iters_seed1", "LUnetTrainer_w2_1epochs_1iters_seed2"):
        tiny.train(trainer)
    tiny.train("UNetTrainer_w2_1epochs_1iters")
    models = ["LUnetTrainer_w2_1epochs_1iters", "UNetTrainer_w2_1epochs_1iters"]
    with tiny.active():
        request = Request("901", baseline=models[1], models=models, command="lunet compare")
        found = command.run(request, tmp_path / "out", Console(file=io.StringIO()))
    stock, lean = found.models
    assert [len(model.runs) for model in found.models] == [1, 2]
    folds = [tiny.fold(f"LUnetTrainer_w2_1epochs_1iters_seed{seed}") for seed in (1, 2)]
    parameters = known(results.trained_fold(folds[0], 1).network.parameters)
    assert lean.cost.network.parameters == parameters < known(stock.cost.network.parameters)
    seconds = [results.trained_fold(fold, 1).seconds_per_iteration for fold in folds]
    assert lean.cost.seconds_per_epoch == pytest.approx(fmean(seconds))
    assert 0 < known(lean.cost.network.multiply_adds) < known(stock.cost.network.multiply_adds)
    assert len(set(known(lean.cost.network.channels_per_level)[:-1])) == 1
    names = {1: "front", 2: "back"}
    for seed, fold in enumerate(folds, 1):
        own = replace(found, scores=[score for score in found.scores if score.seed in (seed, None)])
        assert dice_of(own, models[0]) == by_nnunet(fold, names)
