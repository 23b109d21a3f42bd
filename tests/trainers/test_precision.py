"""Training in bfloat16: what computes in it, and what must not."""

import pytest
import torch
from conftest import batch
from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss
from nnunetv2.utilities.helpers import softmax_helper_dim1
from torch import nn

from nnunet_lunet.trainers import names, precision

NAME = "LUnetTrainer_w4_seed0_1epochs_1iters"


@pytest.fixture
def made(tiny):
    """Trainers by name, ready for a step."""
    with tiny.active():

        def make(name):
            trainer = tiny.trainer(name)
            trainer.initialize()
            return trainer

        yield make


def test_convolutions_are_in_bfloat16_and_weights_gradients_and_loss_are_not(made):
    trainer = made(f"{NAME}_bf16")
    seen = set()
    for layer in trainer.network.modules():
        if isinstance(layer, nn.Conv3d):
            layer.register_forward_hook(lambda layer, args, output: seen.add(output.dtype))
    loss = []
    trainer.loss.register_forward_hook(lambda loss_, args, output: loss.append(output.dtype))
    trainer.train_step(batch(trainer, 0))
    trainer.validation_step(batch(trainer, 1))
    assert seen == {torch.bfloat16} and set(loss) == {torch.float32} and len(loss) == 2
    weights = [weight for weight in trainer.network.parameters() if weight.grad is not None]
    assert weights and {weight.dtype for weight in weights} == {weight.grad.dtype for weight in weights} == {
        torch.float32
    }
    assert trainer.grad_scaler is None and not torch.is_autocast_enabled("cpu")


def test_it_trains_as_in_single_precision_but_for_rounding(made):
    losses = {}
    for name in (NAME, f"{NAME}_bf16"):
        trainer = made(name)
        losses[name] = [float(trainer.train_step(batch(trainer, seed))["loss"]) for seed in (0, 1, 0, 1)]
    plain, rounded = losses.values()
    assert plain != rounded and rounded == pytest.approx(plain, abs=0.02)


def test_the_loss_of_rounded_logits_is_that_of_single_precision():
    torch.manual_seed(0)
    logits = torch.randn(2, 2, 48, 48, 48, dtype=torch.bfloat16)
    target = torch.randint(0, 2, (2, 1, 48, 48, 48)).float()
    dice = MemoryEfficientSoftDiceLoss(apply_nonlin=softmax_helper_dim1, batch_dice=True, do_bg=False, ddp=False)
    with precision.bfloat16(torch.device("cpu")):
        found = precision.InSinglePrecision(dice)(logits, target)
        crude = dice(logits, target)
    assert found == dice(logits.float(), target) != crude


def test_pruning_trainers_do_not_take_it():
    with pytest.raises(names.TrainerNameError, match="option _bf16 is unknown"):
        names.parse("LUnetPruningTrainer_bf16")


def test_a_processor_that_only_imitates_it_is_told(made, monkeypatch):
    monkeypatch.setattr(precision, "is_fast", lambda device: False)
    trainer = made(f"{NAME}_bf16")
    said = []
    monkeypatch.setattr(trainer, "print_to_log_file", lambda *text, **options: said.append(" ".join(map(str, text))))
    trainer.on_train_start()
    assert any("_bf16: this cpu only imitates bfloat16" in line for line in said)
