"""A trained network goes on as itself, and group sparsity works until the last channel has left."""

import sys

import pytest
import torch
from conftest import batch
from nnunetv2.run.load_pretrained_weights import load_pretrained_weights

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import command_lines
from nnunet_lunet.pruning.sparsity import GroupSparsity

NAME = "LUnetPruningTrainer_keep95_2epochs_1iters_finetune"


@pytest.fixture
def stock(tiny, tmp_path):
    """A checkpoint of nnU-Net's own trainer."""
    with tiny.active():
        trainer = tiny.trainer("nnUNetTrainer", "2d")
        trainer.initialize()
        trainer.save_checkpoint(str(tmp_path / "stock.pth"))
    return tmp_path / "stock.pth"


def started(tiny, monkeypatch, file, name=NAME):
    """The trainer as the command has it when training starts."""
    monkeypatch.setattr(
        sys, "argv", ["nnUNetv2_train", "901", "2d", "0", "-tr", name, "-pretrained_weights", str(file)]
    )
    with tiny.active():
        trainer = tiny.trainer(name, "2d")
        trainer.initialize()
        load_pretrained_weights(trainer.network, str(file))
    return trainer


def test_the_command_starts_from_the_model_with_its_heads(tiny, stock):
    tiny.train(NAME, "-pretrained_weights", stock, configuration="2d")
    fold = tiny.fold(NAME, configuration="2d")
    assert "heads are those of -pretrained_weights" in next(fold.glob("training_log*.txt")).read_text()
    before, after = (
        torch.load(f, weights_only=False)["network_weights"] for f in (stock, fold / "checkpoint_final.pth")
    )
    # Two steps of AdamW at the start of a warm-up to 1e-3.
    moved = max((after[key] - before[key]).abs().max() for key in before if key.endswith("seg_layers.2.bias"))
    assert 0 < moved < 1e-4
    tiny.train(NAME, "--c", configuration="2d")
    tiny.train(NAME, "--val", configuration="2d")


def test_before_its_first_step_the_network_is_the_model(tiny, monkeypatch, stock):
    trainer = started(tiny, monkeypatch, stock)
    model = torch.load(stock, weights_only=False)["network_weights"]
    found = trainer.network.state_dict()
    assert found.keys() == model.keys() and all(torch.equal(found[key], weight) for key, weight in model.items())
    plain = started(tiny, monkeypatch, stock, NAME.replace("_finetune", "")).network.state_dict()
    assert not torch.equal(plain["decoder.seg_layers.0.weight"], model["decoder.seg_layers.0.weight"])


def test_heads_of_other_labels_start_anew(tiny, monkeypatch, stock, capsys):
    checkpoint = torch.load(stock, weights_only=False)
    labels = checkpoint["init_args"]["dataset_json"]["labels"]
    checkpoint["init_args"]["dataset_json"]["labels"] = {name: -value % 3 for name, value in labels.items()}
    torch.save(checkpoint, stock)
    found = started(tiny, monkeypatch, stock).network.state_dict()
    assert "heads start anew" in capsys.readouterr().out
    for key, weight in checkpoint["network_weights"].items():
        assert torch.equal(found[key], weight) != (".seg_layers." in key and key.endswith("weight"))


def test_the_learning_rate_rises_step_by_step_to_a_tenth(tiny, monkeypatch, stock):
    trainer = started(tiny, monkeypatch, stock)
    trainer.num_iterations_per_epoch, rates = 30, []
    for trainer.current_epoch in (0, 1):
        trainer.on_train_epoch_start()
        for _ in range(30):
            trainer.train_step(batch(trainer, 0))
            rates.append(trainer.optimizer.param_groups[0]["lr"])
        trainer.on_train_epoch_end([{"loss": 1.0}])
    second = 1e-3 * 0.5**0.9
    expected = [1e-3 * n / 50 for n in range(1, 31)] + [second * min(n / 50, 1) for n in range(31, 61)]
    assert rates == pytest.approx(expected)


def test_without_trained_weights_it_is_refused(tiny):
    with tiny.active():
        trainer = tiny.trainer(NAME, "2d")
        trainer.initialize()
        with pytest.raises(UserError, match="no trained weights were loaded: add -pretrained_weights"):
            trainer.on_train_start()


def test_a_file_that_is_no_checkpoint_is_refused_without_the_advice_to_delete_it(tiny, monkeypatch, tmp_path):
    (tmp_path / "photo.pth").write_bytes(b"no checkpoint")
    with pytest.raises(UserError, match="give -pretrained_weights a checkpoint") as caught:
        started(tiny, monkeypatch, tmp_path / "photo.pth")
    assert "delete" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (["4", "2d", "0", "-p", "plans", "-pretrained_weights", "a.pth", "--npz"], "a.pth"),
        (["4", "2d", "0", "-pretrained_weights=a=b.pth", "-p", "plans"], "a=b.pth"),
        (["4", "2d", "0", "-p", "plans", "-device", "cpu"], None),
        ([], None),
    ],
)
def test_the_file_is_what_nnunet_takes_for_it(arguments, file):
    assert command_lines.pretrained_weights(arguments) == file


def stepped(tiny, name, *, scale=None, strength=None, image=1.0):
    """Weights before and after one step of SGD, with the GradScaler of a GPU if there is a scale."""
    with tiny.active():
        trainer = tiny.trainer(name, "2d")
        trainer.initialize()
        trainer.grad_scaler = None if scale is None else torch.amp.GradScaler("cpu", init_scale=scale)
        if strength is not None:
            trainer.sparsity = GroupSparsity(trainer.network, strength)
        before = {key: value.clone() for key, value in trainer.network.state_dict().items()}
        trainer.on_train_epoch_start()
        given = batch(trainer, 0)
        trainer.train_step({**given, "data": given["data"] * image})
    return before, trainer.network.state_dict()


PLAIN = "LUnetPruningTrainer_w4_keep50_3epochs_sgd_seed1"


def test_the_regulariser_is_neither_scaled_nor_clipped_and_skipped_with_a_step_that_overflows(tiny):
    before, plain = stepped(tiny, PLAIN)
    _, sparse = stepped(tiny, f"{PLAIN}_sparse", strength=1.0)
    _, scaled = stepped(tiny, f"{PLAIN}_sparse", strength=1.0, scale=1024.0)
    for key, weight in sparse.items():
        assert torch.allclose(weight, scaled[key], atol=1e-6), key
    # The first norm's weights are 1, so the strongest of its channels has a gradient of 1 more; nesterov doubles it.
    key = "encoder.stages.0.0.convs.0.norm.weight"
    moved = (plain[key] - sparse[key]) / (0.01 * 1.99)
    assert moved.min() == pytest.approx(1, rel=1e-3) and moved.max() == pytest.approx(16, rel=1e-3)
    _, overflown = stepped(tiny, f"{PLAIN}_sparse", strength=1.0, scale=1024.0, image=torch.nan)
    assert all(torch.equal(weight, before[key]) for key, weight in overflown.items())


def test_it_follows_the_widths_and_ends_with_the_last_removal(tiny):
    with tiny.active():
        trainer = tiny.trainer(f"{PLAIN}_sparse", "2d")
        trainer.initialize()
        for epoch, is_on in ((0, True), (1, True), (2, False)):
            trainer.current_epoch = epoch
            trainer.on_train_epoch_start()
            assert (trainer.sparsity is not None) == is_on
            trainer.on_train_epoch_end([trainer.train_step(batch(trainer, epoch))])
    assert trainer.has_ended
