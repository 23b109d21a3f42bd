"""Seconds per training step on a CPU with weights as PyTorch makes them and channels last, on random numbers.

export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184
python docs/results/memory_format.py
OMP_NUM_THREADS=1 python docs/results/memory_format.py & OMP_NUM_THREADS=1 python docs/results/memory_format.py; wait
"""

import copy
import json
from functools import partial

import torch
from step_time import network, step

from nnunet_lunet.profile import measure

PATCH, BATCH, STAGES = (48, 64, 48), 2, 5
WIDTHS = {
    f"{kind} {width}": (width, "flat" if kind == "LUnet" else "doubling")
    for kind, widths in {"LUnet": (4, 8, 12, 16, 20, 24, 32), "U-Net": (4, 8, 16, 24, 32)}.items()
    for width in widths
}
ROUNDS = 7


def main() -> None:
    x = torch.randn(BATCH, 1, *PATCH)
    steps = {}
    for name, widths in WIDTHS.items():
        plain = network(*widths, stages=STAGES)
        last = copy.deepcopy(plain).to(memory_format=torch.channels_last_3d)
        for layout, net in (("contiguous", plain), ("channels_last", last)):
            steps[f"{name}, {layout}"] = partial(step, net, torch.optim.AdamW(net.parameters(), 1e-3), x)
    seconds = measure.interleaved(steps, ROUNDS, warm_up=1)
    rows = {}
    for name in WIDTHS:
        before, after = (seconds[f"{name}, {layout}"] for layout in ("contiguous", "channels_last"))
        ratio = measure.ratios(after, before)
        rows[name] = {
            "contiguous_seconds": round(measure.spread(before).median, 3),
            "channels_last_seconds": round(measure.spread(after).median, 3),
            "ratio": [round(value, 2) for value in (ratio.median, ratio.lowest, ratio.highest)],
        }
    print(json.dumps({"threads": torch.get_num_threads(), "machine": measure.machine(), "networks": rows}, indent=1))


if __name__ == "__main__":
    main()
