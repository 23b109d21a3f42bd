"""What pruning costs: statistics per training step and memory, and one removal, on random numbers.

MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 python docs/results/pruning_cost.py
"""

import json
import statistics
import time

import torch
from step_time import BATCH, NETWORKS, PATCH, network
from torch import nn

from nnunet_lunet.pruning import groups, surgery
from nnunet_lunet.pruning.importance import ImportanceStatistics
from nnunet_lunet.pruning.names import IMPORTANCES

ROUNDS = 9


def step(net: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor) -> float:
    """Seconds of one training step."""
    start = time.perf_counter()
    optimizer.zero_grad()
    sum(output.square().mean() for output in net(x)).backward()
    optimizer.step()
    return time.perf_counter() - start


def statistics_cost(name: str) -> dict[str, object]:
    """A step without and with each kind of statistics, interleaved; ratios of medians."""
    net = network(*NETWORKS[name]).train()
    optimizer = torch.optim.SGD(net.parameters(), 1e-3, momentum=0.99)
    x = torch.randn(BATCH, 1, *PATCH)
    found = groups.find_groups(net)
    collectors = {kind: ImportanceStatistics(net, found, kind) for kind in IMPORTANCES}
    for collector in collectors.values():
        collector.close()
    seconds: dict[str, list[float]] = {kind: [] for kind in ("none", *IMPORTANCES)}
    for _ in range(ROUNDS + 1):
        for kind, times in seconds.items():
            if kind in collectors:
                collectors[kind].open(net)
            times.append(step(net, optimizer, x))
            if kind in collectors:
                collectors[kind].close()
    median = {kind: statistics.median(times[1:]) for kind, times in seconds.items()}
    sums = sum(tensor.numel() * 4 for tensor in collectors["l2"].state_dict()["sums"].values())
    return {
        "seconds_without": round(median["none"], 3),
        "ratio_with": {kind: round(median[kind] / median["none"], 3) for kind in IMPORTANCES},
        "kilobytes_of_sums": round(sums / 1024, 1),
    }


def removal_cost() -> dict[str, object]:
    """Trace, cut and optimiser state of nnU-Net's default 3d_fullres U-Net (six stages, 32 to 320)."""
    net = network(32, "doubling", 6)
    optimizer = torch.optim.SGD(net.parameters(), 1e-3, momentum=0.99)
    sum(output.square().mean() for output in net(torch.randn(1, 1, 64, 64, 64))).backward()
    optimizer.step()
    parameters = sum(parameter.numel() for parameter in net.parameters())
    seconds = []
    for _ in range(5):
        name = groups.find_groups(net)[9].name
        start = time.perf_counter()
        surgery.remove_channels(net, {name: [0]}, optimizer)
        seconds.append(time.perf_counter() - start)
    return {"parameters": parameters, "seconds_a_removal": [round(value, 2) for value in seconds]}


if __name__ == "__main__":
    report = {
        "statistics": {name: statistics_cost(name) for name in ("U-Net 32", "flat 16")},
        "removal": removal_cost(),
    }
    print(json.dumps(report, indent=1))
