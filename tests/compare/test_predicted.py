"""Folders of predictions, and the checkpoints that made them."""

import io
import json
import shutil

import pytest
from conftest import known
from rich.console import Console

from nnunet_lunet.compare import predicted
from nnunet_lunet.compare import run as command
from nnunet_lunet.compare.request import Request
from nnunet_lunet.compare.selection import Candidate
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import networks

TRAINER = "LUnetPruningTrainer_w4_keep5"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Makes folders with one label map each; the test works beside them."""
    monkeypatch.chdir(tmp_path)

    def made(name, plans=None):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "case.nii.gz").touch()
        if plans:
            (tmp_path / name / "plans.json").write_text(json.dumps({"plans_name": plans}))

    return made


def checkpoint(name="keep50", trainer=TRAINER, fold=0, plans="nnUNetPlans", configuration="3d_fullres"):
    """Nothing of it is there: its path says enough."""
    return f"results/{trainer}__{plans}__{configuration}/fold_{fold}/checkpoint_{name}.pth"


def shown(*asked, trained=()):
    found = predicted.candidates(predicted.read(asked), trained, ".nii.gz")
    return {candidate.name: [(run.fold, run.seed) for run in candidate.runs] for candidate in found}


def test_a_checkpoint_gives_its_label_and_a_name_of_ones_own_wins(folder):
    for name in ("a", "b", "c"):
        folder(name)
    assert shown(f"{checkpoint()}=a", f"half={checkpoint()}=b", "old=c") == {
        f"{TRAINER} (keep50)": [("0", None)], "half": [("0", None)], "old": [(None, None)],
    }  # fmt: skip
    (first, _, plain) = predicted.candidates(
        predicted.read([f"{checkpoint()}=a", f"half={checkpoint()}=b", "old=c"]), [], ".nii.gz"
    )
    assert (first.trainer, first.plans, first.configuration, first.checkpoint) == (
        TRAINER, "nnUNetPlans", "3d_fullres", "checkpoint_keep50.pth",
    )  # fmt: skip
    assert (plain.trainer, plain.checkpoint) == (None, None)


def test_folds_and_seeds_of_one_checkpoint_are_one_model(folder):
    for name in "abcd":
        folder(name)
    found = shown(
        f"{checkpoint()}=a", f"{checkpoint(fold=1)}=b", f"{checkpoint(trainer=f'{TRAINER}_seed3')}=c",
        f"{checkpoint('keep25')}=d",
    )  # fmt: skip
    assert found == {
        f"{TRAINER} (keep50)": [("0", None), ("1", None), ("0", 3)], f"{TRAINER} (keep25)": [("0", None)],
    }  # fmt: skip
    with pytest.raises(UserError, match=r"two folders are of checkpoint_keep50\.pth of one fold"):
        shown(f"{checkpoint()}=a", f"{checkpoint()}=b")


def test_plans_are_in_the_label_where_those_of_the_other_models_differ(folder):
    folder("a")
    other = Candidate("LUnetTrainer:LUnet8Plans", "LUnetTrainer", "LUnet8Plans", "3d_fullres", [])
    assert list(shown(f"{checkpoint()}=a", trained=[other])) == [f"{TRAINER}:nnUNetPlans (keep50)"]


def test_paths_with_equals_signs(folder, tmp_path):
    folder("x=1")
    file = tmp_path / "lr=1" / checkpoint()
    file.parent.mkdir(parents=True)
    assert list(shown("a=x=1")) == ["a"]
    assert list(shown(f"half={file}=x=1")) == ["half"]
    file.touch()
    assert list(shown(f"{file}=x=1")) == [f"{TRAINER} (keep50)"]
    assert list(shown(f"momentum=0.9={file}=x=1")) == ["momentum=0.9"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["a"], r"write NAME=FOLDER, CHECKPOINT=FOLDER or NAME=CHECKPOINT=FOLDER"),
        (["=a"], "write NAME=FOLDER"),
        ([f"{checkpoint()}="], "write NAME=FOLDER"),
        ([f" ={checkpoint()}=a"], "write NAME=FOLDER"),
        ([f"{checkpoint()}=nowhere"], "nowhere is no folder"),
        (["here/checkpoint_keep50.pth=a"], r"does not lie in a fold of a model; name it as .*fold_0/checkpoint_NAME"),
        ([f"{checkpoint()}=empty"], r"--predictions results/.*: there is no \.nii\.gz file in it"),
        ([f"{checkpoint()}=other"], "its plans.json is of LUnet8Plans, that checkpoint is of nnUNetPlans"),
        (["x=a", "x=other"], "'x' is there twice"),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_line(folder, tmp_path, asked, told):
    folder("a")
    folder("other", plans="LUnet8Plans")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=told) as raised:
        shown(*asked)
    assert "\n" not in str(raised.value)


def test_a_stock_prediction_of_a_kept_checkpoint_has_the_cost_of_its_network(tiny, tmp_path):
    trainer = "LUnetPruningTrainer_w2_keep50_3epochs_1iters"
    tiny.train(trainer)
    fold, kept = tiny.fold(trainer), "checkpoint_keep50.pth"
    # Another network than the last: that of the training without pruning.
    tiny.train("UNetTrainer_w2_1epochs_1iters")
    shutil.copy(tiny.fold("UNetTrainer_w2_1epochs_1iters") / "checkpoint_final.pth", fold / kept)
    images = tmp_path / "images"
    images.mkdir()
    for file in (fold / "validation").glob("*.nii.gz"):
        name = file.name.removesuffix(".nii.gz")
        shutil.copy(tiny.raw / "imagesTr" / f"{name}_0000.nii.gz", images)
    tiny.call(
        "nnUNetv2_predict", "-d", tiny.dataset_id, "-i", images, "-o", tmp_path / "half", "-tr", trainer, "-c",
        "3d_fullres", "-f", 0, "-chk", kept, "-device", "cpu", "-npp", "0", "-nps", "0", "--disable_tta",
    )  # fmt: skip
    with tiny.active():
        request = Request("901", models=[trainer], predictions=[f"{fold / kept}={tmp_path / 'half'}"])
        found = command.run(request, tmp_path / "out", Console(file=io.StringIO()))
        last, half = (networks.cost_of_fold(fold, name) for name in ("checkpoint_final.pth", kept))
    assert [(model.name, model.runs) for model in found.models] == [
        (trainer, [("0", None)]), (f"{trainer} (keep50)", [("0", None)]),
    ]  # fmt: skip
    assert [model.cost.network for model in found.models] == [last, half]
    assert 0 < known(last.activation_bytes) < known(half.activation_bytes)
    assert known(last.multiply_adds) < known(half.multiply_adds) and last.channels_per_level != half.channels_per_level
    # The history of the run is there once.
    assert [(run.model, len(run.parameters)) for run in found.pruning] == [(trainer, 3)]
    text = (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")
    assert "(keep50)" in text and "Along the pruning runs" in text
    assert (tmp_path / "out" / "dice_along_pruning.png").stat().st_size

    # Where the model is gone, its name is told and no cost.
    gone = str(fold / kept).replace("fold_0", "fold_1")
    with tiny.active():
        request = Request("901", predictions=[f"{gone}={tmp_path / 'half'}"])
        found = command.run(request, tmp_path / "gone", Console(file=io.StringIO()))
    assert found.models[0].name == f"{trainer} (keep50)" and found.models[0].cost.network.parameters is None
    assert sum("checkpoint_keep50.pth cannot be read" in note for note in found.notes) == 1
