"""Peak memory of a network: torch's counter on a GPU, the resident set of a process of its own on a CPU.

``python -m nnunet_lunet.profile.memory`` is that process: it reads a target from standard input and writes
the peaks to standard output, both as JSON.
"""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from nnunet_lunet.errors import UserError
from nnunet_lunet.profile.subject import Subject, elsewhere
from nnunet_lunet.profile.targets import Target, check_trainer
from nnunet_lunet.trainers import peak_memory

_KILLED = -9  # by the system, which is what Linux does when memory is exhausted
_STEPS = 2  # the first one makes the optimiser's state


class OutOfMemoryError(RuntimeError):
    """A network that this device has too little memory for."""


@dataclass(frozen=True)
class Peaks:
    """Bytes at most in use above what there was before the network; None where the system does not tell.

    :param inference: while a patch was predicted
    :param training: during training steps
    :param process: what Python and its libraries took before: the peak resident set is this and that
    """

    inference: int | None
    training: int | None
    process: int | None = None


def of_own_process(target: Target, threads: int) -> Peaks:
    """Peak resident sets of a new process that makes this network and predicts and trains with it, on the CPU.

    They are noisy: what the allocator keeps or gives back, and the libraries that are loaded, are in them.

    :raises OutOfMemoryError: the process was killed, or its allocator had no more
    :raises UserError: it failed for another reason
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", __name__],
        input=json.dumps({"target": asdict(target), "threads": threads}),
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    if done.returncode == _KILLED or is_out_of_memory(last):
        raise OutOfMemoryError(f"out of memory on the CPU with batch size {_batch_size(target)}")
    if done.returncode != 0:
        raise UserError(last)
    return Peaks(**json.loads(done.stdout.splitlines()[-1]))


def of_gpu(subject: Subject, allocated_before: int) -> Peaks:
    """Peaks of what torch's allocator handed out on the GPU above what was in use before this network was there.

    :param subject: ready on ``cuda``
    :param allocated_before: ``torch.cuda.memory_allocated()`` before it was made
    :raises OutOfMemoryError: the GPU has too little
    """
    peaks = []
    try:
        for action in (subject.predict_patch, subject.train_step):
            for _ in range(_STEPS):
                # The first call also tries algorithms that want more memory than the one that is chosen.
                torch.cuda.reset_peak_memory_stats()
                action()
            peaks.append(torch.cuda.max_memory_allocated() - allocated_before)
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(f"out of memory on the GPU with batch size {subject.batch_size}") from error
    return Peaks(*peaks)


def is_out_of_memory(message: str) -> bool:
    """Whether that is what torch, Python or the C library say when memory is exhausted."""
    return any(text in message for text in ("can't allocate memory", "MemoryError", "OutOfMemory", "bad_alloc"))


def _batch_size(target: Target) -> int:
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    return int(PlansManager(target.plans).get_configuration(target.configuration).batch_size)


def _measure_this_process(target: Target, threads: int) -> Peaks:
    torch.set_num_threads(threads)
    check_trainer(target.trainer)  # imports what trainers import
    nn.Conv2d(1, 1, 3)(torch.randn(1, 1, 8, 8)).sum().backward()  # and this makes the libraries' own state
    process = _forget_peak()
    with elsewhere():
        subject = Subject(target, "cpu")
        subject.prepare()
        subject.predict_patch()
        inference = peak_memory.resident_set()
        for _ in range(_STEPS):
            subject.train_step()
        training = peak_memory.resident_set()
    if process is None or inference is None or training is None:
        return Peaks(None, None)
    return Peaks(inference - process, training - process, process)


def _forget_peak() -> int | None:
    """Peak resident set, which is what is resident now where the system (Linux) lets a process start anew."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak_memory.resident_set()


def _main() -> None:
    given = json.load(sys.stdin)
    print(json.dumps(asdict(_measure_this_process(Target(**given["target"]), given["threads"]))))


if __name__ == "__main__":
    _main()
