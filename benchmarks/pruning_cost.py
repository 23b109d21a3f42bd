"""What pruning costs: statistics per training step and memory, and one removal, on random numbers.

MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 python docs/results/pruning_cost.py
"""

import json
import os
import statistics
import subprocess
import sys
from functools import partial

import torch
from step_time import NETWORKS, PATCH, network, step
from torch import nn

from nnunet_lunet.architectures import cost
from nnunet_lunet.profile import measure
from nnunet_lunet.pruning import groups, surgery
from nnunet_lunet.pruning.importance import ImportanceStatistics
from nnunet_lunet.pruning.scores import IMPORTANCES

BATCH, ROUNDS = 2, 7


def ready(name: str) -> tuple[nn.Module, torch.optim.Optimizer, torch.Tensor]:
    """Network in training, its optimiser, and a batch ``(B, C, D, H, W)`` of the plans' patch."""
    torch.manual_seed(0)
    net = network(*NETWORKS[name]).train()
    return net, torch.optim.SGD(net.parameters(), 1e-3, momentum=0.99), torch.randn(BATCH, 1, *PATCH)


def seconds_of_statistics(name: str) -> dict[str, object]:
    """A step without and with each kind of statistics, interleaved; ratios to the step without of the same round."""
    net, optimizer, x = ready(name)
    found = groups.find_groups(net)
    collectors = {kind: ImportanceStatistics(net, found, kind) for kind in IMPORTANCES}
    for collector in collectors.values():
        collector.close()
    seconds: dict[str, list[float]] = {kind: [] for kind in ("none", *IMPORTANCES)}
    for _ in range(ROUNDS + 1):  # the first round warms up
        for kind, times in seconds.items():
            if kind in collectors:
                collectors[kind].open(net)
            times.append(measure.seconds(partial(step, net, optimizer, x)))
            if kind in collectors:
                collectors[kind].close()
    ratios = {kind: measure.ratios(seconds[kind][1:], seconds["none"][1:]) for kind in IMPORTANCES}
    return {
        "median_seconds_without": round(statistics.median(seconds["none"][1:]), 3),
        "median_ratio": {kind: round(found.median, 3) for kind, found in ratios.items()},
        "range_of_ratios": {kind: [round(found.lowest, 3), round(found.highest, 3)] for kind, found in ratios.items()},
    }


def peak_of_steps(name: str, kind: str) -> int:
    """Peak resident set in KiB of this process after three steps; ``kind`` none is without statistics."""
    net, optimizer, x = ready(name)
    found = groups.find_groups(net)
    collector = ImportanceStatistics(net, found, kind if kind != "none" else "l2")
    if kind == "none":
        collector.close()
    for _ in range(3):
        step(net, optimizer, x)
    return (measure.peak_resident_set() or 0) // 1024


def memory_of_statistics(name: str) -> dict[str, object]:
    """Peak resident set of a process of its own for each kind, with the allocator's own settings."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    peaks = {}
    for kind in ("none", *IMPORTANCES):
        printed = subprocess.run(
            [sys.executable, "-W", "ignore", __file__, name, kind],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        peaks[kind] = int(printed.stdout)
    return {
        "peak_mib_without": round(peaks["none"] / 1024),
        "ratio": {kind: round(peaks[kind] / peaks["none"], 3) for kind in IMPORTANCES},
    }


def removal_cost() -> dict[str, object]:
    """Trace, cut and optimiser state of nnU-Net's default 3d_fullres U-Net (six stages, 32 to 320)."""
    net = network(32, "doubling", 6)
    optimizer = torch.optim.SGD(net.parameters(), 1e-3, momentum=0.99)
    sum(output.square().mean() for output in net(torch.randn(1, 1, 64, 64, 64))).backward()
    optimizer.step()
    name = groups.find_groups(net)[9].name
    parameters, seconds = cost.parameters(net), []
    for _ in range(5):
        seconds.append(measure.seconds(partial(surgery.remove_channels, net, {name: [0]}, optimizer)))
    return {"parameters": parameters, "seconds_a_removal": [round(value, 2) for value in seconds]}


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(peak_of_steps(*sys.argv[1:]))
    else:
        report = {
            "machine": measure.machine(),
            "removal": removal_cost(),
            "memory": {name: memory_of_statistics(name) for name in ("U-Net 32", "flat 16")},
            "seconds": {name: seconds_of_statistics(name) for name in ("flat 16", "U-Net 32")},
        }
        print(json.dumps(report, indent=1))
