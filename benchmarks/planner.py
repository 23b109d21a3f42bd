"""Stock plans against lean plans for the same GPU memory: patch, batch, parameters, estimated memory, as Markdown.

No images are needed: the planners read a fingerprint. In a folder of its own:

nnUNet_raw=T/raw nnUNet_preprocessed=T/pre nnUNet_results=T/results python docs/results/planner.py
"""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.paths import nnUNet_preprocessed, nnUNet_raw

from nnunet_lunet.architectures import cost
from nnunet_lunet.datasets import synthetic
from nnunet_lunet.planning import planner, plans_file

#: Name, shape of the images in voxels, spacing in mm.
FINGERPRINTS = (
    ("Dataset911_Small", (36, 50, 35), (1.0, 1.0, 1.0)),
    ("Dataset912_Large", (512, 512, 512), (0.8, 0.8, 0.8)),
    ("Dataset913_Anisotropic", (20, 320, 320), (5.0, 0.6, 0.6)),
)
CASES, WIDTHS = 200, (32, 16, 8)


def plans_of(dataset: str) -> Iterator[tuple[str, plans_file.PlansFile]]:
    """Stock plans, then lean ones of several widths."""
    with contextlib.redirect_stdout(io.StringIO()):
        ExperimentPlanner(dataset).plan_experiment()
    yield "`ExperimentPlanner` (stock)", plans_file.read(dataset)
    for width in WIDTHS:
        yield f"`LUnetPlanner` of width {width}", planner.plan(dataset, "LUnetPlanner", width=width)


def main() -> None:
    print("| dataset | plans | patch | batch | voxels a batch | stages | parameters | estimate (GB) |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for dataset, shape, spacing in FINGERPRINTS:
        folders = (Path(str(folder)) / dataset for folder in (nnUNet_raw, nnUNet_preprocessed))
        synthetic.write_fingerprint(*folders, shape, spacing, CASES)
        stock_voxels = None
        for name, plans in plans_of(dataset):
            planned = plans.configuration("3d_fullres")
            patch, batch = planned["patch_size"], planned["batch_size"]
            network = plans.network("3d_fullres", {})
            voxels = batch * patch[0] * patch[1] * patch[2]
            stock_voxels = stock_voxels or voxels
            print(
                f"| {dataset[11:]} | {name} | {'×'.join(map(str, patch))} | {batch} | {voxels / stock_voxels:.2f}× | "
                f"{planned['architecture']['arch_kwargs']['n_stages']} | {cost.parameters(network):,} | "
                f"{cost.training_memory(network, patch, batch):.2f} |"
            )


if __name__ == "__main__":
    main()
