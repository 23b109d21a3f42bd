"""What only a training on a CPU does: layout of the weights, number of threads."""

import pytest
import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from torch import nn

TRAINER = "LUnetTrainer_w4_1epochs_1iters"


@pytest.mark.parametrize(
    ("configuration", "layout"), [("2d", torch.channels_last), ("3d_fullres", torch.channels_last_3d)]
)
def test_weights_and_activations_lie_channels_last(tiny, configuration, layout):
    with tiny.active():
        trainer = tiny.trainer(TRAINER, configuration)
        trainer.initialize()
    weights = [weight for weight in trainer.network.parameters() if weight.dim() > 2]
    assert weights and all(weight.is_contiguous(memory_format=layout) for weight in weights)
    found: list[torch.Tensor] = []
    for convolution in trainer.network.encoder.modules():
        if isinstance(convolution, nn.Conv2d | nn.Conv3d):
            convolution.register_forward_hook(lambda module, args, output: found.append(output))
    trainer.network(torch.zeros(2, 1, *trainer.configuration_manager.patch_size))
    # Of the encoder alone: which layout a head of few channels gives depends on the processor.
    assert found and all(each.is_contiguous(memory_format=layout) and not each.is_contiguous() for each in found)


@pytest.mark.parametrize("configuration", ["2d", "3d_fullres"])
@pytest.mark.parametrize("width", [16, 32])
def test_weights_of_widths_that_have_blocked_kernels_lie_as_pytorch_makes_them(tiny, configuration, width):
    with tiny.active():
        trainer = tiny.trainer(f"LUnetTrainer_w{width}_1epochs_1iters", configuration)
        trainer.initialize()
    assert all(weight.is_contiguous() for weight in trainer.network.parameters())


@pytest.mark.parametrize(("asked", "threads"), [("1", 1), ("2", 2), ("", 3), ("0", 3), ("many", 3)])
def test_it_takes_the_threads_that_the_environment_says(tiny, monkeypatch, asked, threads):
    found = []
    monkeypatch.setattr(nnUNetTrainer, "run_training", lambda self: found.append(torch.get_num_threads()))
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    before = torch.get_num_threads()
    with tiny.active():
        trainer = tiny.trainer(TRAINER)
    try:
        torch.set_num_threads(3)  # as nnU-Net's command does, with all cores
        trainer.run_training()
    finally:
        torch.set_num_threads(before)
    assert found == [threads]
