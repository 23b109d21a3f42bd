"""Folds with all cases of a group, such as a patient, on one side: nnU-Net's own split, of groups in place of cases."""

import json
from collections.abc import Mapping
from pathlib import Path

from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.errors import UserError

_FILE = "splits_final.json"


def write(dataset: Path, groups: Mapping[str, str]) -> str | None:
    """Write the file that nnU-Net takes folds from, where there is none; what was done, in one line.

    The folds are what nnU-Net makes of the groups' names: its function, its seed, five folds. If each case is a group
    of its own name, they are nnU-Net's own.

    :param dataset: its folder in ``nnUNet_preprocessed``
    :param groups: of each case
    :return: None if there are folds already
    :raises UserError: there are, and a group is in training and validation of one; or there are fewer than five groups
    """
    from nnunetv2.utilities.crossval_split import generate_crossval_split

    file = dataset / _FILE
    if file.is_file():
        _check(file, groups)
        return None
    names = sorted(set(groups.values()))
    if len(names) < 5:
        raise UserError(
            f"groups: nnU-Net makes five folds, and {dataset.name} has {len(names)} groups: write {file} yourself"
        )
    sides = [
        {str(name): side for side, names in split.items() for name in names} for split in generate_crossval_split(names)
    ]
    folds = [
        {side: [case for case in sorted(groups) if of[groups[case]] == side] for side in ("train", "val")}
        for of in sides
    ]
    with atomic_write(file) as opened:
        opened.write(json.dumps(folds, indent=4).encode())
    return f"{file}: five folds of {len(names)} groups, {len(groups)} cases"


def _check(file: Path, groups: Mapping[str, str]) -> None:
    for fold, split in enumerate(json.loads(file.read_text())):
        sides = [{groups[case] for case in split[side] if case in groups} for side in ("train", "val")]
        if both := sorted(set.intersection(*sides)):
            raise UserError(
                f"{file}: fold {fold} trains and validates on cases of group {both[0]}: remove the file, and it is "
                "made anew by groups, or leave groups out of the study"
            )
