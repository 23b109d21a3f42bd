"""Seconds per training step of the Hippocampus networks on this machine, on random numbers: no data loading.

python docs/results/step_time.py
MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 python docs/results/step_time.py
"""

import json
from functools import partial

import torch
from torch import nn

from nnunet_lunet.architectures import cost
from nnunet_lunet.architectures.lean_unet import LeanUNet
from nnunet_lunet.profile import measure

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


def step(net: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor) -> None:
    """One training step."""
    optimizer.zero_grad()
    sum(output.square().mean() for output in net(x)).backward()
    optimizer.step()


def main() -> None:
    x = torch.randn(BATCH, 1, *PATCH)
    networks = {name: network(*widths) for name, widths in NETWORKS.items()}
    steps = {name: partial(step, net, torch.optim.AdamW(net.parameters(), 1e-3), x) for name, net in networks.items()}
    rows = {}
    for name, seconds in measure.interleaved(steps, ROUNDS, warm_up=1).items():
        found = measure.spread(seconds)
        rows[name] = {
            "parameters": cost.parameters(networks[name]),
            "median_seconds": round(found.median, 3),
            "min_seconds": round(found.lowest, 3),
            "max_seconds": round(found.highest, 3),
        }
    print(json.dumps({"machine": measure.machine(), "networks": rows}, indent=1))


if __name__ == "__main__":
    main()
