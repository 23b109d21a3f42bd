"""Runs a study: prepares each dataset, then its trainings, then compares."""

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.errors import UserError
from nnunet_lunet.study import cells, jobs, matrix, preparation, request
from nnunet_lunet.study.cells import Plan
from nnunet_lunet.study.executors import Cluster, Handle, Local
from nnunet_lunet.study.matrix import Cell
from nnunet_lunet.study.progress import Display, Status
from nnunet_lunet.study.request import Study

_SECONDS = 1.0


class _Executor(Protocol):
    def submit(self, job: Any) -> Handle: ...

    def close(self) -> None: ...


def load(name: str, output: Path | None, device: str | None) -> tuple[Study, list[Cell], Plan]:
    """A study, its cells, and what is asked of each.

    :param name: of a file, or of a study of this package
    :param output: instead of the file's
    :param device: instead of the file's
    :raises UserError: the file is wrong, or a dataset is not there
    """
    preparation.check_folders()
    file = request.find(name)
    study = request.read(file)
    datasets = preparation.dataset_names(study.datasets, file)
    found = matrix.expand(study, file, datasets)
    folder = output or Path(study.output or f"lunet-study-{file.stem}")
    plan = Plan(folder.absolute(), _device(device or study.device), study.predict)
    plan.check_folders(datasets)
    return study, found, plan


def _device(device: str) -> str:
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def states(found: Sequence[Cell], plan: Plan) -> list[tuple[Cell, str]]:
    """How far each cell is."""
    return [(cell, cells.state(cell, plan)) for cell in found]


def command_lines(found: Sequence[Cell], plan: Plan) -> list[str]:
    """What :func:`run` would run, as one would type it."""
    left = [(cell, state) for cell, state in states(found, plan) if state != "done"]
    lines = []
    for dataset in dict.fromkeys(cell.dataset for cell, _ in left):
        of_dataset = [cell for cell, _ in left if cell.dataset == dataset]
        lines += preparation.stock_commands(dataset, of_dataset)
        for origin in preparation.origins(of_dataset):
            if origin.derived:
                lines.append(preparation.plan_command(dataset, origin))
    for cell, state in left:
        lines += cells.commands(cell, plan, state)
    return [shlex.join(line) for line in lines]


def run(study: Study, found: Sequence[Cell], plan: Plan, console: Console) -> bool:
    """Run what is left of a study; whether all of it is done then.

    What nnU-Net wrote is all that is needed to go on, so this can be stopped, or killed, at any moment.

    :raises UserError: another study writes to that folder, or the cluster's options are wrong
    """
    local = study.executor.local
    lock = plan.output / ".lock"
    with jobs.locked(lock, 0, f"{plan.output} is in use by another lunet study: wait for it, or give --output"):
        executor: _Executor
        if local is not None:
            executor = Local(local.slots, share_of_cores(len(local.slots), plan.device))
        else:
            executor = Cluster(study.executor.slurm or {}, plan.output / "slurm")
        with _stopping_on_signals(), Display(console, len(local.slots) if local else None) as display:
            try:
                status = _work(found, plan, executor, display)
            finally:
                executor.close()
        _record(study, status, plan)
        compare(study, [cell for cell in found if cell in status.done], plan, console)
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


def _work(found: Sequence[Cell], plan: Plan, executor: _Executor, display: Display) -> Status:
    """Hands jobs to the executor as soon as they can run, until all ended."""
    known = dict(states(found, plan))
    status = Status(done=[cell for cell in found if known[cell] == "done"])
    status.waiting = [cell for cell in found if known[cell] != "done"]
    datasets = dict.fromkeys(cell.dataset for cell in status.waiting)
    preparing: dict[str, Handle] = {}
    training: dict[Cell, Handle] = {}
    ready: dict[str, dict[str, str]] = {}
    for dataset in datasets:
        todo = tuple(cell for cell in status.waiting if cell.dataset == dataset)
        preparing[dataset] = executor.submit(jobs.Preparation(dataset, todo, plan))
    while preparing or status.waiting or status.running:
        for dataset, handle in list(preparing.items()):
            if handle.done():
                ready[dataset] = _prepared(handle, found)
                del preparing[dataset]
        for cell in [cell for cell in status.waiting if cell not in training and cell.dataset in ready]:
            _start(cell, ready[cell.dataset], plan, executor, status, training)
        for cell, handle in list(training.items()):
            _follow(cell, handle, plan, status, training)
        status.preparing = [f"{dataset}: plans and data" for dataset in preparing]
        display.update(status)
        if preparing or training:
            time.sleep(_SECONDS)
    display.update(status)
    return status


def _prepared(handle: Handle, dataset_cells: Sequence[Cell]) -> dict[str, str]:
    """What went wrong in a preparation, by the name of the plans."""
    try:
        wrong: dict[str, str] = handle.result()
    except UserError as error:
        return {cell.plans: jobs.said(error) for cell in dataset_cells}
    return wrong


def _start(
    cell: Cell, wrong: dict[str, str], plan: Plan, executor: _Executor, status: Status, training: dict[Cell, Handle]
) -> None:
    """Hand a cell over, unless what it needs is not there yet, or never will be."""
    if any(cell.waits_for(other) for other in [*status.waiting, *status.running]):
        return
    broken = [other for other in status.failed if cell.waits_for(other)]
    why = wrong.get(cell.plans) or (f"it needs {broken[0].title}, which failed" if broken else None)
    if why is None:
        try:
            training[cell] = executor.submit(jobs.Training(cell, plan))
            return
        except UserError as error:
            why = jobs.said(error)
    status.waiting.remove(cell)
    status.failed[cell] = why


def _follow(cell: Cell, handle: Handle, plan: Plan, status: Status, training: dict[Cell, Handle]) -> None:
    """Move a cell from waiting to running to done or failed, as its job does."""
    if cell in status.waiting and (handle.done() or handle.running()):
        status.waiting.remove(cell)
        status.running.append(cell)
    if not handle.done():
        return
    del training[cell]
    status.running.remove(cell)
    try:
        why = handle.result()
    except UserError as error:
        why = jobs.said(error)
    if why is None and (reached := cells.state(cell, plan)) != "done":
        why = f"it is {reached} after its job: see {plan.log(cell)}"
    if why is None:
        status.done.append(cell)
    else:
        status.failed[cell] = why


def _record(study: Study, status: Status, plan: Plan) -> None:
    """``study.json``: what was asked, with which versions, and what became of each cell. Nothing reads it."""
    packages = ("nnunet-lunet", "nnunetv2", "torch")
    content = {
        "study": study.model_dump(mode="json"),
        "device": plan.device,
        "versions": {package: metadata.version(package) for package in packages},
        "done": {cell.title: str(cells.fold_folder(cell)) for cell in status.done},
        "failed": {cell.title: why for cell, why in status.failed.items()},
    }
    with atomic_write(plan.output / "study.json") as file:
        file.write(json.dumps(content, indent=1).encode())


def compare(study: Study, done: Sequence[Cell], plan: Plan, console: Console) -> None:
    """One comparison for each dataset and configuration, of all that is done; the first network is the baseline.

    What cannot be compared is told; ``lunet compare`` can still do it by hand.
    """
    for dataset, configuration in dict.fromkeys((cell.dataset, cell.configuration) for cell in done):
        of_both = [cell for cell in done if (cell.dataset, cell.configuration) == (dataset, configuration)]
        models = dict.fromkeys(f"{cell.label}={cell.trainer}:{cell.plans}:{configuration}" for cell in of_both)
        output = plan.output / f"comparison-{dataset}-{configuration}"
        try:
            from nnunet_lunet.compare import run as comparing

            folds = [str(fold) for fold in study.folds]
            typed = shlex.join(["lunet", *sys.argv[1:]])
            asked = comparing.Request(dataset, list(models), folds=folds, overwrite=True, command=typed)
            comparing.run(asked, output, console)
        except (UserError, ImportError) as error:
            why = jobs.said(error) if isinstance(error, UserError) else str(error)
            line = f"{dataset} {configuration} is not compared: {why}"
            console.print(line, style="yellow", soft_wrap=True, markup=False, highlight=False)
