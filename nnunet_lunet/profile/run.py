"""``lunet profile``: counts, then measures, networks one beside the other."""

import io
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import _dynamo as dynamo
from torch.backends import cudnn

from nnunet_lunet.architectures import cost
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import networks
from nnunet_lunet.profile import measure, memory, record
from nnunet_lunet.profile.subject import Subject, elsewhere
from nnunet_lunet.profile.targets import Target


def progress_on(console: Console) -> Progress:
    """Bars for :func:`profile`, drawn between measurements only."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn(),
        TimeRemainingColumn(), console=console, auto_refresh=False,
    )  # fmt: skip


def profile(
    targets: Sequence[Target], device: str, rounds: int, threads: int | None, progress: Progress
) -> record.Profile:
    """Costs of the networks.

    :param targets: with names that differ; the first is what the others are compared with
    :param device: ``cpu``, ``cuda`` or ``mps``
    :param rounds: that are timed; with 0 everything is only counted
    :param threads: of torch; None for as many as nnU-Net would take on that device
    :raises UserError: a network cannot be made; nothing has been timed then
    """
    with elsewhere(), as_if_each_trained_alone(device, threads, len(targets)):
        bar = progress.add_task("count", total=len(targets))
        found = []
        for target in targets:
            found.append(count(target))
            _advance(progress, bar)
        if rounds:
            found = _measured(targets, found, device, rounds, progress)
        return record.Profile(found, rounds, measure.WARM_UP if rounds else 0, measure.machine(device))


def count(target: Target) -> record.NetworkProfile:
    """What needs no arithmetic: all that holds on every machine. Inside :func:`elsewhere`.

    :raises UserError: the network cannot be made, or does not take the plans' patch
    """
    subject = Subject(target, "cpu")
    try:
        subject.trainer.set_deep_supervision_enabled(False)
        found = networks.cost_of_network(subject.network, subject.patch_size)
        subject.trainer.set_deep_supervision_enabled(subject.trainer.enable_deep_supervision)
        kept = cost.activation_memory(subject.network, subject.input_channels, subject.patch_size)
    except Exception as error:  # the network may be anybody's
        size = "×".join(map(str, subject.patch_size))
        raise UserError(
            f"{target.name}: a patch of {size} cannot be counted: {type(error).__name__}: {error}"
        ) from error
    weights = io.BytesIO()
    torch.save(subject.network.state_dict(), weights)
    return record.NetworkProfile(
        name=target.name,
        dataset=target.dataset_name,
        plans=str(target.plans["plans_name"]),
        configuration=target.configuration,
        trainer=target.trainer,
        checkpoint=target.checkpoint,
        network_class=type(subject.network).__name__,
        patch_size=subject.patch_size,
        batch_size=subject.batch_size,
        cost=replace(found, activation_bytes=kept),
        weights_bytes=weights.tell(),
        checkpoint_bytes=Path(target.checkpoint).stat().st_size if target.checkpoint else None,
    )


def _measured(
    targets: Sequence[Target], counted: Sequence[record.NetworkProfile], device: str, rounds: int, progress: Progress
) -> list[record.NetworkProfile]:
    """With memory and times; a network that memory does not suffice for gets a note instead, the others go on."""
    found = {network.name: network for network in counted}
    subjects: dict[str, Subject] = {}
    bar = progress.add_task("peak memory", total=len(targets))
    for target in targets:
        try:
            subjects[target.name], peaks = _ready(target, device)
            found[target.name] = replace(
                found[target.name], peak_training_bytes=peaks.training, peak_inference_bytes=peaks.inference,
                process_bytes=peaks.process,
            )  # fmt: skip
        except memory.OutOfMemoryError as error:
            found[target.name] = replace(found[target.name], note=str(error))
        _advance(progress, bar)
    for kind, (description, actions) in {
        "seconds_per_training_step": ("step", {name: subject.train_step for name, subject in subjects.items()}),
        "seconds_per_inference_patch": ("patch", {name: subject.predict_patch for name, subject in subjects.items()}),
    }.items():
        bar = progress.add_task(f"seconds a {description}", total=(measure.WARM_UP + rounds) * len(actions))
        for name, values in seconds(actions, rounds, device, partial(_advance, progress, bar)).items():
            measured: dict[str, Any] = {kind: measure.distribution(values)}
            found[name] = replace(found[name], **measured)
    return list(found.values())


def _ready(target: Target, device: str) -> tuple[Subject, memory.Peaks]:
    if device == "cpu":
        peaks = memory.of_own_process(target, torch.get_num_threads())
        subject = Subject(target, device)
        subject.prepare()
        return subject, peaks
    before = torch.cuda.memory_allocated() if device == "cuda" else 0
    try:
        subject = Subject(target, device)
        subject.prepare()
    except torch.OutOfMemoryError as error:
        raise memory.OutOfMemoryError("out of memory on the GPU for the network alone") from error
    with redirect_stdout(io.StringIO()):
        return subject, memory.of_gpu(subject, before) if device == "cuda" else memory.Peaks(None, None)


def seconds(
    actions: Mapping[str, Callable[[], None]], rounds: int, device: str, after_each: Callable[[], None]
) -> dict[str, list[float]]:
    """What :func:`measure.interleaved` says of networks that are all in memory.

    :raises UserError: there is too little for all of them
    """
    try:
        with redirect_stdout(io.StringIO()):
            return measure.interleaved(actions, rounds, device=device, after_each=after_each)
    except RuntimeError as error:
        if not memory.is_out_of_memory(f"{type(error).__name__}: {error}"):
            raise
        raise UserError(
            f"out of memory while {len(actions)} networks take turns: profile fewer at a time, or give a smaller "
            "--batch-size"
        ) from error


def _advance(progress: Progress, bar: TaskID) -> None:
    # A thread that draws by the clock would take part in what is measured.
    progress.advance(bar)
    progress.refresh()


@contextmanager
def as_if_each_trained_alone(device: str, threads: int | None, networks: int) -> Iterator[None]:
    """Threads and cuDNN as nnU-Net's commands set them, and as many compiled networks as there are.

    Networks of one class share the code of their forward pass, of which torch compiles a few variants only, and later
    ones for variable sizes; the rest would run uncompiled.
    """
    before = torch.get_num_threads()
    own = {"cpu": multiprocessing.cpu_count(), "cuda": 1}
    torch.set_num_threads(threads or own.get(device, before))
    if device == "cuda":
        cudnn.deterministic, cudnn.benchmark = False, True
    variants = dynamo.config.cache_size_limit * networks
    try:
        with dynamo.config.patch(cache_size_limit=variants, automatic_dynamic_shapes=False):
            yield
    finally:
        torch.set_num_threads(before)
