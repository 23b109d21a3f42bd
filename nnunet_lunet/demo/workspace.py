"""Folders of a demo, and the cases that its networks do not see."""

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from nnunet_lunet.datasets.tasks import dataset_name
from nnunet_lunet.errors import UserError

_MARKER = ".lunet-demo"


@dataclass(frozen=True)
class Workspace:
    """Folders of one demo: the Decathlon task with the cases held back, and nnU-Net's three folders."""

    root: Path
    task: Path
    unseen_labels: Path

    @property
    def folders(self) -> dict[str, Path]:
        return {name: self.root / name for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}

    @property
    def log(self) -> Path:
        return self.root / "demo.log"

    @property
    def dataset_id(self) -> int:
        return int(self.task.name.partition("_")[0].removeprefix("Task"))

    @property
    def dataset(self) -> str:
        return dataset_name(self.task.name, self.dataset_id)


def claim(output: Path) -> None:
    """An empty folder for a demo, in place of an earlier one's.

    :raises UserError: it holds something else
    """
    if output.exists() and any(output.iterdir()):
        if not (output / _MARKER).exists():
            raise UserError(f"{output} exists and was not made by lunet demo: choose another --output or remove it")
        shutil.rmtree(output)
    output.mkdir(parents=True, exist_ok=True)
    (output / _MARKER).touch()


def training_cases(source: Path) -> tuple[dict, list[str]]:
    """The task's ``dataset.json`` and the file names of its training cases, all of which exist.

    :raises UserError: not in Decathlon layout, or fewer than 10 cases
    """
    try:
        description = json.loads((source / "dataset.json").read_text())
        cases = sorted(Path(case["label"]).name for case in description["training"])
        number, _, name = source.resolve().name.removeprefix("Task").partition("_")
        if not (source.resolve().name.startswith("Task") and number.isdigit() and name and "_" not in name):
            raise ValueError("the folder is not named TaskXX_Name")
        missing = [case for case in cases for kind in ("imagesTr", "labelsTr") if not (source / kind / case).is_file()]
        if missing or len(cases) < 10:
            raise ValueError(f"{missing[0]} is missing" if missing else "fewer than 10 training cases")
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{source} is no task in Medical Segmentation Decathlon layout ({error}): it needs dataset.json, imagesTr "
            "and labelsTr, as in Task04_Hippocampus"
        ) from error
    return description, cases


def hold_back(source: Path, output: Path, seed: int) -> Workspace:
    """A copy of the task in which every fifth case, drawn by seed, is for prediction only."""
    description, cases = training_cases(source)
    unseen = set(random.Random(seed).sample(cases, len(cases) // 5))
    task = output / "msd" / source.resolve().name
    for kind in ("imagesTr", "labelsTr", "imagesTs", "labelsTs"):
        (task / kind).mkdir(parents=True)
    for case in cases:
        part = "Ts" if case in unseen else "Tr"
        for kind in ("images", "labels"):
            shutil.copyfile(source / f"{kind}Tr" / case, task / f"{kind}{part}" / case)
    training = [case for case in description["training"] if Path(case["label"]).name not in unseen]
    description |= {"training": training, "numTraining": len(training), "test": [], "numTest": len(unseen)}
    (task / "dataset.json").write_text(json.dumps(description, indent=1))
    return Workspace(output, task, task / "labelsTs")
