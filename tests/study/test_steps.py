"""How far a training is by nnU-Net's files, and which commands are left."""

import json

import pytest
import torch

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import training_state
from nnunet_lunet.study import steps
from nnunet_lunet.study.matrix import Origin, Training
from nnunet_lunet.study.request import Predict
from nnunet_lunet.study.steps import Settings

TRAINER = "UNetTrainer_3epochs_seed2"
CELL = Training("Dataset004_A", "2d", 1, "U-Net", TRAINER, 2, Origin("LUnet8Plans", "nnUNetPlans", "LUnet8"))
TRAIN = ["nnUNetv2_train", "Dataset004_A", "2d", "1", "-tr", TRAINER, "-p", "LUnet8Plans", "-device", "cpu"]


@pytest.fixture
def fold(tmp_path, monkeypatch):
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(name, str(tmp_path / name))
    folder = steps.fold_folder(CELL)
    assert folder == tmp_path / "nnUNet_results/Dataset004_A/UNetTrainer_3epochs_seed2__LUnet8Plans__2d/fold_1"
    folder.mkdir(parents=True)
    return folder


def write(fold, *names):
    for name in names:
        if name.endswith(".pth"):
            torch.save({"weights": torch.zeros(2)}, fold / name)
        else:
            (fold / name).parent.mkdir(exist_ok=True)
            (fold / name).write_text(json.dumps({"foreground_mean": {"Dice": 0.5}}))


SUMMARY = "validation/summary.json"


@pytest.mark.parametrize(
    ("files", "state", "options"),
    [
        ([], "new", []),
        (["validation/x.json"], "new", []),
        (["checkpoint_latest.pth"], "begun", ["--c"]),
        (["checkpoint_best.pth"], "begun", ["--c"]),
        (["checkpoint_best.pth", SUMMARY], "begun", ["--c"]),
        (["checkpoint_final.pth", "checkpoint_best.pth"], "trained", ["--val"]),
        (["checkpoint_final.pth", "checkpoint_best.pth", SUMMARY], "done", None),
    ],
)
def test_the_state_is_what_nnunet_left_there(fold, tmp_path, files, state, options):
    write(fold, *files)
    settings = Settings(tmp_path / "out", "cpu")
    assert steps.state(CELL, settings) == state
    assert steps.commands(CELL, settings, state) == ([] if options is None else [[*TRAIN, *options]])


def test_without_a_folder_it_is_new(fold, tmp_path):
    fold.rmdir()
    assert steps.state(CELL, Settings(tmp_path, "cpu")) == "new"


def test_what_was_cut_off_does_not_count_and_makes_way(fold, tmp_path):
    write(fold, "checkpoint_final.pth", "checkpoint_latest.pth", SUMMARY)
    settings = Settings(tmp_path, "cpu")
    (fold / SUMMARY).write_text((fold / SUMMARY).read_text()[:-3])
    assert steps.state(CELL, settings) == "trained"
    final = fold / "checkpoint_final.pth"
    whole = final.read_bytes()
    final.write_bytes(whole[:-10])
    assert steps.state(CELL, settings) == "begun"
    said = steps.before([*TRAIN, "--c"], CELL, settings)
    assert len(said) == 1 and str(final) in said[0]
    # nnU-Net's --c takes checkpoint_latest.pth now; the remains are kept.
    assert not final.exists() and (fold / "checkpoint_final.pth.cut_off").read_bytes() == whole[:-10]
    assert training_state.is_whole(fold / "checkpoint_latest.pth")


def test_a_training_that_ends_well_but_is_not_validated_is_a_failure(fold, tmp_path):
    write(fold, "checkpoint_final.pth")
    with pytest.raises(UserError, match="is trained after training"):
        steps.after(TRAIN, CELL, Settings(tmp_path, "cpu"))
    write(fold, SUMMARY)
    steps.after(TRAIN, CELL, Settings(tmp_path, "cpu"))


def test_predictions_are_whole_or_not_there(fold, tmp_path):
    settings = Settings(tmp_path / "out", "cpu", Predict(images="imagesTs", labels=str(tmp_path / "labels")))
    folder = tmp_path / "out" / "predictions" / "Dataset004_A" / CELL.name
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    predict = [
        *f"nnUNetv2_predict -d Dataset004_A -i {tmp_path}/nnUNet_raw/Dataset004_A/imagesTs -o {unfinished}".split(),
        *["-tr", "UNetTrainer_3epochs_seed2", "-p", "LUnet8Plans", "-c", "2d", "-f", "1", "-device", "cpu"],
    ]
    json_files = f"-djfile {folder}/dataset.json -pfile {folder}/plans.json".split()
    evaluate = ["nnUNetv2_evaluate_folder", f"{tmp_path}/labels", str(folder), *json_files]
    assert steps.commands(CELL, settings, "new") == [TRAIN, predict, evaluate]
    assert steps.commands(CELL, settings, "trained") == [[*TRAIN, "--val"], predict, evaluate]
    write(fold, "checkpoint_final.pth", SUMMARY)
    assert steps.state(CELL, settings) == "validated"
    assert steps.commands(CELL, settings, "validated") == [predict, evaluate]
    # A prediction that was killed.
    unfinished.mkdir(parents=True)
    (unfinished / "old.nii.gz").touch()
    assert steps.state(CELL, settings) == "validated"
    steps.before(predict, CELL, settings)
    assert not unfinished.exists()
    unfinished.mkdir()
    steps.after(predict, CELL, settings)
    assert steps.state(CELL, settings) == "predicted"
    assert steps.commands(CELL, settings, "predicted") == [evaluate]
    write(folder, "summary.json")
    assert steps.state(CELL, settings) == "done" and steps.commands(CELL, settings, "done") == []
    without_labels = Settings(settings.output, "cpu", Predict(images="imagesTs"))
    (folder / "summary.json").unlink()
    assert steps.state(CELL, without_labels) == "done"
    assert steps.commands(CELL, without_labels, "new") == [TRAIN, predict]


@pytest.mark.usefixtures("fold")
def test_folders_to_predict_are_looked_for_before_anything_starts(tmp_path):
    raw = tmp_path / "nnUNet_raw" / "Dataset004_A"
    settings = Settings(tmp_path / "out", "cpu", Predict(images="imagesTs", labels=str(tmp_path / "labels")))
    for folder in (raw / "imagesTs", tmp_path / "labels"):
        with pytest.raises(UserError, match=f"there is no folder {folder}"):
            settings.check_folders(["Dataset004_A"])
        folder.mkdir(parents=True)
    settings.check_folders(["Dataset004_A"])
    Settings(tmp_path / "out", "cpu").check_folders(["Dataset004_A"])


@pytest.mark.parametrize(
    ("trainer", "epochs"),
    [
        ("LUnetTrainer_w8_20epochs_5iters_seed1", 20), ("LUnetTrainer", 1000), ("nnUNetTrainer", 1000),
        ("nnUNetTrainer_5epochs", 5), ("nnUNetTrainer_1epoch", 1), ("nnUNetTrainer_250epochs_NoMirroring", 250),
    ],
)  # fmt: skip
def test_the_number_of_epochs_is_in_the_name(trainer, epochs):
    assert steps.epochs(Training("Dataset004_A", "2d", 0, "x", trainer, None, Origin("p", "p"))) == epochs
