"""Channels leave while the stock commands train, and everything that nnU-Net promises still holds."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
import torch.multiprocessing as mp
from conftest import RESENC, batch, gloo_rank
from matplotlib.image import imread
from nnunetv2.training.nnUNetTrainer import nnUNetTrainer as stock
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from nnunet_lunet.errors import UserError
from nnunet_lunet.pruning import groups, places

TRAINER = "LUnetPruningTrainer_w6_keep40_randomAtStamp_4epochs_2iters"


def widths(network):
    return {group.name: group.channels for group in groups.find_groups(network)}


def shapes(checkpoint):
    weights = torch.load(checkpoint, weights_only=True)["network_weights"]
    return {key: tuple(tensor.shape) for key, tensor in weights.items()}


@pytest.fixture(scope="module")
def pruned(tiny):
    for fold in (0, 1):
        tiny.train(TRAINER, fold=fold)
    return tiny


def test_the_goal_is_reached_and_written_down_and_drawn(pruned):
    fold = pruned.fold(TRAINER)
    epochs = json.loads((fold / "pruning_history.json").read_text())["epochs"]
    assert [epoch["epoch"] for epoch in epochs] == [0, 1, 2, 3]
    channels = [sum(epoch["channels_per_level"]) for epoch in epochs]
    assert channels[-1] == -(-channels[0] * 40 // 100) and channels[3] == channels[2] < channels[1] < channels[0]
    assert [len(epoch["removed"]) for epoch in epochs] == [0, *(-np.diff(channels))]
    final = torch.load(fold / "checkpoint_final.pth", weights_only=True)["network_weights"]
    for layer, count in epochs[-1]["channels_per_layer"].items():
        assert final[f"{layer}.weight"].shape[0] == count
    assert epochs[-1]["parameters"] < 0.5 * epochs[0]["parameters"]
    assert epochs[-1]["multiply_adds"] < epochs[0]["multiply_adds"]
    assert all(0 <= epoch["pseudo_dice"] <= 1 for epoch in epochs)
    assert imread(fold / "pruning_progress.png").std() > 0.05
    log = next(fold.glob("training_log*.txt")).read_text()
    assert "pruning in 2 steps from epoch 1 to epoch 2" in log and f"become {channels[-1]}" in log
    assert log.index("2 removals of about") < log.index("Epoch 0")


def test_folds_of_different_widths_predict_together_and_after_export(pruned, tmp_path):
    first, second = (shapes(pruned.fold(TRAINER, fold) / "checkpoint_final.pth") for fold in (0, 1))
    assert first != second
    reference = pruned.predict(TRAINER, tmp_path / "both", "--save_probabilities", folds=(0, 1))
    alone = [pruned.predict(TRAINER, tmp_path / str(f), "--save_probabilities", folds=(f,)) for f in (0, 1)]
    for path in reference.glob("*.npz"):
        logits = sum(np.log(np.load(folder / path.name)["probabilities"]) for folder in alone) / 2
        expected = np.exp(logits) / np.exp(logits).sum(0)
        assert np.abs(np.load(path)["probabilities"] - expected).max() < 5e-3
    elsewhere = pruned.hand_over(TRAINER, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(pruned), "environment", {**pruned.environment, **elsewhere})
        installed = pruned.predict(TRAINER, tmp_path / "installed", folds=(0, 1))
    for path in reference.glob("*.nii.gz"):
        first, second = (sitk.GetArrayFromImage(sitk.ReadImage(p)) for p in (path, installed / path.name))
        assert np.array_equal(first, second)


def test_validation_alone_and_continuing_a_finished_training(pruned):
    summary = pruned.fold(TRAINER) / "validation" / "summary.json"
    before = json.loads(summary.read_text())["foreground_mean"]
    for option in ("--val", "--c"):
        summary.unlink()
        pruned.train(TRAINER, option)
        assert json.loads(summary.read_text())["foreground_mean"] == before


def test_the_best_checkpoint_has_the_widths_of_its_own_epoch(pruned):
    best = torch.load(pruned.fold(TRAINER) / "checkpoint_best.pth", weights_only=True)
    epochs = best["nnunet_lunet"]["pruning"]["history"]["epochs"]
    assert len(epochs) == best["current_epoch"]
    for layer, count in epochs[-1]["channels_per_layer"].items():
        assert best["network_weights"][f"{layer}.weight"].shape[0] == count


@pytest.mark.parametrize(
    ("configuration", "plans"), [("2d", "nnUNetPlans"), ("2d", RESENC), ("3d_fullres", RESENC)]
)  # fmt: skip
def test_2d_and_residual_encoders(hard, tmp_path, configuration, plans):
    name = "LUnetPruningTrainer_w4_keep60_drop_taylor_2epochs_1iters"
    hard.train(name, configuration=configuration, plans=plans)
    fold = hard.fold(name, 0, configuration, plans)
    epochs = json.loads((fold / "pruning_history.json").read_text())["epochs"]
    assert sum(epochs[1]["channels_per_level"]) < sum(epochs[0]["channels_per_level"])
    hard.predict(name, tmp_path, configuration=configuration, plans=plans)
    assert (tmp_path / "case_5.nii.gz").exists()


def run_epochs(trainer, stop, start=0):
    """nnU-Net's loop over fixed batches."""
    for epoch in range(start, stop):
        torch.manual_seed(epoch)
        trainer.on_epoch_start()
        trainer.on_train_epoch_start()
        trainer.on_train_epoch_end([trainer.train_step(batch(trainer, seed=10 * epoch + i)) for i in range(2)])
        trainer.on_validation_epoch_start()
        with torch.no_grad():
            trainer.on_validation_epoch_end([trainer.validation_step(batch(trainer, seed=10 * epoch + 5))])
        trainer.on_epoch_end()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", ("leastImportant", "fisher", False)),
        ("_stamp", ("stamp", "l2", True)),
        ("_randomAtStamp", ("randomAtStamp", "l2", True)),
        ("_stamp_taylor_raw", ("stamp", "taylor", False)),
        ("_fisherMemory_byLayer", ("leastImportant", "fisherMemory", True)),
    ],
)
def test_a_named_strategy_is_the_published_one_and_the_default_is_what_did_best(tiny, options, expected):
    with tiny.active():
        trainer = tiny.trainer(f"LUnetPruningTrainer_w4_6epochs{options}", "2d")
        trainer.initialize()
        trainer.on_train_epoch_start()
    assert (trainer.history.epochs[0].strategy, trainer.history.importance, trainer.history.by_layer) == expected


@pytest.mark.parametrize(
    "options",
    [
        "stamp_l2", "randomAtStamp_fisherMacs_drop", "fisherMemory", "none_sgd", "randomAtLargest_taylor_raw",
        "sparse_finetune",
    ],
)  # fmt: skip
def test_continued_it_is_what_it_would_have_been_undisturbed(tiny, options):
    name = f"LUnetPruningTrainer_w4_keep50_6epochs_seed1_{options}"
    with tiny.active():
        undisturbed = tiny.trainer(name, "2d")
        torch.manual_seed(0)
        undisturbed.initialize()
        run_epochs(undisturbed, 2)
        run_epochs(undisturbed, 5, start=2)
        stopped = tiny.trainer(name, "2d")
        torch.manual_seed(0)
        stopped.initialize()
        run_epochs(stopped, 2)
        torch.manual_seed(99)
        continued = tiny.trainer(name, "2d")
        continued.load_checkpoint(str(tiny.fold(name, configuration="2d") / "checkpoint_latest.pth"))
        assert continued.current_epoch == 2
        run_epochs(continued, 5, start=2)
    assert continued.history.to_dict() == undisturbed.history.to_dict()
    expected = undisturbed.network.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in continued.network.state_dict().items())
    convolutions = [weight for weight in continued.network.parameters() if weight.dim() > 2]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in convolutions)
    assert {id(p) for g in continued.optimizer.param_groups for p in g["params"]} == {
        id(parameter) for parameter in continued.network.parameters()
    }


def test_after_a_kill_in_mid_epoch_the_stock_command_goes_on_to_the_same_goal(tiny):
    name = "LUnetPruningTrainer_w4_keep50_6epochs_8iters"
    tiny.kill_training(name, epoch=3)
    saved = torch.load(tiny.fold(name) / "checkpoint_latest.pth", weights_only=True)
    before = saved["nnunet_lunet"]["pruning"]["history"]["epochs"]
    assert before[-1]["removed"] and saved["current_epoch"] == len(before) < 5
    tiny.train(name, "--c")
    epochs = json.loads((tiny.fold(name) / "pruning_history.json").read_text())["epochs"]
    assert epochs[: len(before)] == before and [epoch["epoch"] for epoch in epochs] == list(range(6))
    channels = [sum(epoch["channels_per_level"]) for epoch in epochs]
    assert channels[-1] == channels[0] // 2
    assert [channels[0] - count for count in channels[1:]] == list(
        np.cumsum([len(epoch["removed"]) for epoch in epochs[1:]])
    )


def test_pretrained_weights_of_the_stock_trainer_are_the_start(tiny, tmp_path):
    with tiny.active():
        stock = tiny.trainer("nnUNetTrainer", "2d")
        stock.initialize()
        stock.save_checkpoint(str(tmp_path / "stock.pth"))
        weights = {key: value.clone() for key, value in stock.network.state_dict().items()}
    name = "LUnetPruningTrainer_keep95_2epochs_1iters_sgd"
    tiny.train(name, "-pretrained_weights", tmp_path / "stock.pth", configuration="2d")
    fold = tiny.fold(name, configuration="2d")
    epochs = json.loads((fold / "pruning_history.json").read_text())["epochs"]
    final = torch.load(fold / "checkpoint_final.pth", weights_only=True)["network_weights"]
    assert epochs[-1]["channels_per_layer"] != epochs[0]["channels_per_layer"]
    whole = [key for key in final if final[key].shape == weights[key].shape and key.endswith("conv.weight")]
    assert whole and all((final[key] - weights[key]).abs().mean() < 0.2 * weights[key].abs().mean() for key in whole)


def test_the_network_is_compiled_once_after_the_last_removal(tiny, monkeypatch, capsys):
    compiled = []
    compile_module = torch.compile

    def count(module):
        compiled.append(type(module).__name__)  # nnU-Net compiles its Dice loss too
        return compile_module(module, backend="eager")

    monkeypatch.setattr(torch, "compile", count)
    with tiny.active() as patch:
        patch.setattr(stock.nnUNetTrainer, "_do_i_compile", lambda self: True)
        name = "LUnetPruningTrainer_w4_keep50_6epochs_l2_seed1"
        trainer = tiny.trainer(name, "2d")
        trainer.initialize()
        patch.setattr(stock.nnUNetTrainer, "on_train_start", lambda self: None)
        trainer.on_train_start()
        assert re.search(
            r"4 removals of about \d\.\d\d s add .* and torch.compile waits until epoch 4", capsys.readouterr().out
        )
        for epoch, times in ((3, 0), (4, 0), (5, 1), (6, 1)):
            run_epochs(trainer, epoch, start=trainer.current_epoch)
            assert compiled.count("LeanUNet") == times
            assert (type(trainer.network).__name__ == "OptimizedModule") == bool(times)
        assert trainer.statistics is None
        continued = tiny.trainer(name, "2d")
        continued.load_checkpoint(str(tiny.fold(name, configuration="2d") / "checkpoint_latest.pth"))
        assert type(continued.network).__name__ == "OptimizedModule" and compiled.count("LeanUNet") == 2
    torch._dynamo.reset()


def test_sizes_on_the_way_are_kept_and_predict_by_the_stock_command(pruned, tmp_path):
    name = "LUnetPruningTrainer_w6_keep20_9epochs_2iters"
    pruned.train(name)
    fold = pruned.fold(name)
    history = json.loads((fold / "pruning_history.json").read_text())
    assert {path.name for path in fold.glob("checkpoint_keep*.pth")} == {
        f"checkpoint_keep{p}.pth" for p in (75, 50, 25)
    }
    start = sum(history["epochs"][0]["channels_per_level"])
    for percent, epoch in history["marks"].items():
        held = history["epochs"][epoch]["channels_per_layer"]
        kept = torch.load(fold / f"checkpoint_keep{percent}.pth", weights_only=True)["network_weights"]
        assert all(kept[f"{layer}.weight"].shape[0] == count for layer, count in held.items())
        assert sum(held.values()) <= math.ceil(start * int(percent) / 100)
        # The first to be as small, in the last epoch before more leave.
        smaller = [e["epoch"] for e in history["epochs"] if sum(e["channels_per_level"]) == sum(held.values())]
        before = history["epochs"][smaller[0] - 1]["channels_per_layer"]
        assert sum(before.values()) > math.ceil(start * int(percent) / 100) and epoch == smaller[-1]
    assert len({json.dumps(value) for value in history["marks"].values()}) == 3
    # The last step passes 25 on its way to 20: what recovers until the end is the network at the end.
    first, last = (shapes(fold / f"checkpoint_{which}.pth") for which in ("keep25", "final"))
    assert history["marks"]["25"] < 8 or first == last
    predicted = pruned.predict(name, tmp_path, "-chk", "checkpoint_keep50.pth")
    assert len(list(predicted.glob("*.nii.gz"))) == 2


def test_trainings_without_a_seed_draw_their_own_and_write_it_down(tiny):
    name, seeds, picks = "LUnetPruningTrainer_w4_keep50_3epochs_randomAtLargest", [], []
    with tiny.active():
        for _ in range(2):
            trainer = tiny.trainer(name, "2d")
            trainer.initialize()
            run_epochs(trainer, 2)
            seeds.append(trainer.history.seed)
            picks.append([removal.channel for removal in trainer.history.epochs[1].removed])
        again = tiny.trainer(f"{name}_seed{seeds[0] % 10**6}", "2d")
        again.initialize()
    assert seeds[0] != seeds[1] and picks[0] != picks[1]
    assert again.history.seed == seeds[0] % 10**6


def test_a_channel_without_a_number_is_reported_and_not_taken(tiny, capsys):
    with tiny.active():
        trainer = tiny.trainer("LUnetPruningTrainer_w4_keep90_stamp_2epochs", "2d")
        trainer.initialize()
        run_epochs(trainer, 1)
        layer = trainer.groups[0].name
        place = places.after_nonlinearity(trainer.bare_network, layer)
        trainer.statistics._total[place][2] = torch.nan
        removed = trainer._prune(3)
    assert f"not a number for channels of {layer}" in capsys.readouterr().out
    assert (layer, 2) not in [(removal.group, removal.channel) for removal in removed]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("LUnetPruningTrainer_w2_keep10_9epochs", "or more"),
        ("LUnetPruningTrainer_w4_1epochs", "at least 2 epochs"),
        ("LUnetPruningTrainer_w4_recover9_9epochs", "at least 14 epochs"),
    ],
)
def test_a_goal_out_of_reach_is_refused_before_training(tiny, name, says):
    with tiny.active(), pytest.raises(UserError, match=says):
        tiny.trainer(name, "2d").initialize()


def test_a_history_that_does_not_lead_to_the_weights_is_refused(tiny, tmp_path):
    with tiny.active():
        trainer = tiny.trainer("LUnetPruningTrainer_w4_keep50_3epochs", "2d")
        trainer.initialize()
        run_epochs(trainer, 2)
        file = tmp_path / "checkpoint.pth"
        trainer.save_checkpoint(str(file))
        checkpoint = torch.load(file, weights_only=True)
        checkpoint["nnunet_lunet"]["pruning"]["history"]["epochs"][1]["removed"].pop()
        torch.save(checkpoint, file)
        again = tiny.trainer("LUnetPruningTrainer_w4_keep50_3epochs", "2d")
        with pytest.raises(UserError, match="history does not lead to the widths"):
            again.load_checkpoint(str(file))


def test_taylor_without_gradients_is_refused_in_one_line(tiny):
    with tiny.active():
        trainer = tiny.trainer("LUnetPruningTrainer_w4_keep50_3epochs_taylor", "2d")
        trainer.initialize()
        trainer.on_train_epoch_start()
        trainer.on_train_epoch_end([{"loss": 1.0}])
        trainer.current_epoch = 1
        with pytest.raises(UserError, match="need training steps with gradients"):
            trainer.on_train_epoch_start()


PAPERS_BLOCK = "unet_small_4fPlans"


def rank_prunes(rank, nnunet, rendezvous, results, plans):
    with gloo_rank(rank, nnunet, rendezvous) as patch:
        # SyncBatchNorm is CUDA's, and the wrapper insists on it; here each rank normalises by its own batch.
        patch.setattr(DistributedDataParallel, "_passing_sync_batchnorm_handle", lambda self, module: None)
        patch.setattr(nn.SyncBatchNorm, "forward", _BatchNorm.forward)
        name = "LUnetPruningTrainer_w4_keep50_randomAtStamp_taylor_drop_sparse_4epochs"
        trainer = nnunet.trainer(name, "2d", plans)
        trainer.device, trainer.grad_scaler = torch.device("cpu"), None
        trainer.initialize()
        seed = trainer.history.seed
        trainer.rng = np.random.default_rng(rank)  # so that only an agreement makes the ranks alike
        for epoch in range(3):
            trainer.on_train_epoch_start()
            trainer.on_train_epoch_end([trainer.train_step(batch(trainer, seed=10 * epoch + rank))])
            trainer.current_epoch += 1
        norms = {type(module).__name__ for module in trainer.bare_network.modules() if isinstance(module, _BatchNorm)}
        parameters = dict(trainer.network.module.named_parameters())
        found = {"weights": parameters, "history": trainer.history.to_dict(), "seed": seed, "norms": sorted(norms)}
        torch.save(found, results / f"rank_{rank}.pth")


@pytest.mark.parametrize("plans", ["nnUNetPlans", PAPERS_BLOCK])
def test_two_ranks_remove_the_same_channels_and_stay_one_network(tiny, tmp_path, plans):
    if plans == PAPERS_BLOCK:
        lunet = Path(sys.executable).with_name("lunet")
        command = [str(lunet), "plan", "-d", f"{tiny.dataset_id}", "--preset", "unet_small_4f"]
        subprocess.run(command, env={**os.environ, **tiny.environment}, check=True)
    mp.spawn(rank_prunes, args=(tiny, f"file://{tmp_path}/rendezvous", tmp_path, plans), nprocs=2)
    first, second = (torch.load(tmp_path / f"rank_{rank}.pth", weights_only=True) for rank in (0, 1))
    assert first["history"] == second["history"] and first["history"]["epochs"][2]["removed"]
    assert first["seed"] == second["seed"]
    assert first["norms"] == (["SyncBatchNorm"] if plans == PAPERS_BLOCK else [])
    assert all(torch.equal(value, second["weights"][key]) for key, value in first["weights"].items())
