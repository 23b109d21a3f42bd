"""Whole cases: nnU-Net's prediction against this package's, by network and engine, in turn.

A trained fold 0 is taken where nnUNet_results has one; other networks get the weights they start from, which will do
for time. For a synthetic CT with nnU-Net's own large plans, in folders made for it:

export T=$(mktemp -d)
nnUNet_raw=$T/raw nnUNet_preprocessed=$T/pre nnUNet_results=$T/results python -m benchmarks.predict --ct > ct.jsonl
python -m benchmarks.predict -d 4 -c 3d_fullres -i IMAGES > hippocampus.jsonl
python -m benchmarks.predict --table ct.jsonl

Prints a line of JSON a run: seconds, CPU seconds, peak memory of the largest process, and what of it was which part.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
import SimpleITK as sitk
import torch
from batchgenerators.utilities.file_and_folder_operations import save_json
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.paths import nnUNet_preprocessed, nnUNet_raw
from nnunetv2.run.run_training import get_trainer_from_args
from scipy.ndimage import gaussian_filter

from nnunet_lunet.datasets import synthetic
from nnunet_lunet.host import folders
from nnunet_lunet.profile import measure

#: The synthetic CT: name, voxels, mm.
CT, SHAPE, SPACING = "Dataset914_CT", (160, 256, 256), (1.5, 1.5, 1.5)
NETWORKS = ("UNetTrainer_seed0", "LUnetTrainer_seed0", "LUnetTrainer_w16_seed0", "LUnetTrainer_w8_seed0")
STOCK = "nnUNetv2_predict"
#: Options of ``lunet predict``; none: nnU-Net's own command.
ENGINES = {
    STOCK: None,
    "torch f32": ("--engine", "torch"),
    "torch bf16": ("--engine", "torch", "--precision", "bf16"),
    "openvino f32": ("--engine", "openvino"),
    "openvino bf16": ("--engine", "openvino", "--precision", "bf16"),
    "onnxruntime f32": ("--engine", "onnxruntime"),
}
CHECKPOINT = "checkpoint_final.pth"


@dataclass(frozen=True)
class Run:
    """One call of a command.

    :param cpu_seconds: of all its processes
    :param peak_bytes: of its largest process
    :param parts: seconds by part, where the command tells
    """

    network: str
    engine: str
    round: int
    cases: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    parts: dict[str, float]


def make_ct(folder: Path) -> Path:
    """Plan for a CT and write one as an image to predict; its folder."""
    raw, preprocessed = (Path(str(each)) / CT for each in (nnUNet_raw, nnUNet_preprocessed))
    if not raw.exists():
        synthetic.write_fingerprint(raw, preprocessed, SHAPE, SPACING, 50)
        with contextlib.redirect_stdout(io.StringIO()):
            ExperimentPlanner(CT).plan_experiment()
    values = gaussian_filter(np.random.default_rng(0).normal(size=SHAPE), 3).astype(np.float32)
    image = sitk.GetImageFromArray(values / values.std())
    image.SetSpacing(SPACING)
    folder.mkdir()
    sitk.WriteImage(image, str(folder / "ct_0000.nii.gz"))
    return folder


def model(dataset: str, configuration: str, trainer: str, plans: str) -> Path:
    """The folder of a model, made of a network that was not trained where there is none."""
    folder = folders.model(dataset, trainer, plans, configuration)
    if not (folder / "fold_0" / CHECKPOINT).exists():
        with contextlib.redirect_stdout(sys.stderr):
            made = get_trainer_from_args(dataset, configuration, 0, trainer, plans, device=torch.device("cpu"))
            made.initialize()
            made.inference_allowed_mirroring_axes = tuple(range(len(made.configuration_manager.patch_size)))
            made.save_checkpoint(str(folder / "fold_0" / CHECKPOINT))
        save_json(made.plans_manager.plans, str(folder / "plans.json"), sort_keys=False)
        save_json(made.dataset_json, str(folder / "dataset.json"), sort_keys=False)
    return folder


def run(command: Sequence[str], folder: Path) -> tuple[float, float, int]:
    """Seconds, CPU seconds and peak memory of a command; what it prints goes to a file in ``folder``.

    :raises RuntimeError: it failed
    """
    log = folder / "output.txt"
    start = time.perf_counter()
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {log.read_text()[-2000:]}")
    return seconds, usage.ru_utime + usage.ru_stime, 1024 * usage.ru_maxrss


def predict(place: tuple[str, str, str, str], engine: str, images: Path, number: int, options: Sequence[str]) -> Run:
    """Predict a folder of images.

    :param place: data set, configuration, trainer, plans
    """
    dataset, configuration, trainer, plans = place
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        asked = ["-d", dataset, "-c", configuration, "-tr", trainer, "-p", plans, "-f", "0", "-device", "cpu", *options]
        asked += ["-i", str(images), "-o", str(folder / "out")]
        bin_ = Path(sys.executable).parent
        own = ENGINES[engine]
        if own is None:
            command = [str(bin_ / STOCK), *asked, "-npp", "1", "-nps", "1"]
        else:
            command = [str(bin_ / "lunet"), "predict", *asked, *own, "--report", str(folder / "report.json")]
        taken = run(command, folder)
        parts: dict[str, float] = {}
        if own is not None:
            report = json.loads((folder / "report.json").read_text())
            parts["before"] = report["seconds_before"]
            for case in report["cases"]:
                for name, seconds in case["seconds"].items():
                    parts[name] = parts.get(name, 0.0) + seconds
        cases = len([file for file in (folder / "out").iterdir() if file.name.endswith((".nii.gz", ".png"))])
    return Run(trainer, engine, number, cases, *taken, parts)


def table(runs: Sequence[Run]) -> Iterator[str]:
    """Medians as Markdown; ratios are medians of the rounds', to nnU-Net with the same network and with the first."""
    yield "| network | engine | s a case | CPU s a case | times as fast | as nnU-Net with the first network | peak GB |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    of: dict[tuple[str, str], dict[int, Run]] = {}
    for each in runs:
        of.setdefault((each.network, each.engine), {})[each.round] = each
    first = runs[0].network
    for (network, engine), rounds in of.items():
        cells = [
            f"{median(each.seconds / each.cases for each in rounds.values()):.2f}",
            f"{median(each.cpu_seconds / each.cases for each in rounds.values()):.2f}",
            *(_faster(rounds, of.get((other, STOCK), {})) for other in (network, first)),
            f"{max(each.peak_bytes for each in rounds.values()) / 1e9:.2f}",
        ]
        yield f"| {network} | {engine} | {' | '.join(cells)} |"


def _faster(rounds: dict[int, Run], stock: dict[int, Run]) -> str:
    both = rounds.keys() & stock.keys()
    return f"{median(stock[number].seconds / rounds[number].seconds for number in both):.1f}×" if both else "–"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-d", default=CT, metavar="DATASET")
    parser.add_argument("-c", default="3d_fullres", metavar="CONFIGURATION")
    parser.add_argument("-p", default="nnUNetPlans", metavar="PLANS")
    parser.add_argument("-i", type=Path, metavar="IMAGES")
    parser.add_argument("--ct", action="store_true", help="a synthetic CT in place of -d and -i")
    parser.add_argument("--networks", nargs="+", default=NETWORKS, metavar="TRAINER")
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES), metavar="ENGINE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--disable_tta", action="store_true")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print the table of runs that were printed before")
    given = parser.parse_args(argv)
    if given.table is not None:
        rows = map(json.loads, given.table.read_text().splitlines())
        print("\n".join(table([Run(**row) for row in rows if "machine" not in row])))
        return
    dataset = folders.dataset_name(given.d) if not given.ct else CT
    with tempfile.TemporaryDirectory() as temporary:
        images = make_ct(Path(temporary) / "ct") if given.ct else given.i
        places = [(dataset, given.c, trainer, given.p) for trainer in given.networks]
        for place in places:
            model(*place)
        print(json.dumps({"machine": measure.machine()}), flush=True)
        for number in range(given.rounds):
            for place in places:
                for engine in given.engines:
                    options = ["--disable_tta"] * given.disable_tta
                    print(json.dumps(asdict(predict(place, engine, images, number, options))), flush=True)


if __name__ == "__main__":
    main()
