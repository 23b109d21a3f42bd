"""A model for someone without this package: same logits, by stock nnU-Net alone."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

from nnunet_lunet.deploy import request, to_stock
from nnunet_lunet.errors import UserError

PRUNED = "LUnetPruningTrainer_w6_keep40_randomAtLargest_3epochs_1iters"


def logits(model, images, folds):
    predictor = nnUNetPredictor(use_mirroring=False, device=torch.device("cpu"), allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(str(model), folds, "checkpoint_final.pth")
    network = predictor.network
    outputs = []
    for weights in predictor.list_of_parameters:
        network.load_state_dict(weights)
        with torch.no_grad():
            outputs.append(network.eval()(images))
    return type(network), outputs


@pytest.mark.parametrize(
    ("configuration", "trainer"), [("3d_fullres", PRUNED), ("2d", PRUNED), ("2d", "LUnetTrainer_w5_1epochs_1iters")]
)
def test_stock_nnunet_alone_predicts_the_same(tiny, tmp_path, configuration, trainer):
    for fold in (0, 1):
        tiny.train(trainer, fold=fold, configuration=configuration)
    results, archive = tmp_path / "results", tmp_path / "model.zip"
    done = tiny.shell(
        "lunet", "export", "-d", tiny.dataset_id, "-tr", trainer, "-c", configuration, "-f", "0,1",
        "--to-stock", results, "--zip", archive,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (model,) = results.glob("*/*")
    assert f"Model folder: {model}" in done.stdout

    patch = json.loads((model / "plans.json").read_text())["configurations"][configuration]["patch_size"]
    images = torch.randn(1, 1, *patch)
    with tiny.active():
        ours, expected = logits(tiny.model(trainer, configuration), images, (0, 1))
        theirs, got = logits(model, images, (0, 1))
    assert ours.__module__.startswith("nnunet_lunet.")
    assert theirs.__module__ == "dynamic_network_architectures.architectures.unet"
    for first, second in zip(expected, got, strict=True):
        assert (first - second).abs().max() < 1e-4

    # The same from the zip, in a Python that cannot import this package.
    plans = json.loads((model / "plans.json").read_text())["plans_name"]
    output = tmp_path / "predicted"
    for arguments in (
        ["install", archive],
        ["predict", "-d", tiny.dataset_id, "-i", tiny.raw / "imagesTs", "-o", output, "-tr", "nnUNetTrainer",
         "-p", plans, "-c", configuration, "-f", 0, 1, "-device", "cpu", "-npp", 1, "-nps", 1, "--disable_tta",
         "--save_probabilities"],
    ):  # fmt: skip
        run = tiny.without_us(*arguments, nnUNet_results=str(tmp_path / "installed"))
        assert run.returncode == 0, run.stderr[-2000:]
    reference = tiny.predict(
        trainer, tmp_path / "reference", "--save_probabilities", folds=(0, 1), configuration=configuration
    )
    for path in reference.glob("*.npz"):
        difference = np.load(path)["probabilities"] - np.load(output / path.name)["probabilities"]
        assert np.abs(difference).max() < 1e-3


def test_nothing_is_overwritten_and_what_is_missing_is_named(tiny, tmp_path):
    trainer = "LUnetTrainer_w5_1epochs_1iters"
    tiny.train(trainer, configuration="2d")
    model = tiny.model(trainer, "2d")
    destination = to_stock.export(model, ["0"], "checkpoint_final.pth", tmp_path)
    before = {path: path.stat().st_mtime_ns for path in destination.rglob("*")}
    with pytest.raises(UserError, match="exists: remove it"):
        to_stock.export(model, ["0"], "checkpoint_final.pth", tmp_path)
    assert {path: path.stat().st_mtime_ns for path in destination.rglob("*")} == before
    with pytest.raises(UserError, match=r"fold_3.*cannot be read"):
        to_stock.export(model, ["3"], "checkpoint_final.pth", tmp_path / "other")
    with pytest.raises(UserError, match="is no model folder"):
        to_stock.export(Path("/nowhere/LUnetTrainer"), ["0"], "checkpoint_final.pth", tmp_path / "other")
    for content, says in (("[]", "cannot be read: it is no object"), ("{}", "is no plans file")):
        (model / "plans.json").write_text(content)
        with pytest.raises(UserError, match=says):
            to_stock.export(model, ["0"], "checkpoint_final.pth", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_zip_that_would_replace_a_file_is_refused_before_anything_is_written(tmp_path):
    there = tmp_path / "model.zip"
    there.write_text("precious")
    for archive, says in ((there, "exists"), (tmp_path / "model.v1", r"must end in \.zip")):
        with pytest.raises(UserError, match=says):
            request.check_archive(archive)
        with pytest.raises(UserError, match=says):
            to_stock.zip_model(tmp_path, archive)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["precious"]


def test_dropout_behind_norm_is_left_out(tiny, tmp_path):
    """nnU-Net's blocks have it elsewhere, and number their layers otherwise; prediction has none."""

    def change(plans):
        plans["configurations"]["2d"]["architecture"]["arch_kwargs"] |= {
            "dropout_op": "torch.nn.Dropout2d", "dropout_op_kwargs": {"p": 0.5}, "dropout_last": True,
        }  # fmt: skip

    tiny.edit_plans("Drops", change)
    with tiny.active():
        trainer = tiny.trainer("LUnetTrainer_w4", "2d", "Drops")
        trainer.initialize()
        model = tiny.model("LUnetTrainer_w4", "2d", "Drops")
        trainer.save_checkpoint(str(model / "fold_0" / "checkpoint_final.pth"))
        for file in ("plans.json", "dataset.json"):
            source = tiny.preprocessed / file.replace("plans", "Drops")
            shutil.copyfile(source, model / file)
        theirs = to_stock.export(model, ["0"], "checkpoint_final.pth", tmp_path)
        images = torch.randn(1, 1, *trainer.configuration_manager.patch_size)
        (expected,), (got,) = (logits(folder, images, (0,))[1] for folder in (model, theirs))
    assert torch.allclose(got, expected, atol=1e-5)


def max_pooling(architecture):
    architecture["arch_kwargs"]["pool"] = "max"


def nested(architecture):
    architecture["network_class_name"] = "nnunet_lunet.architectures.nested.UNetPlusPlus"


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [("Pooled", max_pooling, "'Pooled' ask for pool 'max'"), ("Nested", nested, "no network class for .*UNetPlusPlus")],
)
def test_a_network_that_nnunet_lacks_is_refused_in_one_line(tiny, tmp_path, name, change, says):
    tiny.edit_plans(name, lambda plans: change(plans["configurations"]["2d"]["architecture"]))
    with tiny.active():
        trainer = tiny.trainer("UNetTrainer", "2d", name)
        trainer.initialize()
        model = tiny.model("UNetTrainer", "2d", name)
        trainer.save_checkpoint(str(model / "fold_0" / "checkpoint_final.pth"))
        shutil.copyfile(tiny.preprocessed / f"{name}.json", model / "plans.json")
    with pytest.raises(UserError, match=says):
        to_stock.export(model, ["0"], "checkpoint_final.pth", tmp_path)
    assert not list(tmp_path.iterdir())
