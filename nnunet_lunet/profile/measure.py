"""How time and memory are measured: several things in turn, so that a busy machine slows all alike. No nnU-Net."""

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median, quantiles

import torch

#: Rounds before those that count: first calls make optimiser state, choose algorithms, compile.
WARM_UP = 2
#: What seconds on a CPU depend on beside the machine, and whether a GPU's are of compiled networks.
_VARIABLES = (
    "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "LD_PRELOAD", "nnUNet_compile"
)  # fmt: skip
_PACKAGES = ("nnunet-lunet", "nnunetv2", "dynamic-network-architectures", "openvino", "onnxruntime")


@dataclass(frozen=True)
class Distribution:
    """Numbers of several rounds, with their median, quartiles and range."""

    median: float
    low_quartile: float
    high_quartile: float
    lowest: float
    highest: float
    values: list[float]


def distribution(values: Sequence[float]) -> Distribution:
    """:param values: at least one"""
    low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return Distribution(median(values), low, high, min(values), max(values), list(values))


def ratios(values: Sequence[float], first: Sequence[float]) -> Distribution:
    """Each round's ratio to the first of that round: what slows both cancels out."""
    return distribution([value / base for value, base in zip(values, first, strict=True)])


def seconds(action: Callable[[], object], device: str = "cpu") -> float:
    """Wall-clock time of one call, until the device has done all of it."""
    _wait_for(device)
    start = time.perf_counter()
    action()
    _wait_for(device)
    return time.perf_counter() - start


def interleaved(
    actions: Mapping[str, Callable[[], object]],
    rounds: int,
    warm_up: int = WARM_UP,
    device: str = "cpu",
    after_each: Callable[[], None] = lambda: None,
) -> dict[str, list[float]]:
    """Seconds of each action in each round; a round runs every action once, in the given order.

    :param warm_up: rounds before, which are not in the result
    :param after_each: called after each action, for progress; not in the time
    """
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(warm_up + rounds):
        for name, action in actions.items():
            taken[name].append(seconds(action, device))
            after_each()
    return {name: values[warm_up:] for name, values in taken.items()}


def machine(device: str = "cpu") -> dict[str, object]:
    """What seconds and memory depend on: versions, device, threads, processor, settings."""
    found: dict[str, object] = {
        **dict(_versions()),
        "torch": torch.__version__,  # with what it was built for
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": device,
        "environment": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }
    if device == "cuda":
        found |= {
            "gpu": torch.cuda.get_device_name(),
            "gpu_memory_bytes": torch.cuda.get_device_properties(0).total_memory,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    return found


def _wait_for(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()


def _versions() -> Iterator[tuple[str, str]]:
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            yield name.replace("-", "_"), metadata.version(name)


def _processor() -> str:
    """Name of the processor where the system tells it (Linux), else its kind."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
