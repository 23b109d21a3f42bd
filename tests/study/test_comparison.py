"""What a study compares of trainings that are done, as nnU-Net leaves them."""

import io
from collections import Counter

import pytest
from made_results import NAME, both, make
from rich.console import Console

from nnunet_lunet.compare import files
from nnunet_lunet.compare.record import FOREGROUND
from nnunet_lunet.study import comparison, matrix, request
from nnunet_lunet.study.steps import Settings

__all__ = ["make"]

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

    vars(compared).update(raw=raw, out=tmp_path / "out", predict=study.predict)
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
