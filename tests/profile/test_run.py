"""Counts by hand, and what measuring leaves behind: numbers, and nothing else."""

import os
import sys
from dataclasses import replace

import pytest
import torch
from conftest import known, make_network
from rich.progress import Progress

from nnunet_lunet.architectures import cost
from nnunet_lunet.errors import UserError
from nnunet_lunet.profile import memory, record, run, targets
from nnunet_lunet.profile.subject import Subject, elsewhere

SILENT = Progress(disable=True)


@pytest.mark.parametrize("dim", [2, 3])
def test_activations_of_a_network_of_two_levels_counted_by_hand(dim):
    network = make_network(4, dim=dim, n_stages=2)
    full, half, number = 8**dim, 4**dim, 4
    # Kept are what each convolution gave (for its norm), what each norm gave (in place also the nonlinearity's output),
    # the concatenation, the patch; for each of six norms its weights, means and variances of one patch.
    maps = 2 * (2 + 2) * 4 * full + 2 * 2 * 4 * half + 8 * full + full
    assert cost.activation_memory(network, 1, [8] * dim) == (maps + 6 * 3 * 4) * number
    assert not network.training


def test_activations_are_those_of_a_pass_that_computes():
    network = make_network(4, n_stages=3, deep_supervision=True).train()
    parameters = {tensor.data_ptr() for tensor in network.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = network(torch.randn(1, 1, 8, 8, 8))
    assert len(outputs) == 2
    real = sum(storage.nbytes() for pointer, storage in kept.items() if pointer not in parameters)
    assert cost.activation_memory(network, 1, (8, 8, 8)) == real


def chosen(nnunet, *trainers, configuration="3d_fullres", **more):
    return targets.choose([str(nnunet.dataset_id)], ["nnUNetPlans"], [configuration], trainers, [], [], **more)


def files_of(nnunet):
    return sorted(path for path in nnunet.root.rglob("*") if path.is_file())


@pytest.fixture
def without_processes(monkeypatch):
    """Each would import torch anew. Those of networks in a large batch find too little memory."""

    def peaks(target, threads):
        if target.plans["configurations"][target.configuration]["batch_size"] > 100:
            raise memory.OutOfMemoryError("too little")
        return memory.Peaks(10, 20, 30)

    monkeypatch.setattr(memory, "of_own_process", peaks)


@pytest.mark.parametrize(
    ("configuration", "baseline", "network_class"),
    [("2d", "nnUNetTrainerBN", "PlainConvUNet"), ("3d_fullres", "UNetTrainer_w4", "LeanUNet")],
)
def test_networks_are_measured_and_nothing_is_written_or_printed(
    tiny, capsys, without_processes, configuration, baseline, network_class
):
    before = files_of(tiny)
    trainers = ("LUnetTrainer_w2", baseline, "LUnetTrainer_w2_noDS")
    with tiny.active():
        environment = dict(os.environ)
        found = run.profile(chosen(tiny, *trainers, configuration=configuration), "cpu", 2, 1, SILENT)
        assert dict(os.environ) == environment
    assert files_of(tiny) == before
    assert capsys.readouterr() == ("", "")
    flat, doubling, without = found.networks
    assert (flat.network_class, doubling.network_class) == ("LeanUNet", network_class)
    assert flat.cost.parameters == known(without.cost.parameters) < known(doubling.cost.parameters)
    assert flat.cost.multiply_adds == known(without.cost.multiply_adds) < known(doubling.cost.multiply_adds)
    # The lower heads keep nothing of their own.
    assert without.cost.activation_bytes == flat.cost.activation_bytes
    assert known(flat.cost.activation_bytes) < known(doubling.cost.activation_bytes)
    assert found.machine["threads"] == 1
    for network in found.networks:
        assert (network.peak_inference_bytes, network.peak_training_bytes, network.process_bytes) == (10, 20, 30)
        for times in (network.seconds_per_training_step, network.seconds_per_inference_patch):
            assert len(known(times).values) == found.rounds == 2 and known(times).lowest > 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere another counter is read")
def test_peak_memory_is_that_of_a_process_of_its_own(tiny):
    with tiny.active():
        (target,) = chosen(tiny, "UNetTrainer", configuration="2d")
        found = memory.of_own_process(target, 1)
        with elsewhere():
            weights = 4 * known(run.count(target).cost.parameters)
    training, inference = known(found.training), known(found.inference)
    # Training holds weights, gradients and AdamW's two numbers for each weight, prediction the weights alone.
    assert training > 4 * weights and training > 1.5 * inference > 1.5 * weights
    assert known(found.process) > 100e6


@pytest.mark.parametrize(("configuration", "trainer"), [("3d_fullres", "UNetTrainer_w2"), ("2d", "nnUNetTrainer")])
def test_a_step_is_nnunets_and_changes_the_weights(hard, configuration, trainer):
    """Regions, an ignored label, two channels."""
    with hard.active():
        (target,) = chosen(hard, trainer, configuration=configuration, batch_size=3)
        with elsewhere():
            subject = Subject(target, "cpu")
            subject.prepare()
            assert isinstance(subject.batch["data"], torch.Tensor)
            assert subject.batch["data"].shape == (3, 2, *subject.patch_size)
            assert [len(each) for each in subject.batch["target"]] == [3] * len(subject.batch["target"])
            losses = []
            step = subject.trainer.train_step
            subject.trainer.train_step = lambda batch: losses.append(float(step(batch)["loss"]))
            before = [parameter.clone() for parameter in subject.network.parameters()]
            subject.train_step()
            subject.predict_patch()
            assert not subject.network.training and not subject.network.decoder.deep_supervision
            subject.train_step()
            assert subject.network.training and subject.network.decoder.deep_supervision
    assert all(loss == loss for loss in losses) and len(set(losses)) == 2
    assert any(not torch.equal(old, new) for old, new in zip(before, subject.network.parameters(), strict=True))


def test_the_trainer_decides_what_the_network_is(tiny):
    with tiny.active(), pytest.raises(UserError, match="LUnetPruningTrainer_1epochs") as error:
        run.profile(chosen(tiny, "LUnetTrainer_w2", "LUnetPruningTrainer_1epochs"), "cpu", 0, 1, SILENT)
    assert "\n" not in str(error.value)


def test_memory_that_does_not_suffice_is_a_note_and_the_others_go_on(tiny, without_processes):
    with tiny.active():
        fits, large = chosen(tiny, "LUnetTrainer_w2", "LUnetTrainer_w4")
        found = run.profile([targets.with_batch_size(large, 10**10), fits], "cpu", 1, 1, SILENT)
    first, second = found.networks
    assert first.note == "too little" and second.note == ""
    assert first.seconds_per_training_step is None and known(first.cost.parameters) > known(second.cost.parameters)
    assert second.seconds_per_training_step is not None
    assert record.ratio(second, first, "seconds_per_training_step") is None
    assert record.ratio(second, first, "parameters") == known(second.cost.parameters) / known(first.cost.parameters)


def test_a_process_that_runs_out_of_memory_says_so(tiny):
    with tiny.active():
        (target,) = chosen(tiny, "LUnetTrainer_w2", batch_size=10**10)
        with pytest.raises(memory.OutOfMemoryError, match=r"^out of memory on the CPU with batch size 10000000000$"):
            memory.of_own_process(target, 1)


def test_a_process_that_the_system_kills_had_too_little_memory(tiny, monkeypatch, tmp_path):
    with tiny.active():
        (target,) = chosen(tiny, "LUnetTrainer_w2")
    for script, error, says in (
        ("kill -9 $$", memory.OutOfMemoryError, "out of memory on the CPU with batch size 2"),
        ("echo 'nnunet-lunet: what was wrong' >&2; exit 1", UserError, "^nnunet-lunet: what was wrong$"),
    ):
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        with pytest.raises(error, match=says):
            memory.of_own_process(target, 1)


def test_gpu_memory_that_does_not_suffice_for_all_is_one_line(monkeypatch):
    def full():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(run.measure, "interleaved", lambda actions, *rest, **options: actions["a"]())
    with pytest.raises(UserError, match="out of memory while 1 networks take turns: profile fewer"):
        run.seconds({"a": full}, 1, "cpu", lambda: None)


def test_ratios_are_to_the_first_of_the_same_round(tiny):
    with tiny.active():
        found = run.profile(chosen(tiny, "LUnetTrainer_w2", "LUnetTrainer_w4"), "cpu", 0, None, SILENT)
    first, second = found.networks
    spread = run.measure.distribution
    first = replace(first, seconds_per_training_step=spread([1.0, 10.0, 1.0]))
    second = replace(second, seconds_per_training_step=spread([2.0, 20.0, 3.0]))
    profile = replace(found, networks=[first, second])
    own, other = record.ratios(profile)
    assert own["seconds_per_training_step"] == own["parameters"] == 1
    assert other["seconds_per_training_step"] == 2
    assert other["parameters"] == known(second.cost.parameters) / known(first.cost.parameters)
    assert other["peak_training_bytes"] is None
