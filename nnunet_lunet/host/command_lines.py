"""nnU-Net's stock commands with their arguments, as lists that :mod:`nnunet_lunet.host.commands` runs. No torch."""

from collections.abc import Iterable, Sequence
from pathlib import Path

STOCK_PLANS = "nnUNetPlans"
TRAIN, PREDICT = "nnUNetv2_train", "nnUNetv2_predict"


def convert_msd(task: Path, dataset_id: int | None = None, processes: int | None = None) -> list[str]:
    """Make a raw data set of a task in the Decathlon's layout.

    :param dataset_id: None for the task's own number
    """
    number = [] if dataset_id is None else ["-overwrite_id", str(dataset_id)]
    return ["nnUNetv2_convert_MSD_dataset", "-i", str(task), *number, *_processes(processes)]


def plan_and_preprocess(
    dataset_id: int, configurations: Iterable[str], processes: int, planner: str | None = None
) -> list[str]:
    """Fingerprint, plans and preprocessed data, after a check of the raw data.

    :param planner: class name; None for nnU-Net's default
    """
    return [
        "nnUNetv2_plan_and_preprocess", "-d", str(dataset_id), *([] if planner is None else ["-pl", planner]),
        "-c", *configurations, *_processes(processes), "-npfp", str(processes), "--verify_dataset_integrity",
    ]  # fmt: skip


def preprocess(dataset_id: int, plans: str, configurations: Iterable[str], processes: int | None = None) -> list[str]:
    """Preprocessed data of plans that are there."""
    named = ["-d", str(dataset_id), "-plans_name", plans, "-c", *configurations]
    return ["nnUNetv2_preprocess", *named, *_processes(processes)]


def train(
    dataset: str,
    configuration: str,
    fold: int | str,
    trainer: str,
    plans: str = STOCK_PLANS,
    device: str = "cuda",
    options: Sequence[str] = (),
) -> list[str]:
    """One training.

    :param dataset: number or name
    :param device: ``cpu``, ``cuda`` or ``mps``
    :param options: others, e.g. ``--c``
    """
    return [TRAIN, dataset, configuration, str(fold), "-tr", trainer, "-p", plans, "-device", device, *options]


def pretrained_weights(arguments: Sequence[str]) -> str | None:
    """The file that the arguments of a training give ``-pretrained_weights``, if any."""
    # nnU-Net's parser takes no abbreviation of it, for it has -p.
    found = None
    for position, argument in enumerate(arguments):
        name, has_value, value = argument.partition("=")
        if name == "-pretrained_weights":
            found = value if has_value else next(iter(arguments[position + 1 :]), None)
    return found


def predict(
    dataset: str,
    images: Path,
    output: Path,
    configuration: str,
    fold: int | str,
    trainer: str,
    plans: str = STOCK_PLANS,
    device: str = "cuda",
    processes: int | None = None,
) -> list[str]:
    """Predictions of one fold for a folder of images.

    :param processes: for preprocessing and for export; None for nnU-Net's default
    """
    return [
        PREDICT, "-d", dataset, "-i", str(images), "-o", str(output), "-tr", trainer, "-p", plans, "-c", configuration,
        "-f", str(fold), "-device", device,
        *([] if processes is None else ["-npp", str(processes), "-nps", str(processes)]),
    ]  # fmt: skip


def evaluate(references: Path, predictions: Path, processes: int | None = None) -> list[str]:
    """Dice of a folder that :func:`predict` wrote; ``summary.json`` in it."""
    files = ["-djfile", str(predictions / "dataset.json"), "-pfile", str(predictions / "plans.json")]
    return ["nnUNetv2_evaluate_folder", str(references), str(predictions), *files, *_processes(processes)]


def _processes(number: int | None) -> list[str]:
    return [] if number is None else ["-np", str(number)]
