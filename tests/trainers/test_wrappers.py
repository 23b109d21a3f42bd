"""The trainer's methods on a network inside DistributedDataParallel or a compile wrapper."""

import copy
import functools
import os

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from conftest import batch, gloo_rank

NAME, NO_DS = "LUnetTrainer_w4_1epochs_1iters", "LUnetTrainer_w4_noDS"


def rank_trains(rank, nnunet, rendezvous, results):
    with gloo_rank(rank, nnunet, rendezvous):
        trainer = nnunet.trainer(NAME)
        trainer.device, trainer.grad_scaler = torch.device("cpu"), None
        trainer.initialize()
        trainer.on_train_epoch_start()
        trainer.on_train_epoch_end([trainer.train_step(batch(trainer, seed=rank))])
        trainer.on_validation_epoch_start()
        trainer.on_validation_epoch_end([trainer.validation_step(batch(trainer, seed=10 + rank))])
        trained = copy.deepcopy(trainer.network.module.state_dict())
        file = os.path.join(results, f"rank_{rank}.pth")  # noqa: PTH118
        trainer.save_checkpoint(file)
        dist.barrier()
        assert os.path.exists(file) == (rank == 0)  # noqa: PTH110
        for parameter in trainer.network.parameters():
            parameter.data.zero_()
        trainer.load_checkpoint(os.path.join(results, "rank_0.pth"))  # noqa: PTH118
        loaded = trainer.network.module.state_dict()
        assert all(torch.equal(loaded[key], trained[key]) for key in trained)
        torch.save(trained, os.path.join(results, f"weights_{rank}.pth"))  # noqa: PTH118


def rank_trains_without_deep_supervision(rank, nnunet, rendezvous, results):
    with gloo_rank(rank, nnunet, rendezvous):
        trainer = nnunet.trainer(NO_DS, "2d")
        trainer.device, trainer.grad_scaler = torch.device("cpu"), None
        trainer.initialize()
        for step in range(2):  # the second waits for the gradients of the first
            trainer.train_step(batch(trainer, seed=2 * step + rank))
        torch.save(trainer.network.module.state_dict(), os.path.join(results, f"weights_{rank}.pth"))  # noqa: PTH118


def test_two_gloo_processes_train_without_deep_supervision(tiny, tmp_path):
    mp.spawn(
        rank_trains_without_deep_supervision, args=(tiny, f"file://{tmp_path}/rendezvous", str(tmp_path)), nprocs=2
    )
    first, second = (torch.load(tmp_path / f"weights_{rank}.pth", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_two_gloo_processes_train_one_network(tiny, tmp_path):
    mp.spawn(rank_trains, args=(tiny, f"file://{tmp_path}/rendezvous", str(tmp_path)), nprocs=2)
    first, second = (torch.load(tmp_path / f"weights_{rank}.pth", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("configuration", ["2d", "3d_fullres"])
def test_a_compiled_network_trains_saves_and_loads(tiny, tmp_path, monkeypatch, configuration):
    # The backend that traces forward and backward as the default one does, without a C++ compiler at the end.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    with tiny.active() as patch:
        trainer = tiny.trainer(NAME, configuration)
        patch.setattr(trainer, "_do_i_compile", lambda: True)
        trainer.initialize()
        assert type(trainer.network).__name__ == "OptimizedModule"
        trainer.batch_size = 2
        trainer.on_train_epoch_start()
        before = {name: parameter.clone() for name, parameter in trainer.network.named_parameters()}
        trainer.train_step(batch(trainer, seed=0))
        # nnU-Net gives the lowest resolution no weight in its loss.
        rest = {name for name in before if "seg_layers.0." not in name}
        assert all(not torch.equal(before[name], trainer.network.get_parameter(name)) for name in rest)
        trainer.save_checkpoint(str(tmp_path / "compiled.pth"))
        plain = tiny.trainer(NAME, configuration)
        plain.load_checkpoint(str(tmp_path / "compiled.pth"))
        trainer.load_checkpoint(str(tmp_path / "compiled.pth"))
    compiled = trainer.network._orig_mod.state_dict()
    assert all(torch.equal(value, compiled[key]) for key, value in plain.network.state_dict().items())
    torch._dynamo.reset()
