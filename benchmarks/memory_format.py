"""Seconds per training step on a CPU with weights as PyTorch makes them and channels last, on random numbers.

export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184
python -m benchmarks.memory_format
OMP_NUM_THREADS=1 python -m benchmarks.memory_format & OMP_NUM_THREADS=1 python -m benchmarks.memory_format; wait
"""

import copy
import json
from collections.abc import Sequence
from functools import partial

import torch

from benchmarks.step_time import arguments, network, step
from nnunet_lunet.profile import measure

PATCH, STAGES = (48, 64, 48), 5
NETWORKS = {
    f"{kind} {width}": (width, "flat" if kind == "LUnet" else "doubling")
    for kind, widths in {"LUnet": (4, 8, 12, 16, 20, 24, 32), "U-Net": (4, 8, 16, 24, 32)}.items()
    for width in widths
}


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments(__doc__, NETWORKS, PATCH, batch=2).parse_args(argv)
    x = torch.randn(given.batch, 1, *given.patch)
    steps = {}
    for name in given.networks:
        plain = network(*NETWORKS[name], stages=STAGES)
        last = copy.deepcopy(plain).to(memory_format=torch.channels_last_3d)
        for layout, net in (("contiguous", plain), ("channels_last", last)):
            steps[f"{name}, {layout}"] = partial(step, net, torch.optim.AdamW(net.parameters(), 1e-3), x)
    seconds = measure.interleaved(steps, given.rounds, warm_up=1)
    rows = {}
    for name in given.networks:
        before, after = (seconds[f"{name}, {layout}"] for layout in ("contiguous", "channels_last"))
        ratio = measure.ratios(after, before)
        rows[name] = {
            "contiguous_seconds": round(measure.distribution(before).median, 3),
            "channels_last_seconds": round(measure.distribution(after).median, 3),
            "ratio": [round(value, 2) for value in (ratio.median, ratio.lowest, ratio.highest)],
        }
    report = {"threads": torch.get_num_threads(), "machine": measure.machine(), "settings": vars(given)}
    print(json.dumps({**report, "networks": rows}, indent=1))


if __name__ == "__main__":
    main()
