"""How much memory a process has needed so far."""

import sys
from contextlib import suppress
from pathlib import Path

import torch


def of_training(device: torch.device) -> int | None:
    """Bytes: on CUDA what torch's allocator handed out at most, elsewhere :func:`resident_set`."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else resident_set()


def resident_set() -> int | None:
    """Largest resident set of this process so far, in bytes; None where the system does not tell."""
    with suppress(OSError, IndexError):
        # getrusage would give a child the peak of the process that started it.
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None
