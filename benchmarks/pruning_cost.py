"""What pruning costs: statistics per training step and memory, and one removal, on random numbers.

MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 python -m benchmarks.pruning_cost
"""

import json
import os
import statistics
import subprocess
import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.step_time import NETWORKS, PATCH, arguments, network, step
from nnunet_lunet.architectures import cost
from nnunet_lunet.errors import UserError
from nnunet_lunet.profile import measure
from nnunet_lunet.pruning import groups, surgery
from nnunet_lunet.pruning.importance import ImportanceStatistics
from nnunet_lunet.pruning.scores import IMPORTANCES
from nnunet_lunet.trainers import peak_memory

#: Key of steps without statistics.
WITHOUT = "without"


def watched_step(
    net: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, collector: ImportanceStatistics | None
) -> None:
    """One training step, as the pruning trainer makes it."""
    if collector is None:
        step(net, optimizer, x)
        return
    collector.begin_step(len(x))
    step(net, optimizer, x)
    collector.end_step()


def ready(name: str, given: Namespace) -> tuple[nn.Module, torch.optim.Optimizer, torch.Tensor]:
    """Network in training, its optimiser, and a batch ``(B, C, D, H, W)``."""
    torch.manual_seed(0)
    net = network(*NETWORKS[name]).train()
    optimizer = torch.optim.SGD(net.parameters(), 1e-3, momentum=0.99)
    return net, optimizer, torch.randn(given.batch, 1, *given.patch)


def seconds_of_statistics(name: str, given: Namespace) -> dict[str, object]:
    """A step without and with each kind of statistics, interleaved; ratios to the step without of the same round."""
    net, optimizer, x = ready(name, given)
    prunable = groups.find_groups(net)
    collectors = {kind: ImportanceStatistics(net, prunable, kind) for kind in given.importances}
    for collector in collectors.values():
        collector.close()
    seconds: dict[str, list[float]] = {kind: [] for kind in (WITHOUT, *given.importances)}
    for _ in range(given.rounds + 1):  # the first round warms up
        for kind, times in seconds.items():
            if kind in collectors:
                collectors[kind].open(net)
            times.append(measure.seconds(partial(watched_step, net, optimizer, x, collectors.get(kind))))
            if kind in collectors:
                collectors[kind].close()
    ratios = {kind: measure.ratios(seconds[kind][1:], seconds[WITHOUT][1:]) for kind in given.importances}
    return {
        "median_seconds_without": round(statistics.median(seconds[WITHOUT][1:]), 3),
        "median_ratio": {kind: round(ratio.median, 3) for kind, ratio in ratios.items()},
        "range_of_ratios": {kind: [round(ratio.lowest, 3), round(ratio.highest, 3)] for kind, ratio in ratios.items()},
    }


def peak_of_steps(name: str, kind: str, given: Namespace) -> int:
    """Peak resident set in bytes of this process after three steps, of an importance or :data:`WITHOUT` one.

    :raises UserError: this system does not tell it
    """
    net, optimizer, x = ready(name, given)
    found = groups.find_groups(net)  # the trace takes memory in either case
    collector = None if kind == WITHOUT else ImportanceStatistics(net, found, kind)
    for _ in range(3):
        watched_step(net, optimizer, x, collector)
    peak = peak_memory.resident_set()
    if peak is None:
        raise UserError("the peak of a process is known on Linux and macOS only")
    return peak


def memory_of_statistics(name: str, given: Namespace) -> dict[str, object]:
    """Peak resident set of a process of its own for each kind, with the allocator's own settings."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    size = ["--patch", *map(str, given.patch), "--batch", str(given.batch)]
    peaks = {}
    for kind in (WITHOUT, *given.importances):
        printed = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.pruning_cost", "--peak-of", name, kind, *size],
            env=environment, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        peaks[kind] = int(printed.stdout)
    return {
        "peak_mib_without": round(peaks[WITHOUT] / 2**20),
        "ratio": {kind: round(peaks[kind] / peaks[WITHOUT], 3) for kind in given.importances},
    }


def removal_cost(given: Namespace) -> dict[str, object]:
    """Trace, cut and optimiser state of a U-Net that doubles from 32 up to 320 channels."""
    net = network(32, "doubling", given.stages)
    optimizer = torch.optim.SGD(net.parameters(), 1e-3, momentum=0.99)
    step(net, optimizer, torch.randn(1, 1, *[2**given.stages] * 3))
    name = groups.find_groups(net)[9].name
    parameters, seconds = cost.parameters(net), []
    for _ in range(given.removals):
        seconds.append(measure.seconds(partial(surgery.remove_channels, net, {name: [0]}, optimizer)))
    return {"parameters": parameters, "seconds_a_removal": [round(value, 2) for value in seconds]}


def compile_cost(given: Namespace) -> dict[str, object]:
    """Seconds that torch.compile (inductor) adds to the first step, which each removal would do again."""
    seconds: dict[str, object] = {}
    for name in given.networks:
        net, optimizer, x = ready(name, given)
        torch._dynamo.reset()
        compiled: Any = torch.compile(net)
        first, second = (measure.seconds(partial(step, compiled, optimizer, x)) for _ in range(2))
        seconds[name] = {"first_step": round(first, 1), "second_step": round(second, 2)}
    return seconds


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__, NETWORKS, PATCH, batch=2)
    parser.set_defaults(networks=["flat 16", "U-Net 32"])
    parser.add_argument("--importances", nargs="+", choices=IMPORTANCES, default=list(IMPORTANCES), metavar="KIND")
    parser.add_argument("--removals", type=int, default=5, help="one channel each, one after the other")
    parser.add_argument("--stages", type=int, default=6, help="of the U-Net that loses them; 6: nnU-Net's 3d_fullres")
    parser.add_argument("--compile", action="store_true", help="measure what compiling anew takes instead")
    parser.add_argument("--peak-of", nargs=2, metavar=("NAME", "KIND"), help="print this process's peak in bytes alone")
    given = parser.parse_args(argv)
    if given.peak_of:
        name, kind = given.peak_of
        print(peak_of_steps(name, kind, given))
        return
    known = {
        "machine": measure.machine(),
        "settings": {key: value for key, value in vars(given).items() if key != "peak_of"},
    }
    if given.compile:
        print(json.dumps({**known, "compile": compile_cost(given)}, indent=1))
        return
    report = {
        **known,
        "removal": removal_cost(given),
        "memory": {name: memory_of_statistics(name, given) for name in given.networks},
        "seconds": {name: seconds_of_statistics(name, given) for name in given.networks},
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
