"""nnU-Net's folders: which data set is meant, where it lies, and what its JSON files say."""

import json
import re
from pathlib import Path
from typing import Any

from nnunetv2.paths import nnUNet_preprocessed, nnUNet_results
from nnunetv2.utilities.dataset_name_id_conversion import (
    find_candidate_datasets,
    maybe_convert_to_dataset_name,
)
from nnunetv2.utilities.file_path_utilities import get_output_folder

from nnunet_lunet.errors import UserError

#: Whole name of a data set, with its number.
DATASET_NAME = re.compile(r"Dataset(\d{3})_.")


def read_json(file: Path) -> dict[str, Any]:
    """Content of a file that holds one JSON object.

    :raises UserError: it is not there, not readable, or something else
    """
    try:
        content = json.loads(file.read_text())
        if not isinstance(content, dict):
            raise ValueError("it is no object")
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read: {error}") from error
    return content


def dataset_folder(dataset: str) -> Path:
    """The dataset's folder in ``nnUNet_preprocessed``.

    :raises UserError: no such dataset, or the variable is not set
    """
    name = dataset_name(dataset)
    try:
        folder = Path(nnUNet_preprocessed)
    except RuntimeError as error:
        raise _unknown(dataset, error) from error
    if not folder.is_dir():
        raise UserError(f"nnUNet_preprocessed: {folder} is no folder; see lunet doctor")
    return folder / name


def dataset_name(dataset: str) -> str:
    """The dataset's whole name, such as ``Dataset004_Hippocampus``.

    :param dataset: its number or name, as nnU-Net's ``-d``
    :raises UserError: no such dataset in any of nnU-Net's folders
    """
    try:
        return str(maybe_convert_to_dataset_name(dataset))
    except ValueError as error:
        raise UserError(f"-d {dataset}: use a number, or a name such as Dataset004_Hippocampus") from error
    except RuntimeError as error:
        raise _unknown(dataset, error) from error


def dataset_number(name: str) -> int:
    """4 of ``Dataset004_Hippocampus``.

    :raises ValueError: a name that nnU-Net does not take for a data set's
    """
    named = DATASET_NAME.match(name)
    if named is None:
        raise ValueError(f"{name!r} is no data set's name, which is as Dataset004_Hippocampus")
    return int(named[1])


def results_folder() -> Path:
    """nnU-Net's folder of trained models.

    :raises UserError: ``nnUNet_results`` is not set
    """
    if not nnUNet_results.is_set():
        raise UserError("nnUNet_results is not set: nnU-Net keeps trained models there; see lunet doctor")
    return Path(nnUNet_results)


def model(dataset: str, trainer: str, plans: str, configuration: str) -> Path:
    """The folder of a model in ``nnUNet_results``, whether it is there or not.

    :param dataset: its whole name
    :raises UserError: ``nnUNet_results`` is not set
    """
    results_folder()
    return Path(get_output_folder(dataset, trainer, plans, configuration))


def _unknown(dataset: str, error: RuntimeError) -> UserError:
    several = find_candidate_datasets(int(dataset)) if dataset.isdecimal() else []
    if len(several) > 1:
        return UserError(f"-d {dataset} stands for {' and '.join(several)}: give the name")
    # nnU-Net's first sentence says what, the others are long.
    return UserError(f"-d {dataset}: {str(error).partition('. ')[0]}; see lunet doctor for its folders")
