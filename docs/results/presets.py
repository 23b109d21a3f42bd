"""What each preset costs on one dataset: parameters, multiply-adds, seconds a training step. Random numbers, no data.

python docs/results/presets.py 4 3d_fullres nnUNetPlans LUnet16 LUnetShared32 … > docs/results/presets_cost.json
"""

import json
import sys
from functools import partial

import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from step_time import step

from nnunet_lunet.architectures import cost
from nnunet_lunet.planning import apply, plans_file, presets
from nnunet_lunet.reporting.profile import measure

BATCH, ROUNDS, CLASSES = 2, 3, 3


def built(plans: plans_file.PlansFile, configuration: str, preset: str) -> tuple[torch.nn.Module, list[int]]:
    """Network of a preset (the plans' own name: theirs) and the patch that it is trained with."""
    planned = plans.configuration(configuration)
    changed = planned if preset == plans.name else {**planned, **apply.change(planned, presets.load(preset))}
    architecture = changed["architecture"]
    network = get_network_from_plans(
        architecture["network_class_name"], architecture["arch_kwargs"], architecture["_kw_requires_import"],
        plans.input_channels(configuration), CLASSES, deep_supervision=True,
    )  # fmt: skip
    return network, changed["patch_size"]


def main(dataset: str, configuration: str, *names: str) -> None:
    plans = plans_file.read(dataset)
    channels = plans.input_channels(configuration)
    networks = {name: built(plans, configuration, name) for name in names}
    steps = {
        name: partial(
            step, network, torch.optim.AdamW(network.parameters(), 1e-3), torch.randn(BATCH, channels, *patch)
        )
        for name, (network, patch) in networks.items()
    }
    rows = {}
    for name, seconds in measure.interleaved(steps, ROUNDS, warm_up=1).items():
        (network, patch), found = networks[name], measure.spread(seconds)
        rows[name] = {
            "parameters": cost.parameters(network),
            "patch": list(patch),
            "giga_multiply_adds": round(cost.multiply_adds(network, channels, patch) / 1e9, 3),
            "memory_estimate_gb": round(cost.training_memory(network, patch, BATCH), 3),
            "median_seconds": round(found.median, 3),
            "range_of_seconds": [round(found.lowest, 3), round(found.highest, 3)],
        }
    print(json.dumps({"machine": measure.machine(), "batch": BATCH, "networks": rows}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
