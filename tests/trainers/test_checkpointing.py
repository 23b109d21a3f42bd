import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints
from nnunet_lunet.trainers import checkpointing, peak_memory
from nnunet_lunet.trainers.lunet import LUnetTrainer

SAVE_FOREVER = """
import sys, torch
from nnunet_lunet.trainers import checkpointing, peak_memory

class Stock:
    device = torch.device("cpu")

    def save_checkpoint(self, filename):
        values = torch.full((300_000,), float(self.number))
        torch.save({"network_weights": {"weight": values}, "trainer_name": "T", "number": self.number}, filename)

class Trainer(checkpointing.SafeCheckpoints, Stock):
    pass

trainer = Trainer()
trainer.number = int(sys.argv[2])
while True:
    trainer.save_checkpoint(sys.argv[1])
    print(trainer.number, flush=True)
    trainer.number += 1
"""


def test_killed_at_any_moment_leaves_the_old_file_or_the_new_one(tmp_path):
    file = tmp_path / "checkpoint_latest.pth"
    rng = np.random.default_rng(0)
    script = tmp_path / "save_forever.py"
    script.write_text(SAVE_FOREVER)
    number, interrupted = 0, 0
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, script, file, str(number)], stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout
                said = int(process.stdout.readline())
                # Many moments of each start: stop the process, look as a kill would leave things, let it go on.
                for _ in range(20):
                    time.sleep(rng.uniform(0, 0.02))
                    os.kill(process.pid, signal.SIGSTOP)
                    checkpoint = torch.load(file, weights_only=True)
                    assert checkpoint["number"] >= said
                    assert torch.equal(
                        checkpoint["network_weights"]["weight"], torch.full((300_000,), checkpoint["number"])
                    )
                    interrupted += any(path.name.endswith(".tmp") for path in tmp_path.iterdir())
                    said = checkpoint["number"]
                    os.kill(process.pid, signal.SIGCONT)
            finally:
                process.kill()
        checkpoint = torch.load(file, weights_only=True)
        assert torch.equal(checkpoint["network_weights"]["weight"], torch.full((300_000,), checkpoint["number"]))
        number = checkpoint["number"] + 1
    assert interrupted > 20, "the test never met a save half done"
    with atomic_write(file) as new:
        torch.save({"number": -1}, new)
    assert sorted(path.name for path in tmp_path.iterdir()) == [file.name, script.name]


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"old")
    with pytest.raises(ValueError), atomic_write(file) as new:
        new.write(b"half")
        raise ValueError
    assert file.read_bytes() == b"old" and list(tmp_path.iterdir()) == [file]


def test_numpy_becomes_plain_at_any_depth():
    value = {np.int64(3): [np.float32(0.5), (np.bool_(True), np.arange(3))], "tensor": (tensor := torch.ones(2))}
    plain = checkpoints.plain(value)
    assert json.dumps({**plain, "tensor": None}) == '{"3": [0.5, [true, [0, 1, 2]]], "tensor": null}'
    assert plain["tensor"] is tensor
    assert all(type(key) in (int, str) for key in plain)


@pytest.fixture
def trainer(tiny):
    with tiny.active():
        made = tiny.trainer("LUnetTrainer_w4_1epochs_1iters")
        made.initialize()
        made.logger.log("mean_fg_dice", np.float64(0.5), 0)
        made.my_init_kwargs["unusual"] = {"spacing": np.array([1.0, 2.0])}
        made._best_ema = np.float32(0.25)
        yield made


def test_what_our_trainers_store_loads_with_weights_only_and_in_the_stock_trainer(tiny, trainer, tmp_path):
    file = str(tmp_path / "checkpoint.pth")
    trainer.save_checkpoint(file)
    checkpoint = torch.load(file, weights_only=True)
    assert checkpoint["_best_ema"] == 0.25
    stock = tiny.trainer("LUnetTrainer_w4_1epochs_1iters")
    super(checkpointing.SafeCheckpoints, stock).load_checkpoint(file)
    weights = trainer.network.state_dict()
    assert all(torch.equal(value, weights[key]) for key, value in stock.network.state_dict().items())


def test_peak_memory_is_that_of_all_processes_that_trained(trainer, tmp_path, monkeypatch):
    file = str(tmp_path / "checkpoint.pth")
    for earlier, now, expected in ((None, 3_000, 3_000), (3_000, 2_000, 3_000), (3_000, 5_000, 5_000)):
        if earlier is not None:
            trainer.load_checkpoint(file)
        monkeypatch.setattr(checkpointing.peak_memory, "of_training", lambda device, now=now: now)
        trainer.save_checkpoint(file)
        assert torch.load(file, weights_only=True)["nnunet_lunet"]["peak_memory"] == expected


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere another counter is read")
def test_the_peak_resident_set_grows_with_what_is_touched():
    before = peak_memory.of_training(torch.device("cpu"))
    assert before
    torch.ones(before // 4 + 50_000_000).sum()  # four bytes each
    after = peak_memory.resident_set()
    assert after and after > before + 50_000_000


def test_a_checkpoint_cut_in_half_is_named(trainer, tmp_path):
    file = tmp_path / "checkpoint.pth"
    trainer.save_checkpoint(str(file))
    for size in (0, 100, file.stat().st_size // 2, file.stat().st_size - 100):
        cut = tmp_path / "cut.pth"
        cut.write_bytes(file.read_bytes()[:size])
        with pytest.raises(UserError, match=r"cut\.pth cannot be read"):
            trainer.load_checkpoint(str(cut))
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(UserError, match=r"list\.pth cannot be read"):
        trainer.load_checkpoint(str(tmp_path / "list.pth"))


def test_checkpoints_of_stock_and_ours_are_told_apart(tiny, trainer, tmp_path):
    stock = tiny.trainer("nnUNetTrainer")
    stock.initialize()
    stock.save_checkpoint(str(tmp_path / "stock.pth"))
    trainer.save_checkpoint(str(tmp_path / "ours.pth"))
    before = {key: value.clone() for key, value in trainer.network.state_dict().items()}
    with pytest.raises(UserError, match=r"stock\.pth was written by nnUNetTrainer, not by LUnetTrainer_w4"):
        trainer.load_checkpoint(str(tmp_path / "stock.pth"))
    assert all(torch.equal(value, before[key]) for key, value in trainer.network.state_dict().items())
    # nnU-Net's own trainer reads it, and its network says that the shapes differ.
    with pytest.raises(RuntimeError, match="size mismatch"):
        stock.load_checkpoint(str(tmp_path / "ours.pth"))


def test_weights_that_do_not_fit_the_plans_are_named(tiny, trainer, tmp_path):
    checkpoint_file = tmp_path / "checkpoint.pth"
    trainer.save_checkpoint(str(checkpoint_file))
    checkpoint = torch.load(checkpoint_file, weights_only=True)
    checkpoint["network_weights"].pop("decoder.seg_layers.0.bias")
    torch.save(checkpoint, checkpoint_file)
    with pytest.raises(UserError, match=r"does not fit these plans: layer decoder\.seg_layers\.0"):
        trainer.load_checkpoint(str(checkpoint_file))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, text=True, check=False
    ) if sys.platform == "linux" else None  # fmt: skip
    if mounted is None or mounted.returncode:
        pytest.skip("a small tmpfs can be mounted by root on Linux only")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_leaves_the_old_checkpoint(trainer, small_disk):
    file = small_disk / "checkpoint_latest.pth"
    file.write_bytes(b"old")
    with pytest.raises(UserError, match=r"could not be written .* make room"):
        trainer.save_checkpoint(str(file))
    assert file.read_bytes() == b"old" and list(small_disk.iterdir()) == [file]


def test_disabled_checkpointing_writes_nothing(trainer, tmp_path):
    trainer.disable_checkpointing = True
    trainer.save_checkpoint(str(tmp_path / "checkpoint.pth"))
    assert list(tmp_path.iterdir()) == []


def test_our_trainers_save_and_load_this_way():
    assert LUnetTrainer.save_checkpoint is checkpointing.SafeCheckpoints.save_checkpoint
    assert LUnetTrainer.load_checkpoint is checkpointing.SafeCheckpoints.load_checkpoint
