"""One line that says what to do, a non-zero exit status, nothing overwritten."""

import pytest
import torch
from conftest import read_only

TRAINER = "LUnetTrainer_w4_1epochs_1iters"


def unknown_class(plans):
    plans["configurations"]["3d_fullres"]["architecture"]["network_class_name"] = "some.package.SwinUNETR"


def no_architecture(plans):
    del plans["configurations"]["3d_fullres"]["architecture"]


def refused(done, *says):
    """The command ended with one line of ours, and no traceback."""
    assert done.returncode == 1
    assert "Traceback" not in done.stderr, done.stderr[-2000:]
    lines = [line for line in done.stderr.splitlines() if line.startswith("nnunet-lunet:")]
    assert len(lines) == 1 and done.stderr.rstrip().endswith(lines[0]), done.stderr[-2000:]
    assert all(text in lines[0] for text in says), lines[0]


@pytest.mark.parametrize(("change", "says"), [(unknown_class, "SwinUNETR"), (no_architecture, "'architecture'")])
def test_plans_we_cannot_use(tiny, change, says):
    tiny.edit_plans("Odd", change)
    refused(tiny.shell("nnUNetv2_train", *tiny.training(TRAINER, plans="Odd")), "'Odd'", says)
    assert not list(tiny.root.glob("nnUNet_results/*/*__Odd__*/fold_0/checkpoint*"))


def test_a_trainer_name_of_300_characters(tiny):
    name = "LUnetTrainer_" + "w" * 287
    done = tiny.shell("nnUNetv2_train", *tiny.training(name))
    ours = [line for line in done.stderr.splitlines() if line.startswith("nnunet-lunet:")]
    assert done.returncode == 1 and len(ours) == 1 and "a name is LUnetTrainer, then any of" in ours[0]
    assert "Could not find requested nnunet trainer" in done.stderr


def test_continuing_from_half_a_checkpoint(tiny):
    name = TRAINER.replace("1iters", "3iters")
    tiny.train(name)
    file = tiny.fold(name) / "checkpoint_final.pth"
    half = file.read_bytes()[: file.stat().st_size // 2]
    file.write_bytes(half)
    refused(tiny.shell("nnUNetv2_train", *tiny.training(name, "--c")), "checkpoint_final.pth", "cannot be read")
    assert file.read_bytes() == half


def test_a_checkpoint_of_another_trainer_in_our_folder(tiny):
    name = TRAINER.replace("1iters", "4iters")
    with tiny.active():
        stock = tiny.trainer("nnUNetTrainer")
        stock.initialize()
        tiny.fold(name).mkdir(parents=True)
        stock.save_checkpoint(str(tiny.fold(name) / "checkpoint_latest.pth"))
    done = tiny.shell("nnUNetv2_train", *tiny.training(name, "--c"))
    refused(done, "was written by nnUNetTrainer", "-tr nnUNetTrainer")
    kept = torch.load(tiny.fold(name) / "checkpoint_latest.pth", weights_only=False)
    assert kept["trainer_name"] == "nnUNetTrainer"


def test_a_results_folder_that_cannot_be_written(tiny, tmp_path):
    folder = tmp_path / "read-only"
    (folder / "nnUNet_results").mkdir(parents=True)
    with read_only(folder):
        done = tiny.shell("nnUNetv2_train", *tiny.training(TRAINER), nnUNet_results=str(folder))
    refused(done, str(folder), "nnUNet_results")


def test_weights_of_another_width_as_pretrained_weights(tiny, tmp_path):
    with tiny.active():
        wide = tiny.trainer("LUnetTrainer_w8")
        wide.initialize()
        wide.save_checkpoint(str(tmp_path / "wide.pth"))
    done = tiny.shell("nnUNetv2_train", *tiny.training(TRAINER, "-pretrained_weights", tmp_path / "wide.pth"))
    # nnU-Net compares shapes itself, before our network sees the weights.
    assert done.returncode != 0 and "The shape of the parameters of key" in done.stderr
