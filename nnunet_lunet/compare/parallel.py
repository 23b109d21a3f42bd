"""Jobs in this process, or in several where that is faster."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from time import process_time
from typing import Any, TypeVar

from nnunetv2.configuration import default_num_processes

from nnunet_lunet.errors import UserError

Result = TypeVar("Result")

#: Seconds of computing beyond which several processes are started: each of them imports torch and MONAI, which was 12.
WORTH_STARTING = 40.0


def usable() -> int:
    """nnU-Net's default number of processes (``nnUNet_def_n_proc``), but no more than this one may use cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(default_num_processes, cores))


def each(
    function: Callable[..., Result], jobs: Mapping[str, tuple[Any, ...]], processes: int | None
) -> Iterator[tuple[str, Result]]:
    """Name and result of each job, as they get ready.

    :param jobs: arguments of the function, by name
    :param processes: as many; without a number, this one begins, and :func:`usable` ones take over if what is left
        would take it more than :data:`WORTH_STARTING`
    :raises UserError: a process was killed
    """
    left = dict(jobs)
    several = usable() if processes is None else processes
    if processes is None or several == 1:
        # The first job imports what the others find there, and tells nothing of their time: it is left out.
        spent = first = 0.0
        while left and not (several > 1 and _rest(spent - first, len(jobs), len(left)) > WORTH_STARTING):
            name, begun = next(iter(left)), process_time()
            yield name, function(*left.pop(name))
            spent += process_time() - begun
            first = first or spent
    if left:
        yield from _by_several(function, left, min(several, len(left)))


def _rest(spent: float, jobs: int, left: int) -> float:
    """Seconds of computing, which others on the machine do not change, of the jobs that are left."""
    done = jobs - left - 1
    return spent / done * left if done > 0 else 0.0


def _by_several(
    function: Callable[..., Result], jobs: Mapping[str, tuple[Any, ...]], processes: int
) -> Iterator[tuple[str, Result]]:
    # As nnU-Net: torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        waiting = {pool.submit(function, *arguments): name for name, arguments in jobs.items()}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        except BrokenProcessPool as error:
            raise UserError(f"--processes {processes}: one was killed, perhaps for its memory; use fewer") from error
        finally:
            pool.shutdown(cancel_futures=True)
