"""``lunet demo``: a lean network and its baseline through nnU-Net's stock commands, from raw data to a picture."""

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from nnunet_lunet.datasets import synthetic
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import commands, results
from nnunet_lunet.pictures import overlays
from nnunet_lunet.trainers import names

EPOCHS, ITERATIONS = 12, 20
LEAN = f"LUnetTrainer_w8_{EPOCHS}epochs_{ITERATIONS}iters"
BASELINE = f"UNetTrainer_{EPOCHS}epochs_{ITERATIONS}iters"
CONFIGURATION = "3d_fullres"
SEED = 2512

_MARKER = ".lunet-demo"
_SYNTHETIC_TASK, _SYNTHETIC_CASES = "Task900_Phantoms", 30


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
        return f"Dataset{self.dataset_id:03d}_{self.task.name.partition('_')[2]}"


@dataclass(frozen=True)
class Row:
    """One network's line of the table."""

    fold: results.TrainedFold
    evaluation: results.Evaluation
    predictions: Path


def run(output: Path, data: Path | None, device: str, console: Console) -> None:
    """Train both networks, predict the unseen cases, print the table, write ``result.json`` and ``result.png``.

    :param output: folder for everything; made, or an earlier demo's, which is replaced
    :param data: a task in Decathlon layout; None makes synthetic data
    :param device: ``cpu``, ``cuda`` or ``mps``, as nnU-Net's ``-device``
    :raises UserError: ``output`` holds something else, ``data`` is not in Decathlon layout, a command failed
    """
    source = data if data is not None else output / "source" / _SYNTHETIC_TASK
    if data is not None:
        _training_cases(data)  # before an earlier demo is replaced
    _claim(output)
    if data is None:
        synthetic.write_msd(source, _SYNTHETIC_CASES, SEED)
    space = _hold_back(source, output)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn(),
        console=console,
    ) as progress:  # fmt: skip
        _prepare(space, progress)
        rows = [_train_and_predict(space, trainer, device, progress) for trainer in (BASELINE, LEAN)]
    labels = results.label_names(space.folders["nnUNet_raw"] / space.dataset / "dataset.json")
    console.print(_table(rows, labels, space))
    picture = output / "result.png"
    _picture(space, rows, labels, picture)
    (output / "result.json").write_text(json.dumps([_record(row, labels) for row in rows], indent=1))
    console.print(f"Picture: {picture}\nTable as JSON: {output / 'result.json'}\nAll output of nnU-Net: {space.log}")


def _claim(output: Path) -> None:
    if output.exists() and any(output.iterdir()):
        if not (output / _MARKER).exists():
            raise UserError(f"{output} exists and was not made by lunet demo: choose another --output or remove it")
        shutil.rmtree(output)
    output.mkdir(parents=True, exist_ok=True)
    (output / _MARKER).touch()


def _training_cases(source: Path) -> tuple[dict, list[str]]:
    """The task's ``dataset.json`` and the file names of its training cases, all of which exist."""
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


def _hold_back(source: Path, output: Path) -> Workspace:
    """A copy of the task in which every fifth case, drawn by seed, is for prediction only."""
    description, cases = _training_cases(source)
    unseen = set(random.Random(SEED).sample(cases, len(cases) // 5))
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


def _prepare(space: Workspace, progress: Progress) -> None:
    for folder in space.folders.values():
        folder.mkdir()
    bar = progress.add_task("convert, plan, preprocess", total=2)
    commands.run_stock(["nnUNetv2_convert_MSD_dataset", "-i", str(space.task), "-np", "2"], space.folders, space.log)
    progress.advance(bar)
    plan = ["nnUNetv2_plan_and_preprocess", "-d", str(space.dataset_id), "-c", CONFIGURATION, "-np", "2", "-npfp", "2"]
    commands.run_stock([*plan, "--verify_dataset_integrity"], space.folders, space.log)
    progress.advance(bar)


def _train_and_predict(space: Workspace, trainer: str, device: str, progress: Progress) -> Row:
    options = names.parse(trainer)
    bar = progress.add_task(f"train {options.family}", total=options.epochs)

    def count_epochs(line: str) -> None:
        if "Epoch time" in line:
            progress.advance(bar)

    number = str(space.dataset_id)
    commands.run_stock(
        ["nnUNetv2_train", number, CONFIGURATION, "0", "-tr", trainer, "-device", device],
        space.folders, space.log, count_epochs,
    )  # fmt: skip
    predictions = space.root / "predictions" / trainer
    bar = progress.add_task(f"predict {options.family}", total=1)
    raw = space.folders["nnUNet_raw"] / space.dataset
    commands.run_stock(
        ["nnUNetv2_predict", "-d", number, "-i", str(raw / "imagesTs"), "-o", str(predictions), "-f", "0",
         "-tr", trainer, "-c", CONFIGURATION, "-device", device, "-npp", "1", "-nps", "1"],
        space.folders, space.log,
    )  # fmt: skip
    commands.run_stock(
        ["nnUNetv2_evaluate_folder", str(space.unseen_labels), str(predictions),
         "-djfile", str(predictions / "dataset.json"), "-pfile", str(predictions / "plans.json")],
        space.folders, space.log,
    )  # fmt: skip
    progress.advance(bar)
    fold = space.folders["nnUNet_results"] / space.dataset / f"{trainer}__nnUNetPlans__{CONFIGURATION}" / "fold_0"
    return Row(
        results.trained_fold(fold, options.iters or 250), results.evaluation(predictions / "summary.json"), predictions
    )


def _table(rows: list[Row], labels: dict[int, str], space: Workspace) -> Table:
    unseen = len(list(space.unseen_labels.iterdir()))
    table = Table(
        title=f"{space.dataset}: {unseen} unseen cases",
        caption="s/iteration: median epoch time over training iterations, validation iterations included",
    )
    table.add_column("trainer", overflow="fold")
    for heading in ("parameters", "s/iteration", *(f"Dice {name}" for name in labels.values()), "Dice mean"):
        table.add_column(heading, justify="right")
    for row in rows:
        dice = [row.evaluation.mean_dice[value] for value in labels] + [row.evaluation.foreground_dice]
        table.add_row(
            row.fold.trainer, f"{row.fold.network.parameters:,}", f"{row.fold.seconds_per_iteration:.2f}",
            *(f"{value:.3f}" for value in dice),
        )  # fmt: skip
    return table


def _record(row: Row, labels: dict[int, str]) -> dict[str, object]:
    return {
        "trainer": row.fold.trainer,
        "parameters": row.fold.network.parameters,
        "seconds_per_iteration": row.fold.seconds_per_iteration,
        "dice": {name: row.evaluation.mean_dice[value] for value, name in labels.items()},
        "foreground_dice": row.evaluation.foreground_dice,
    }


def _picture(space: Workspace, rows: list[Row], labels: dict[int, str], target: Path) -> None:
    cases = sorted(path.name for path in space.unseen_labels.iterdir())[:3]
    raw = space.folders["nnUNet_raw"] / space.dataset / "imagesTs"
    columns = [
        overlays.LabelledVolume("image", None, {}),
        overlays.LabelledVolume("reference", {case: space.unseen_labels / case for case in cases}, {}),
    ]
    for row in rows:
        captions = {
            case: "Dice " + ", ".join(f"{row.evaluation.dice_per_case[case][value]:.2f}" for value in labels)
            for case in cases
        }
        heading = f"{row.fold.trainer.partition('_')[0]}\n{row.fold.network.parameters:,} parameters"
        columns.append(overlays.LabelledVolume(heading, {case: row.predictions / case for case in cases}, captions))
    images = {case: raw / case.replace(".nii.gz", "_0000.nii.gz") for case in cases}
    overlays.overlays(images, columns, labels, target)
