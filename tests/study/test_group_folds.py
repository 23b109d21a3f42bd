"""Folds by patient, as nnU-Net takes them."""

import json

import pytest
from nnunetv2.utilities.crossval_split import generate_crossval_split

from nnunet_lunet.errors import UserError
from nnunet_lunet.study import group_folds

PATIENTS = {f"case_{index:02d}": f"patient_{index // 3}" for index in range(24)}


def folds(folder):
    return json.loads((folder / "splits_final.json").read_text())


def test_no_patient_is_on_both_sides_and_each_case_is_validated_once(tmp_path):
    said = group_folds.write(tmp_path, PATIENTS)
    assert said is not None and "five folds of 8 groups, 24 cases" in said
    written = folds(tmp_path)
    for fold in written:
        trained, validated = ({PATIENTS[case] for case in fold[side]} for side in ("train", "val"))
        assert trained and validated and not trained & validated
        assert sorted(fold["train"] + fold["val"]) == sorted(PATIENTS)
    assert sorted(case for fold in written for case in fold["val"]) == sorted(PATIENTS)


def test_cases_that_are_groups_of_their_own_have_nnunets_folds(tmp_path):
    cases = sorted(PATIENTS)
    group_folds.write(tmp_path, {case: case for case in cases})
    expected = [
        {side: [str(case) for case in of_side] for side, of_side in fold.items()}
        for fold in generate_crossval_split(cases)
    ]
    assert folds(tmp_path) == expected


def test_folds_that_are_there_stay_unless_they_divide_a_patient(tmp_path):
    group_folds.write(tmp_path, PATIENTS)
    before = (tmp_path / "splits_final.json").read_bytes()
    assert group_folds.write(tmp_path, PATIENTS) is None
    with pytest.raises(
        UserError, match=r"splits_final\.json: fold 0 trains and validates on cases of group one"
    ) as error:
        group_folds.write(tmp_path, dict.fromkeys(PATIENTS, "one"))
    assert "\n" not in str(error.value)
    assert (tmp_path / "splits_final.json").read_bytes() == before


def test_too_few_patients_for_nnunets_five_folds(tmp_path):
    with pytest.raises(UserError, match=r"makes five folds, and .* has 1 groups"):
        group_folds.write(tmp_path, dict.fromkeys(PATIENTS, "one"))
    assert not list(tmp_path.iterdir())
