"""A lean network and its baseline through nnU-Net's stock commands, for the same time."""

import json
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from nnunet_lunet import numbers
from nnunet_lunet.datasets import synthetic
from nnunet_lunet.demo import lengths, table, workspace
from nnunet_lunet.demo.record import Row
from nnunet_lunet.demo.workspace import Workspace
from nnunet_lunet.host import command_lines, commands, results
from nnunet_lunet.pictures import overlays
from nnunet_lunet.profile import measure


@dataclass(frozen=True)
class Network:
    """One of the two.

    :param trainer: its name, without a length
    :param calibration_iters: training iterations an epoch while its speed is measured, so that the epochs of both take
        about as long: what lies between two epochs lets the data loader run ahead
    """

    label: str
    trainer: str
    calibration_iters: int


#: nnU-Net's default planner gives 3D networks 32 channels at full resolution.
BASELINE = Network("U-Net 32", "UNetTrainer", lengths.BLOCK)
LEAN = Network("flat 8", "LUnetTrainer_w8", 5 * lengths.BLOCK)
#: Of training, for each network.
MINUTES = 2
CONFIGURATION = "3d_fullres"
SEED = 2512

_SYNTHETIC_TASK, _SYNTHETIC_CASES = "Task900_Phantoms", 30
#: Minutes on two cores for all but training: calibration is a tenth of it, the rest are starts, plans, predictions.
_ALL_ELSE = 3


class _EnoughError(Exception):
    """Ends a command whose output has said what was to be known."""


def run(output: Path, data: Path | None, device: str, console: Console, minutes: float = MINUTES) -> None:
    """Train both networks, predict the unseen cases, print the table, write ``result.json`` and ``result.png``.

    :param output: folder for everything; made, or an earlier demo's, which is replaced
    :param data: a task in Decathlon layout; None makes synthetic data
    :param device: ``cpu``, ``cuda`` or ``mps``, as nnU-Net's ``-device``
    :param minutes: of training; the lean network gets as many as the baseline then really takes
    :raises UserError: ``output`` holds something else, ``data`` is not in Decathlon layout, a command failed
    """
    source = data if data is not None else output / "source" / _SYNTHETIC_TASK
    if data is not None:
        workspace.training_cases(data)  # before an earlier demo is replaced
    workspace.claim(output)
    console.print(
        f"Trains {BASELINE.label} and {LEAN.label} for {minutes:g} minutes each, with nnU-Net's own commands: about "
        f"{2.2 * minutes + _ALL_ELSE:.0f} minutes in all."
    )
    if data is None:
        synthetic.write_msd(source, _SYNTHETIC_CASES, SEED)
    space = workspace.hold_back(source, output, SEED)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn(),
        console=console,
    ) as progress:  # fmt: skip
        _prepare(space, progress)
        baseline = _train_and_predict(space, BASELINE, device, 60 * minutes, progress)
        lean = _train_and_predict(space, LEAN, device, 60 * baseline.minutes, progress)
    _report(space, baseline, lean, device, console)


def _prepare(space: Workspace, progress: Progress) -> None:
    for folder in space.folders.values():
        folder.mkdir()
    bar = progress.add_task("convert, plan, preprocess", total=2)
    commands.run_stock(command_lines.convert_msd(space.task, processes=1), space.folders, space.log)
    progress.advance(bar)
    plan = command_lines.plan_and_preprocess(space.dataset_id, [CONFIGURATION], processes=2)
    commands.run_stock(plan, space.folders, space.log)
    progress.advance(bar)


def _train_and_predict(space: Workspace, network: Network, device: str, seconds: float, progress: Progress) -> Row:
    """:param seconds: of training that the network is given"""
    seconds_per_block = _seconds_per_block(space, network, device, seconds / 10, progress)
    length = lengths.filling(seconds, seconds_per_block)
    trainer = length.named(network.trainer)
    _train(space, network, length, device, progress)
    bar = progress.add_task(f"predict with {network.label}", total=1)
    predictions = _predict(space, trainer, device)
    progress.advance(bar)
    fold = space.folders["nnUNet_results"] / space.dataset / f"{trainer}__nnUNetPlans__{CONFIGURATION}" / "fold_0"
    return Row(
        label=network.label,
        length=length,
        seconds_per_block=seconds_per_block,
        fold=results.trained_fold(fold, length.iters),
        evaluation=results.evaluation(predictions / "summary.json"),
        predictions=predictions,
    )


def _seconds_per_block(space: Workspace, network: Network, device: str, seconds: float, progress: Progress) -> float:
    """Of real training, data loading included: the beginning of one that is ended after at least ``seconds``.

    The median of its epochs, without the first, in which things are set up.
    """
    bar = progress.add_task(f"measure speed of {network.label} (s)", total=round(seconds))
    epochs: list[float] = []
    start = monotonic()

    def look(line: str) -> None:
        nonlocal start
        if (epoch := re.search(r"Epoch time: ([0-9.]+) s", line)) is None:
            return
        if not epochs:
            start = monotonic()
        epochs.append(float(epoch[1]))
        passed = monotonic() - start
        progress.update(bar, completed=min(round(passed), round(seconds)))
        if len(epochs) > 1 and passed >= seconds:
            raise _EnoughError

    results_folder = space.root / "calibration"
    trainer = lengths.Length(1000, network.calibration_iters).named(network.trainer)
    with suppress(_EnoughError):
        command = command_lines.train(space.dataset, CONFIGURATION, 0, trainer, device=device)
        commands.run_stock(command, _variables(space) | {"nnUNet_results": results_folder}, space.log, look)
    shutil.rmtree(results_folder)
    return median(epochs[1:]) * lengths.BLOCK / network.calibration_iters


def _train(space: Workspace, network: Network, length: lengths.Length, device: str, progress: Progress) -> None:
    bar = progress.add_task(f"train {network.label}, {length.steps:,} steps", total=length.epochs)

    def count_epochs(line: str) -> None:
        if "Epoch time" in line:
            progress.advance(bar)

    command = command_lines.train(space.dataset, CONFIGURATION, 0, length.named(network.trainer), device=device)
    commands.run_stock(command, _variables(space), space.log, count_epochs)


def _predict(space: Workspace, trainer: str, device: str) -> Path:
    """Folder of predictions and their evaluation."""
    predictions = space.root / "predictions" / trainer
    images = space.folders["nnUNet_raw"] / space.dataset / "imagesTs"
    for command in (
        command_lines.predict(
            space.dataset, images, predictions, CONFIGURATION, 0, trainer, device=device, processes=1
        ),
        command_lines.evaluate(space.unseen_labels, predictions, processes=1),
    ):
        commands.run_stock(command, _variables(space), space.log)
    return predictions


def _settings() -> dict[str, str]:
    """Environment variables of the commands."""
    return {
        # Threads that spin while they wait for each other leave little to augmentation and to whatever else runs: on a
        # busy machine these steps take 2 (U-Net 32) to 5 (flat 8) times as long with them.
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "passive"),
        # Compiling on a GPU would take a good part of so short a training.
        "nnUNet_compile": "f",
        # Eight processes that each load all libraries take longer than the few cases that they are for.
        "nnUNet_def_n_proc": str(min(8, os.cpu_count() or 1)),
    }


def _variables(space: Workspace) -> dict[str, str | Path]:
    return {**space.folders, **_settings()}


def _report(space: Workspace, baseline: Row, lean: Row, device: str, console: Console) -> None:
    rows = [baseline, lean]
    labels = results.label_names(space.folders["nnUNet_raw"] / space.dataset / "dataset.json")
    unseen = len(list(space.unseen_labels.iterdir()))
    console.print(table.table(rows, labels, f"{space.dataset}: {unseen} unseen cases", console))
    verdict = table.verdict(baseline, lean)
    picture, record = space.root / "result.png", space.root / "result.json"
    _picture(space, rows, labels, picture)
    content = {
        "dataset": space.dataset, "unseen_cases": unseen, "networks": [row.as_json(labels) for row in rows],
        "verdict": verdict, "machine": measure.machine(device) | {"environment": commands.KEEP_MEMORY | _settings()},
    }  # fmt: skip
    record.write_text(json.dumps(content, indent=1))
    console.print(f"{verdict}\n", highlight=False)
    files = f"Picture: {picture}\nAll figures: {record}\nAll output of nnU-Net: {space.log}\n"
    for text in (files, table.next_steps(LEAN.trainer, CONFIGURATION)):
        console.print(text, soft_wrap=True, markup=False, highlight=False)


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
        size = numbers.whole(row.fold.network.parameters)
        heading = f"{row.label}: {size} parameters\n{row.steps:,} steps in {row.minutes:.1f} min"
        columns.append(overlays.LabelledVolume(heading, {case: row.predictions / case for case in cases}, captions))
    images = {case: raw / case.replace(".nii.gz", "_0000.nii.gz") for case in cases}
    overlays.overlays(images, columns, labels, target)
