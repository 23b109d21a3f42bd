"""What nnU-Net promises for a trainer, by its stock commands, on cases with nothing unusual."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper

TRAINER = "LUnetTrainer_w4_1epochs_2iters"


@pytest.fixture(scope="module")
def trained(tiny):
    """Two folds in 3D and two in 2D, with probabilities of the validation cases."""
    for configuration in ("3d_fullres", "2d"):
        for fold in (0, 1):
            tiny.train(TRAINER, "--npz", fold=fold, configuration=configuration)
    return tiny


def label_maps(folder):
    return {path.name: sitk.GetArrayFromImage(sitk.ReadImage(path)) for path in sorted(folder.glob("*.nii.gz"))}


def probabilities(folder):
    return {path.stem: np.load(path)["probabilities"] for path in sorted(folder.glob("*.npz"))}


def same(first, second):
    assert first and first.keys() == second.keys()
    return all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("configuration", ["2d", "3d_fullres"])
def test_training_leaves_what_nnunet_leaves(trained, configuration):
    fold = trained.fold(TRAINER, configuration=configuration)
    checkpoint = torch.load(fold / "checkpoint_final.pth", weights_only=True)
    assert checkpoint["trainer_name"] == TRAINER
    widths = {tensor.shape[0] for key, tensor in checkpoint["network_weights"].items() if "encoder" in key}
    assert widths == {4}
    assert json.loads((fold / "validation" / "summary.json").read_text())["foreground_mean"]["Dice"] >= 0
    assert (fold / "progress.png").exists()


def test_val_alone_repeats_the_validation(trained):
    summary = trained.fold(TRAINER) / "validation" / "summary.json"
    before = json.loads(summary.read_text())["foreground_mean"]
    summary.unlink()
    trained.train(TRAINER, "--val")
    assert json.loads(summary.read_text())["foreground_mean"] == before


def test_several_folds_are_averaged(trained, tmp_path):
    one, two, both = (
        trained.predict(TRAINER, tmp_path / "-".join(map(str, folds)), "--save_probabilities", folds=folds)
        for folds in ((0,), (1,), (0, 1))
    )
    expected = {}
    for case, first in probabilities(one).items():
        logits = np.log(first) + np.log(probabilities(two)[case])
        expected[case] = (scaled := np.exp(logits / 2)) / scaled.sum(0)
    for case, mean in probabilities(both).items():
        assert np.abs(mean - expected[case]).max() < 5e-3  # nnU-Net adds up logits in half precision


def test_a_model_folder_predicts_the_same_and_survives_export_and_install(trained, tmp_path):
    reference = label_maps(trained.predict(TRAINER, tmp_path / "reference", folds=(0, 1)))
    options = ["-f", 0, 1, "-device", "cpu", "-npp", 1, "-nps", 1, "--disable_tta"]
    images = ["-i", trained.raw / "imagesTs"]
    trained.call(
        "nnUNetv2_predict_from_modelfolder", *images, "-o", tmp_path / "folder", "-m", trained.model(TRAINER), *options
    )
    assert same(reference, label_maps(tmp_path / "folder"))
    elsewhere = trained.hand_over(TRAINER, tmp_path)
    arguments = ["-d", trained.dataset_id, "-tr", TRAINER, "-c", "3d_fullres"]
    trained.call("nnUNetv2_predict", *images, "-o", tmp_path / "installed", *arguments, *options, **elsewhere)
    assert same(reference, label_maps(tmp_path / "installed"))


def test_the_best_configuration_is_found_and_ensembled(trained, tmp_path):
    printed = trained.call(
        "nnUNetv2_find_best_configuration", trained.dataset_id, "-tr", TRAINER, "-c", "2d", "3d_fullres",
        "-f", 0, 1, "-np", 1,
    )  # fmt: skip
    assert "***All results:***" in printed
    parts = [
        trained.predict(TRAINER, tmp_path / configuration, "--save_probabilities", configuration=configuration)
        for configuration in ("2d", "3d_fullres")
    ]
    trained.call("nnUNetv2_ensemble", "-i", *parts, "-o", tmp_path / "both", "-np", 1)
    assert label_maps(tmp_path / "both").keys() == label_maps(parts[0]).keys()


@pytest.mark.parametrize(
    "name", ["LUnetTrainer_w4_noDS_1epochs_1iters", "LUnetPruningTrainer_w4_noDS_keep50_3epochs_1iters"]
)
def test_without_deep_supervision(tiny, tmp_path, name):
    """nnU-Net's own switch: one output, one loss; the heads of lower resolutions are there and never trained."""
    with tiny.active():
        trainer = tiny.trainer(name, "2d")
        trainer.initialize()
        assert isinstance(trainer.network(torch.zeros(1, 1, *trainer.configuration_manager.patch_size)), torch.Tensor)
        assert not isinstance(trainer.loss, DeepSupervisionWrapper)
    tiny.train(name, configuration="2d")
    assert label_maps(tiny.predict(name, tmp_path, configuration="2d"))


def test_fold_all(tiny, tmp_path):
    tiny.train(TRAINER, fold="all")
    assert label_maps(tiny.predict(TRAINER, tmp_path, folds=("all",)))


def test_pretrained_weights_of_the_stock_trainer_start_the_baseline(tiny, tmp_path):
    with tiny.active():
        stock = tiny.trainer("nnUNetTrainer")
        stock.initialize()
        weights = {key: value.clone() for key, value in stock.network.state_dict().items()}
        stock.save_checkpoint(str(tmp_path / "stock.pth"))
    name = "UNetTrainer_1epochs_1iters_sgd"
    tiny.train(name, "-pretrained_weights", tmp_path / "stock.pth")
    key = "encoder.stages.0.0.convs.0.conv.weight"
    after = torch.load(tiny.fold(name) / "checkpoint_final.pth", weights_only=True)["network_weights"]
    assert 0 < (after[key] - weights[key]).abs().max() < 0.1
    assert (after[key] - weights[key]).abs().mean() < 0.2 * weights[key].abs().mean()


def test_pretrained_weights_of_another_length_of_training(trained):
    name = TRAINER.replace("2iters", "1iters")
    source = trained.fold(TRAINER) / "checkpoint_final.pth"
    trained.train(name, "-pretrained_weights", source)
    key = "encoder.stages.0.0.convs.0.conv.weight"
    before, after = (
        torch.load(path, weights_only=True)["network_weights"][key]
        for path in (source, trained.fold(name) / "checkpoint_final.pth")
    )
    assert 0 < (after - before).abs().max() < 0.02  # one step of AdamW moves a weight by its learning rate, 0.01


def test_training_goes_on_after_a_kill_in_mid_epoch(tiny):
    epochs = 6
    name = f"LUnetTrainer_w4_{epochs}epochs_10iters"
    tiny.kill_training(name, epoch=3)
    checkpoint = tiny.fold(name) / "checkpoint_best.pth"
    saved = torch.load(checkpoint, weights_only=True)
    assert 1 <= saved["current_epoch"] <= 3
    assert not (tiny.fold(name) / "checkpoint_final.pth").exists()
    printed = tiny.train(name, "--c")
    assert f"Epoch {saved['current_epoch']}" in printed and "Epoch 0 " not in printed
    final = torch.load(tiny.fold(name) / "checkpoint_final.pth", weights_only=True)
    assert final["current_epoch"] == epochs
    history = final["logging"]["train_losses"]
    assert len(history) == epochs
    assert history[: saved["current_epoch"]] == saved["logging"]["train_losses"][: saved["current_epoch"]]


def test_the_same_seed_trains_the_same_network_and_another_seed_another(tiny):
    def weights(seed, folder):
        trainer = f"LUnetTrainer_w2_1epochs_2iters_seed{seed}"
        tiny.train(trainer)
        trained = tiny.fold(trainer)
        kept = torch.load(trained / "checkpoint_final.pth", weights_only=True)["network_weights"]
        trained.rename(folder)
        return kept

    first, again, other = (weights(seed, tiny.root / name) for seed, name in ((1, "first"), (1, "again"), (2, "other")))
    assert all(torch.equal(tensor, again[key]) for key, tensor in first.items())
    assert not all(torch.equal(tensor, other[key]) for key, tensor in first.items())
