"""Stock plans against lean plans for the same GPU memory: patch, batch, parameters, estimated memory, as Markdown.

No images are needed: the planners read a fingerprint, which is written into nnU-Net folders made for it:

export T=$(mktemp -d)
nnUNet_raw=$T/raw nnUNet_preprocessed=$T/pre nnUNet_results=$T/results \\
  python -m benchmarks.planner --json benchmarks/data/planner/planner.json
"""

import argparse
import contextlib
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.paths import nnUNet_preprocessed, nnUNet_raw

from nnunet_lunet.architectures import cost
from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.datasets import synthetic
from nnunet_lunet.planning import planner, plans_file

#: Shape of the images in voxels, spacing in mm.
FINGERPRINTS = {
    "Dataset911_Small": ((36, 50, 35), (1.0, 1.0, 1.0)),
    "Dataset912_Large": ((512, 512, 512), (0.8, 0.8, 0.8)),
    "Dataset913_Anisotropic": ((20, 320, 320), (5.0, 0.6, 0.6)),
}
CASES, WIDTHS = 200, (32, 16, 8)


@dataclass(frozen=True)
class Row:
    """Plans of ``3d_fullres``.

    :param width: None for nnU-Net's own planner
    :param voxels_ratio: voxels of a batch to those of the stock plans' batch
    :param estimated_gigabytes: nnU-Net's own estimate
    """

    dataset: str
    planner: str
    width: int | None
    patch: list[int]
    batch: int
    voxels_ratio: float
    stages: int
    parameters: int
    estimated_gigabytes: float


def plans_of(dataset: str, widths: Sequence[int]) -> Iterator[tuple[str, int | None, plans_file.PlansFile]]:
    """Stock plans, then lean ones of several widths; with the planner and its width."""
    with contextlib.redirect_stdout(io.StringIO()):
        ExperimentPlanner(dataset).plan_experiment()
    yield "ExperimentPlanner", None, plans_file.read(dataset)
    for width in widths:
        yield "LUnetPlanner", width, planner.plan(dataset, "LUnetPlanner", width=width)


def rows(dataset: str, widths: Sequence[int]) -> Iterator[Row]:
    """Plans for a fingerprint that is written first."""
    shape, spacing = FINGERPRINTS[dataset]
    raw, preprocessed = (Path(str(folder)) / dataset for folder in (nnUNet_raw, nnUNet_preprocessed))
    synthetic.write_fingerprint(raw, preprocessed, shape, spacing, CASES)
    stock_voxels = None
    for name, width, plans in plans_of(dataset, widths):
        planned = plans.configuration("3d_fullres")
        patch, batch = planned["patch_size"], planned["batch_size"]
        network = plans.network("3d_fullres", {})
        voxels = batch * math.prod(patch)
        stock_voxels = stock_voxels or voxels
        yield Row(
            dataset, name, width, list(patch), batch, voxels / stock_voxels,
            planned["architecture"]["arch_kwargs"]["n_stages"], cost.parameters(network),
            cost.training_memory(network, patch, batch),
        )  # fmt: skip


def line(row: Row) -> str:
    """One row as Markdown."""
    plans = f"`{row.planner}` " + ("(stock)" if row.width is None else f"of width {row.width}")
    return (
        f"| {row.dataset.partition('_')[2]} | {plans} | {'×'.join(map(str, row.patch))} | {row.batch} | "
        f"{row.voxels_ratio:.2f}× | {row.stages} | {row.parameters:,} | {row.estimated_gigabytes:.2f} |"
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", choices=list(FINGERPRINTS), default=list(FINGERPRINTS), metavar="NAME")
    parser.add_argument("--widths", nargs="+", type=int, default=list(WIDTHS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="the rows of the table, unrounded")
    given = parser.parse_args(argv)
    print("| dataset | plans | patch | batch | voxels a batch | stages | parameters | estimate (GB) |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    found = []
    for dataset in given.datasets:
        for row in rows(dataset, given.widths):
            print(line(row))
            found.append(row)
    if given.json:
        with atomic_write(given.json) as file:
            file.write(json.dumps([asdict(row) for row in found], indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()
