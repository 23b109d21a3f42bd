"""Runs a study: prepares each dataset, then its trainings, then compares."""

import json
import os
import shlex
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import devices
from nnunet_lunet.study import comparison, jobs, matrix, preparation, request, steps
from nnunet_lunet.study.executors import ClusterExecutor, Handle, LocalExecutor
from nnunet_lunet.study.matrix import Training
from nnunet_lunet.study.progress import Display, Status
from nnunet_lunet.study.request import Study
from nnunet_lunet.study.steps import Settings

_SECONDS = 1.0


class _Executor(Protocol):
    def submit(self, job: Any) -> Handle: ...

    def close(self) -> None: ...


def load(name: str, output: Path | None, device: str | None) -> tuple[Study, list[Training], Settings]:
    """A study, its trainings, and what is asked of each.

    :param name: of a file, or of a study of this package
    :param output: instead of the file's
    :param device: instead of the file's
    :raises UserError: the file is wrong, or a dataset is not there
    """
    preparation.check_folders()
    file = request.find(name)
    study = request.read(file)
    datasets = preparation.dataset_names([entry.dataset for entry in study.datasets], file)
    found = matrix.expand(study, file, datasets)
    folder = output or Path(study.output or f"lunet-study-{file.stem}")
    settings = Settings(folder.absolute(), devices.resolve(device or study.device), study.predict, study.groups)
    settings.check_folders(datasets)
    return study, found, settings


def states(found: Sequence[Training], settings: Settings) -> list[tuple[Training, str]]:
    """How far each training is."""
    return [(training, steps.state(training, settings)) for training in found]


def command_lines(found: Sequence[Training], settings: Settings) -> list[str]:
    """What :func:`run` would run, as one would type it."""
    left = [(training, state) for training, state in states(found, settings) if state != "done"]
    lines = []
    for dataset in dict.fromkeys(training.dataset for training, _ in left):
        of_dataset = [training for training, _ in left if training.dataset == dataset]
        lines += preparation.stock_commands(dataset, of_dataset)
        for origin in preparation.origins(of_dataset):
            if origin.derived:
                lines.append(preparation.plan_command(dataset, origin))
    for training, state in left:
        lines += steps.commands(training, settings, state)
    return [shlex.join(line) for line in lines]


def run(study: Study, found: Sequence[Training], settings: Settings, console: Console) -> bool:
    """Run what is left of a study; whether all of it is done then.

    What nnU-Net wrote is all that is needed to go on, so this can be stopped, or killed, at any moment.

    :raises UserError: another study writes to that folder, or the cluster's options are wrong
    """
    local = study.executor.local
    lock = settings.output / ".lock"
    with jobs.locked(lock, 0, f"{settings.output} is in use by another lunet study: wait for it, or give --output"):
        executor: _Executor
        if local is not None:
            executor = LocalExecutor(local.slots, share_of_cores(len(local.slots), settings.device))
        else:
            executor = ClusterExecutor(study.executor.slurm or {}, settings.output / "slurm")
        with _stopping_on_signals(), Display(console, len(local.slots) if local else None) as display:
            try:
                status = _work(found, settings, executor, display)
            finally:
                executor.close()
        _record(study, status, settings)
        comparison.compare(study, [training for training in found if training in status.done], settings, console)
    return not status.failed


def share_of_cores(jobs_at_a_time: int, device: str) -> dict[str, str]:
    """For jobs that train on the CPU side by side: this package's trainers take as many threads as this says."""
    if device != "cpu" or jobs_at_a_time == 1 or "OMP_NUM_THREADS" in os.environ:
        return {}
    return {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs_at_a_time))}


@contextmanager
def _stopping_on_signals() -> Iterator[None]:
    """SIGTERM ends a study as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _work(found: Sequence[Training], settings: Settings, executor: _Executor, display: Display) -> Status:
    """Hands jobs to the executor as soon as they can run, until all ended."""
    known = dict(states(found, settings))
    status = Status(done=[training for training in found if known[training] == "done"])
    status.waiting = [training for training in found if known[training] != "done"]
    datasets = dict.fromkeys(training.dataset for training in status.waiting)
    preparing: dict[str, Handle] = {}
    handles: dict[Training, Handle] = {}
    ready: dict[str, dict[str, str]] = {}
    for dataset in datasets:
        todo = tuple(training for training in status.waiting if training.dataset == dataset)
        preparing[dataset] = executor.submit(jobs.PreparationJob(dataset, todo, settings))
    while preparing or status.waiting or status.running:
        for dataset, handle in list(preparing.items()):
            if handle.done():
                ready[dataset] = _prepared(handle, found)
                del preparing[dataset]
        for training in [
            training for training in status.waiting if training not in handles and training.dataset in ready
        ]:
            _start(training, ready[training.dataset], settings, executor, status, handles)
        for training, handle in list(handles.items()):
            _follow(training, handle, settings, status, handles)
        status.preparing = [f"{dataset}: plans and data" for dataset in preparing]
        display.update(status)
        if preparing or handles:
            time.sleep(_SECONDS)
    display.update(status)
    return status


def _prepared(handle: Handle, of_dataset: Sequence[Training]) -> dict[str, str]:
    """What went wrong in a preparation, by the name of the plans."""
    try:
        wrong: dict[str, str] = handle.result()
    except UserError as error:
        return {training.plans: error.message for training in of_dataset}
    return wrong


def _start(
    training: Training,
    wrong: dict[str, str],
    settings: Settings,
    executor: _Executor,
    status: Status,
    handles: dict[Training, Handle],
) -> None:
    """Hand a training over, unless what it needs is not there yet, or never will be."""
    if any(training.waits_for(other) for other in [*status.waiting, *status.running]):
        return
    broken = [other for other in status.failed if training.waits_for(other)]
    why = wrong.get(training.plans) or (f"it needs {broken[0].title}, which failed" if broken else None)
    if why is None:
        try:
            handles[training] = executor.submit(jobs.TrainingJob(training, settings))
            return
        except UserError as error:
            why = error.message
    status.waiting.remove(training)
    status.failed[training] = why


def _follow(
    training: Training, handle: Handle, settings: Settings, status: Status, handles: dict[Training, Handle]
) -> None:
    """Move a training from waiting to running to done or failed, as its job does."""
    if training in status.waiting and (handle.done() or handle.running()):
        status.waiting.remove(training)
        status.running.append(training)
    if not handle.done():
        return
    del handles[training]
    status.running.remove(training)
    try:
        why = handle.result()
    except UserError as error:
        why = error.message
    if why is None and (reached := steps.state(training, settings)) != "done":
        why = f"it is {reached} after its job: see {settings.log(training)}"
    if why is None:
        status.done.append(training)
    else:
        status.failed[training] = why


def _record(study: Study, status: Status, settings: Settings) -> None:
    """``study.json``: what was asked, with which versions, and what became of each training. Nothing reads it."""
    packages = ("nnunet-lunet", "nnunetv2", "torch")
    content = {
        "study": study.model_dump(mode="json"),
        "device": settings.device,
        "versions": {package: metadata.version(package) for package in packages},
        "done": {training.title: str(steps.fold_folder(training)) for training in status.done},
        "failed": {training.title: why for training, why in status.failed.items()},
    }
    with atomic_write(settings.output / "study.json") as file:
        file.write(json.dumps(content, indent=1).encode())
