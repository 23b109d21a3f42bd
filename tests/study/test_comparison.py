"""What a study compares of trainings that are done, as nnU-Net leaves them."""

import io
import shutil
from collections import Counter
from dataclasses import replace
from typing import cast

import pytest
from made_results import NAME, both, make
from rich.console import Console

from nnunet_lunet.compare import files
from nnunet_lunet.compare.over import files as over_files
from nnunet_lunet.compare.record import FOREGROUND, Comparison
from nnunet_lunet.study import comparison, matrix, request
from nnunet_lunet.study.steps import Settings

__all__ = ["make"]
OTHER = "Dataset951_Other"

STUDY = """
datasets: 950
folds: [0, 1]
seeds: [0, 1]
networks:
- {trainer: UNetTrainer, label: "momentum=0.9"}
- {trainer: LUnetTrainer_w8, label: flat}
"""


@pytest.fixture
def compare(make, tmp_path):
    """Compare four trainings of each of two networks; the second is one voxel off, predictions are one further."""
    made = make()
    (tmp_path / "mine.yaml").write_text(STUDY + "predict: {images: imagesTs, labels: labelsTs}\n")
    study = request.read(tmp_path / "mine.yaml")
    trainings = matrix.expand(study, tmp_path / "mine.yaml", [NAME])
    raw = made.root / "nnUNet_raw" / NAME
    for index in range(4):
        made.reference(f"case_{index}", both(index))
        # Of the name of a training case, and another one.
        made.write(raw / "labelsTs" / f"case_{index}.nii.gz", both(index, shift=1))
        made.write(raw / "imagesTs" / f"case_{index}_0000.nii.gz", both(index))

    def compared(predict=study.predict, groups=None):
        settings = Settings(tmp_path / "out", "cpu", predict, groups)
        for training in trainings:
            off = int(training.label == "flat")
            fold = int(training.fold)
            own = [2 * fold, 2 * fold + 1]
            if not made.fold(training.trainer, fold).exists():
                cases = {f"case_{i}": both(i, shift=off) for i in own}
                (made.trained(training.trainer, cases, fold) / "checkpoint_final.pth").touch()
            for index in range(4) if predict else ():
                # Only the second fold is off.
                volume = both(index, shift=1 + off * fold)
                made.write(settings.predictions(training) / f"case_{index}.nii.gz", volume)
        printed = io.StringIO()
        comparison.compare(study, trainings, settings, Console(file=printed, width=200))
        return printed.getvalue()

    def over(change, only=None):
        """Validations of two data sets, the second a copy of the first that was changed."""
        compared(None)
        for folder in ("nnUNet_preprocessed", "nnUNet_results"):
            shutil.copytree(made.root / folder / NAME, made.root / folder / OTHER)
        change(made.root / "nnUNet_results" / OTHER)
        more = [replace(each, dataset=OTHER) for each in trainings if only in (None, each.label)]
        printed = io.StringIO()
        settings = Settings(tmp_path / "out", "cpu", None)
        comparison.compare(study, [*trainings, *more], settings, Console(file=printed, width=200))
        return printed.getvalue()

    vars(compared).update(over=over, raw=raw, out=tmp_path / "out", predict=study.predict)
    return compared


def dice(found):
    return {entry.model: entry.mean for entry in found.summaries if (entry.label, entry.metric) == (FOREGROUND, "dice")}


def test_predictions_are_compared_beside_validations(compare):
    compare()
    validated, predicted = (
        files.read_json(compare.out / f"comparison-{NAME}-3d_fullres{kind}" / files.JSON) for kind in ("", "-predicted")
    )
    assert validated.baseline == predicted.baseline == "momentum=0.9"
    # Cubes of 4 voxels moved by one: 0.75; in one fold of two: 0.875.
    assert dice(validated) == {"momentum=0.9": 1, "flat": 0.75}
    assert dice(predicted) == {"momentum=0.9": 1, "flat": 0.875}
    runs = [("0", 0), ("0", 1), ("1", 0), ("1", 1)]
    assert [(model.name, sorted(model.runs)) for model in predicted.models] == [("momentum=0.9", runs), ("flat", runs)]
    assert predicted.models[1].trainer == "LUnetTrainer_w8"
    # Each case by each network, and once in the tests.
    of_flat = Counter(score.case for score in predicted.scores if (score.model, score.label) == ("flat", FOREGROUND))
    assert of_flat == {f"case_{index}": 4 for index in range(4)}
    assert {test.cases for test in predicted.tests} == {4}
    assert sum("An ensemble of the folds would score otherwise" in note for note in predicted.notes) == 1
    assert not any("An ensemble" in note for note in validated.notes)
    assert predicted.worst[0].image == str(compare.raw / "imagesTs" / f"{predicted.worst[0].case}_0000.nii.gz")
    assert predicted.worst[0].reference == str(compare.raw / "labelsTs" / f"{predicted.worst[0].case}.nii.gz")


def test_cases_of_a_patient_are_one_where_the_study_says_so(compare):
    (compare.raw / "patients.csv").write_text("case,group\ncase_0,p\ncase_1,p\ncase_2,q\ncase_3,q\n")
    compare(groups="patients.csv")
    for folder in compare.out.glob("comparison-*"):
        assert {(test.cases, test.unit) for test in files.read_json(folder / files.JSON).tests} == {(2, "groups")}
    assert len(list(compare.out.glob("comparison-*"))) == 2


def test_without_references_validations_alone_are_compared(compare):
    printed = compare(request.Predict(images="imagesTs"))
    assert [path.name for path in compare.out.glob("comparison-*")] == [f"comparison-{NAME}-3d_fullres"]
    assert "is not compared" not in printed


def test_predictions_that_cannot_be_compared_stop_nothing_else(compare):
    for file in list((compare.raw / "labelsTs").iterdir())[1:]:
        file.unlink()
    printed = compare()
    (told,) = [line for line in printed.splitlines() if "is not compared" in line]
    assert told.startswith(f"{NAME} 3d_fullres predicted is not compared: ") and "needs two" in told
    assert (compare.out / f"comparison-{NAME}-3d_fullres" / files.JSON).is_file()


def test_several_data_sets_are_put_together(compare):
    """The second data set is a copy of the first, so ranks and differences are the same in both."""
    printed = compare.over(lambda folder: None)
    folder = compare.out / "comparison-over-datasets"
    text = (folder / over_files.MARKDOWN).read_text()
    assert text.startswith(f"# 2 models over 2 data sets\n\n{NAME}, {OTHER}; baseline momentum=0.9.")
    assert "| flat | 2 of 2 | −25.0 | 0.0 |" in text and "| momentum=0.9 | 1 (100 %) | 1 (100 %) |" in text
    page = (folder / over_files.PAGE).read_text()
    assert f'href="../comparison-{NAME}-3d_fullres/comparison.html"' in page
    assert (compare.out / f"comparison-{OTHER}-3d_fullres" / files.PAGE).is_file()
    assert not (compare.out / "comparison-over-datasets-predicted").exists() and "not compared" not in printed


def test_what_has_another_baseline_is_told_and_left_out(compare):
    """With a data set less there is one, and nothing to put together."""

    def without_the_first(folder):
        for each in folder.glob("UNetTrainer*"):
            shutil.rmtree(each)

    printed = compare.over(without_the_first, only="flat")
    assert not (compare.out / "comparison-over-datasets").exists()
    assert f"{OTHER} is not compared over datasets: its baseline is not momentum=0.9" in printed


def found(*places):
    """Comparisons of nothing, by dataset, configuration and kind."""
    return {place: cast(Comparison, place) for place in places}


def test_configurations_are_kept_apart_where_a_dataset_has_several():
    a, b, c = ("A", "3d_fullres", ""), ("B", "2d", ""), ("C", "3d_fullres", "")
    assert comparison.over_datasets(found(a, b, c)) == {(): found(a, b, c)}
    both = ("A", "2d", "")
    assert comparison.over_datasets(found(a, both, b, c)) == {("3d_fullres",): found(a, c), ("2d",): found(both, b)}
    predicted = ("A", "3d_fullres", "predicted"), ("C", "3d_fullres", "predicted")
    assert comparison.over_datasets(found(a, c, *predicted)) == {(): found(a, c), ("predicted",): found(*predicted)}
    assert comparison.over_datasets(found(a, both)) == {}
