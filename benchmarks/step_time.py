"""Seconds per training step of the Hippocampus networks on this machine, on random numbers: no data loading.

python -m benchmarks.step_time
MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 python -m benchmarks.step_time
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from functools import partial

import torch
from torch import nn

from nnunet_lunet.architectures import cost
from nnunet_lunet.architectures.lean_unet import LeanUNet
from nnunet_lunet.profile import measure

PATCH, CLASSES, STAGES = (40, 56, 40), 3, 4
NETWORKS = {"U-Net 32": (32, "doubling"), "flat 32": (32, "flat"), "flat 16": (16, "flat"), "flat 8": (8, "flat")}


def network(width: int, profile: str, stages: int = STAGES) -> LeanUNet:
    """nnU-Net's plan for Hippocampus with these widths."""
    return LeanUNet(
        1, stages, width, nn.Conv3d, 3, [1] + [2] * (stages - 1), num_classes=CLASSES, n_conv_per_stage=2,
        n_conv_per_stage_decoder=2, conv_bias=True, norm_op=nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True}, nonlin=nn.LeakyReLU, nonlin_kwargs={"inplace": True},
        width_profile=profile, deep_supervision=True,
    )  # fmt: skip


def step(net: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor) -> None:
    """One training step of a network with deep supervision, on a batch ``(B, C, D, H, W)``."""
    optimizer.zero_grad()
    torch.stack([output.square().mean() for output in net(x)]).sum().backward()
    optimizer.step()


def arguments(
    description: str | None, names: Iterable[str], patch: Sequence[int], batch: int
) -> argparse.ArgumentParser:
    """What all that time steps can be asked: how large, how often, which networks."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patch", type=int, nargs=3, default=list(patch), metavar=("D", "H", "W"))
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--rounds", type=int, default=7, help="that count; one before them warms up")
    parser.add_argument("--networks", nargs="+", choices=list(names), default=list(names), metavar="NAME")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments(__doc__, NETWORKS, PATCH, batch=7).parse_args(argv)
    x = torch.randn(given.batch, 1, *given.patch)
    networks = {name: network(*NETWORKS[name]) for name in given.networks}
    steps = {name: partial(step, net, torch.optim.AdamW(net.parameters(), 1e-3), x) for name, net in networks.items()}
    rows = {}
    for name, seconds in measure.interleaved(steps, given.rounds, warm_up=1).items():
        times = measure.distribution(seconds)
        rows[name] = {
            "parameters": cost.parameters(networks[name]),
            "median_seconds": round(times.median, 3),
            "min_seconds": round(times.lowest, 3),
            "max_seconds": round(times.highest, 3),
        }
    print(json.dumps({"machine": measure.machine(), "settings": vars(given), "networks": rows}, indent=1))


if __name__ == "__main__":
    main()
