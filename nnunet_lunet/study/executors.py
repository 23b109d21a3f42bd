"""Where jobs run: on this machine some at a time, or on a SLURM cluster through submitit.

submitit's own local executor starts everything at once, needs a time limit, and its jobs outlive the study; threads
that wait for stock commands are less, and end with it.
"""

import getpass
import math
import os
import queue
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from nnunet_lunet.errors import UserError, missing


class Handle(Protocol):
    """A job that was handed over."""

    def running(self) -> bool: ...

    def done(self) -> bool: ...

    def result(self) -> Any:
        """What the job returned; call it when it is done."""


class LocalExecutor:
    """This machine: as many jobs at a time as there are slots.

    :param slots: the GPU of each job that runs at the same time, or None
    :param variables: of the environment of every job's commands
    """

    def __init__(self, slots: Sequence[int | None], variables: Mapping[str, str] | None = None) -> None:
        self._variables = dict(variables or {})
        self._slots: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        for slot in slots:
            self._slots.put(slot)
        self._pool = ThreadPoolExecutor(len(slots))
        # Commands end when this pipe is closed, which the operating system does if this process is killed.
        self._lifeline, self._held = os.pipe()

    def submit(self, job: Any) -> Handle:
        return self._pool.submit(self._run, job)

    def _run(self, job: Any) -> Any:
        slot = self._slots.get()
        try:
            of_slot = {} if slot is None else {"CUDA_VISIBLE_DEVICES": str(slot)}
            return job({**self._variables, **of_slot}, self._lifeline)
        finally:
            self._slots.put(slot)

    def close(self) -> None:
        """Stop what is running."""
        os.close(self._held)
        self._pool.shutdown(cancel_futures=True)
        os.close(self._lifeline)


class ClusterExecutor:
    """A SLURM cluster. A job that an earlier study left running is waited for, not started again.

    :param options: of submitit's ``AutoExecutor``, from the study's file
    :param folder: for what submitit writes, on a file system that the nodes share
    :param kind: submitit's name of the cluster
    :raises UserError: submitit is missing, there is no SLURM, or it does not take the options
    """

    #: Requeued so often when the time limit is over; submitit's default is 3.
    requeue = 100

    def __init__(self, options: Mapping[str, Any], folder: Path, kind: str = "slurm") -> None:
        self._options, self._folder, self._kind = options, folder, kind
        self._handles: list[_ClusterHandle] = []
        self._queue = _Queue()
        try:
            self._executor("check")
        except ImportError as error:
            raise missing("submitit", "study", "executor slurm") from error
        except (AssertionError, NameError, RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"executor.slurm: {error}") from error

    def _executor(self, name: str) -> Any:
        import submitit

        own = {"slurm_max_num_timeout": self.requeue, "name": name}
        options = {**own, **self._options}
        of_constructor = {key: options.pop(key) for key in _OF_CONSTRUCTOR if key in options}
        executor = submitit.AutoExecutor(self._folder / name, cluster=self._kind, **of_constructor)
        executor.update_parameters(**options)
        return executor

    def submit(self, job: Any) -> Handle:
        """:raises UserError: the cluster refuses the job"""
        found = self._left_running(job.name)
        if found is None:
            try:
                found = self._executor(job.name).submit(job)
            except Exception as error:  # submitit passes on what sbatch says, in several classes
                raise UserError(f"SLURM does not take the job: {error}") from error
        handle = _ClusterHandle(found, self._queue if self._kind == "slurm" else None)
        self._handles.append(handle)
        return handle

    def _left_running(self, name: str) -> Any:
        from submitit import SlurmJob

        if self._kind != "slurm":
            return None
        submitted = sorted((self._folder / name).glob("*_submitted.pkl"), key=lambda file: file.stat().st_mtime)
        number = submitted[-1].name.partition("_")[0] if submitted else ""
        is_left = self._queue.state(number) not in (None, "COMPLETING")
        return SlurmJob(self._folder / name, number) if is_left else None

    def close(self) -> None:
        """Cancel what has not ended."""
        for handle in self._handles:
            if not handle.done():
                handle.job.cancel(check=False)


_OF_CONSTRUCTOR = ("slurm_max_num_timeout", "slurm_max_pickle_size_gb", "slurm_python")


class _Queue:
    """What ``squeue`` tells of this user's jobs. ``sacct``, which submitit asks, needs a database that many lack."""

    #: Between two questions, for the controller's sake.
    seconds = 10

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self._asked = -math.inf

    def state(self, number: str) -> str | None:
        """``PENDING``, ``RUNNING``, …; None for a job that is not queued and does not run."""
        if time.monotonic() - self._asked > self.seconds:
            command = ["squeue", "--noheader", "--user", getpass.getuser(), "--format", "%A %T"]
            asked = subprocess.run(command, capture_output=True, text=True, check=False)
            if asked.returncode == 0:  # a controller that restarts is asked again
                self._states = dict(line.split(maxsplit=1) for line in asked.stdout.splitlines() if " " in line)
            self._asked = time.monotonic()
        return self._states.get(number)


class _ClusterHandle:
    #: Seconds for a result to reach this machine after its job has left the queue.
    patience = 30

    def __init__(self, job: Any, jobs: _Queue | None) -> None:
        self.job, self._jobs = job, jobs
        self._gone_since: float | None = None

    def running(self) -> bool:
        return self._jobs is None or self._jobs.state(self.job.job_id) == "RUNNING"

    def done(self) -> bool:
        if self.job.paths.result_pickle.exists():
            return True
        if self._jobs is None:
            return bool(self.job.done())
        if self._jobs.state(self.job.job_id) is not None:
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = time.monotonic()
        return self._gone_since is not None and time.monotonic() - self._gone_since > self.patience

    def result(self) -> Any:
        """:raises UserError: the job ended without one, or with an error that it did not expect"""
        paths = self.job.paths
        if not paths.result_pickle.exists():
            last = _last_line(paths.stderr) or _last_line(paths.stdout)
            raise UserError(f"job {self.job.job_id} ended without a result ({last}); its output: {paths.stdout.parent}")
        try:
            return self.job.result()
        except Exception as error:  # submitit's own, with a traceback in its text
            trace = str(error).rpartition("\n---")[0] or str(error)  # a line of dashes, and where its logs are
            last = trace.strip().rpartition("\n")[2]
            raise UserError(f"job {self.job.job_id} failed ({last}); its output: {paths.stdout}") from error


def _last_line(file: Path) -> str:
    """Of what a job printed, or what SLURM says between stars that it did to it: cancelled, out of time or memory."""
    try:
        lines = [line for line in file.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return ""
    return ([line for line in lines if "***" in line] or lines or [""])[-1]
