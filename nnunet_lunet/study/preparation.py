"""What has to be there before a dataset's trainings: plans, preprocessed data, plans of presets."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from nnunetv2.configuration import default_num_processes
from nnunetv2.paths import nnUNet_preprocessed, nnUNet_raw, nnUNet_results

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import command_lines, folders, training_state
from nnunet_lunet.study.matrix import Origin, Training

#: Has no data of its own.
_CASCADE = "3d_cascade_fullres"


def check_folders() -> None:
    """:raises UserError: one of nnU-Net's three variables is not set"""
    for variable in (nnUNet_raw, nnUNet_preprocessed, nnUNet_results):
        if not variable.is_set():
            raise UserError(f"{variable.env_var_name} is not set: lunet doctor says how to set nnU-Net's folders")


def dataset_names(datasets: Sequence[str | int], file: Path) -> list[str]:
    """Full names of datasets.

    :param datasets: numbers, or names such as ``Dataset004_Hippocampus``
    :raises UserError: some are not there; names all of these
    """
    from nnunetv2.utilities.dataset_name_id_conversion import maybe_convert_to_dataset_name

    found, missing = [], []
    for dataset in datasets:
        try:
            name = str(maybe_convert_to_dataset_name(dataset))
        except ValueError as error:
            raise UserError(f"study {file}, datasets: {dataset}: use a number, or a name as Dataset004_Name") from error
        except RuntimeError:
            name = ""
        found.append(name)
        there = any((root / name / "dataset.json").is_file() for root in _roots())
        missing += [] if there and folders.DATASET_NAME.match(name) else [str(dataset)]
    if missing:
        raise UserError(
            f"study {file}, datasets: {', '.join(missing)}: not in {Path(nnUNet_raw)}; convert yours with stock "
            "commands, or take the Decathlon's with lunet download"
        )
    return found


def _roots() -> list[Path]:
    return [Path(nnUNet_raw), Path(nnUNet_preprocessed)]


def cases(folder: Path) -> list[str]:
    """The training cases of a preprocessed dataset.

    :param folder: of the dataset in ``nnUNet_preprocessed``
    """
    ending = json.loads((folder / "dataset.json").read_text())["file_ending"]
    return sorted(file.name.removesuffix(ending) for file in (folder / "gt_segmentations").glob(f"*{ending}"))


def origins(trainings: Iterable[Training]) -> list[Origin]:
    """The plans of trainings, each once, those after the others that are made from what another makes."""
    found = list(dict.fromkeys(training.origin for training in trainings))
    made = {origin.name for origin in found if origin.derived}
    return sorted(found, key=lambda origin: origin.derived and origin.source in made)


def stock_commands(dataset: str, trainings: Sequence[Training]) -> list[list[str]]:
    """nnU-Net's commands that make the plans and data that are missing.

    :raises UserError: plans are missing that no planner of nnU-Net's makes, or a file cannot be read
    """
    made = {origin.name for origin in origins(trainings) if origin.derived}
    wanted: dict[str, dict[str, None]] = {}
    for training in trainings:
        if training.origin.source not in made:
            wanted.setdefault(training.origin.source, {})[training.configuration] = None
    return [command for plans, names in wanted.items() for command in _stock(dataset, plans, list(names))]


def plan_command(dataset: str, origin: Origin) -> list[str]:
    """The ``lunet plan`` command that makes plans from others."""
    by = [] if origin.match_by == "parameters" else ["--match-by", origin.match_by]
    way = ["--preset", origin.preset] if origin.preset is not None else ["--match", str(origin.match), *by]
    return ["lunet", "plan", "-d", dataset, *way, "-p", origin.source]


def make_plans(dataset: str, origin: Origin) -> list[str]:
    """Do what :func:`plan_command` says, and return what it says; plans that are there already are checked.

    :raises UserError: the plans cannot be made, or others of that name are there
    """
    from nnunet_lunet.planning import tasks

    if origin.preset is not None:
        return tasks.from_preset(dataset, origin.preset, origin.source)
    return tasks.from_match(dataset, str(origin.match), origin.source, by=origin.match_by)


def _stock(dataset: str, plans: str, configurations: Sequence[str]) -> list[list[str]]:
    """Planning and preprocessing by nnU-Net, or preprocessing alone, or nothing."""
    number = folders.dataset_number(dataset)
    folder = Path(nnUNet_preprocessed) / dataset
    of_data = list(dict.fromkeys("3d_fullres" if name == _CASCADE else name for name in configurations))
    if not (folder / f"{plans}.json").is_file():
        planner = _planner(plans, folder)
        return [command_lines.plan_and_preprocess(number, of_data, default_num_processes, planner)]
    missing = _not_preprocessed(dataset, plans, of_data)
    return [command_lines.preprocess(number, plans, missing, default_num_processes)] if missing else []


def _not_preprocessed(dataset: str, plans: str, configurations: Sequence[str]) -> list[str]:
    """Those of the configurations that are planned and whose data are missing or incomplete."""
    from nnunet_lunet.planning import plans_file

    source = plans_file.read(dataset, plans)
    planned = [name for name in configurations if name in source.content["configurations"]]
    return [
        name for name in planned
        if training_state.missing_cases(source.folder, source.configuration(name)["data_identifier"])
    ]  # fmt: skip


def _planner(plans: str, folder: Path) -> str:
    """The planner of nnU-Net's that makes plans of that name."""
    if plans == command_lines.STOCK_PLANS:
        return "ExperimentPlanner"
    if named := re.fullmatch(r"nnUNetResEncUNet(M|L|XL)Plans", plans):
        return f"nnUNetPlannerResEnc{named[1]}"
    there = ", ".join(sorted(file.stem for file in folder.glob("*Plans*.json"))) or "no plans"
    raise UserError(f"{folder} has no {plans}.json (but {there}): make it with lunet plan, or name a preset instead")
