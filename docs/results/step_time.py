"""Seconds per training step of the Hippocampus networks on this machine, on random numbers: no data loading.

python docs/results/step_time.py
MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 python docs/results/step_time.py
"""

import json
import platform
import statistics
import time

import torch
from torch import nn

from nnunet_lunet.architectures import cost
from nnunet_lunet.architectures.lean_unet import LeanUNet

PATCH, BATCH, CLASSES, STAGES = (40, 56, 40), 7, 3, 4
NETWORKS = {"U-Net 32": (32, "doubling"), "flat 32": (32, "flat"), "flat 16": (16, "flat"), "flat 8": (8, "flat")}
ROUNDS = 7


def network(width: int, profile: str, stages: int = STAGES) -> nn.Module:
    """nnU-Net's plan for Hippocampus with these widths."""
    return LeanUNet(
        1, stages, width, nn.Conv3d, 3, [1] + [2] * (stages - 1), num_classes=CLASSES, n_conv_per_stage=2,
        n_conv_per_stage_decoder=2, conv_bias=True, norm_op=nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True}, nonlin=nn.LeakyReLU, nonlin_kwargs={"inplace": True},
        width_profile=profile, deep_supervision=True,
    )  # fmt: skip


def step(net: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor) -> float:
    """Seconds of one training step."""
    start = time.perf_counter()
    optimizer.zero_grad()
    sum(output.square().mean() for output in net(x)).backward()
    optimizer.step()
    return time.perf_counter() - start


def machine() -> dict[str, object]:
    """What the seconds depend on."""
    return {"torch": torch.__version__, "threads": torch.get_num_threads(), "processor": platform.machine()}


def main() -> None:
    x = torch.randn(BATCH, 1, *PATCH)
    networks = {name: network(*widths) for name, widths in NETWORKS.items()}
    optimizers = {name: torch.optim.AdamW(net.parameters(), 1e-3) for name, net in networks.items()}
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(ROUNDS + 1):  # interleaved, so that a busy machine slows all alike; the first round warms up
        for name, net in networks.items():
            seconds[name].append(step(net, optimizers[name], x))
    rows = {
        name: {
            "parameters": cost.parameters(networks[name]),
            "median_seconds": round(statistics.median(times[1:]), 3),
            "min_seconds": round(min(times[1:]), 3),
            "max_seconds": round(max(times[1:]), 3),
        }
        for name, times in seconds.items()
    }
    print(json.dumps({"machine": machine(), "networks": rows}, indent=1))


if __name__ == "__main__":
    main()
