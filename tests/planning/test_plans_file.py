"""Plans beside the stock plans: what they share, and that nothing is lost."""

import json

import pytest
from conftest import RESENC, read_only
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

from nnunet_lunet.errors import UserError
from nnunet_lunet.planning import plans_file, tasks

DATASET = "903"


def manager(nnunet, plans):
    return PlansManager(str(nnunet.preprocessed / f"{plans}.json"))


def state(nnunet):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in nnunet.preprocessed.glob("*.json")}


@pytest.mark.parametrize(
    ("source", "name"), [("nnUNetPlans", "LUnet4Plans"), (RESENC, "LUnet4ResEncUNetMPlans"), ("Mine", "LUnet4Mine")]
)
def test_all_configurations_change_their_widths_and_share_the_data(planned, source, name):
    planned.edit_plans("Mine", lambda plans: None)
    tasks.from_preset(DATASET, "LUnet4", source)
    ours, theirs = manager(planned, name), manager(planned, source)
    assert ours.plans_name == name
    assert ours.available_configurations == theirs.available_configurations
    for key in ("2d", "3d_fullres", "3d_lowres", "3d_cascade_fullres"):
        new, old = ours.get_configuration(key), theirs.get_configuration(key)
        assert new.network_arch_init_kwargs["features_per_stage"] == [4] * 4
        assert new.network_arch_class_name == old.network_arch_class_name
        different = {entry for entry in old.configuration if new.configuration[entry] != old.configuration[entry]}
        assert different == {"architecture"} and new.data_identifier == old.data_identifier
    # A cascade goes on inheriting, so that a change of 3d_fullres by hand reaches it.
    cascade = ours.plans["configurations"]["3d_cascade_fullres"]
    assert cascade == {"inherits_from": "3d_fullres", "previous_stage": "3d_lowres"}


def test_a_configuration_that_inherits_but_has_another_patch_is_enlarged_by_itself(planned):
    def add(plans):
        plans["configurations"]["3d_wide"] = {"inherits_from": "3d_fullres", "patch_size": [40, 56, 72]}

    planned.edit_plans("Mine", add)
    preset = planned.root / "deep.json"
    preset.write_text(
        '{"name": "Deep", "purpose": "Five levels.", "source": "-",'
        ' "architecture": {"arch_kwargs": {"n_stages": 5, "features_per_stage": 4}}}'
    )
    lines = tasks.from_preset(DATASET, str(preset), "Mine")
    written = manager(planned, "DeepMine")
    assert "3d_fullres: patch 40×56×40 becomes 48×64×48, as 5 levels need it" in lines
    assert written.get_configuration("3d_fullres").patch_size == [48, 64, 48]
    assert written.get_configuration("3d_cascade_fullres").patch_size == [48, 64, 48]
    assert written.get_configuration("3d_wide").patch_size == [48, 64, 80]
    assert set(written.plans["configurations"]["3d_wide"]) == {"inherits_from", "patch_size"}


@pytest.mark.parametrize(
    ("chosen", "together"),
    [
        (["2d"], ["2d"]),
        (["3d_fullres", "2d"], ["2d", "3d_fullres"]),
        (["3d_lowres"], ["3d_fullres", "3d_lowres", "3d_cascade_fullres"]),
        (["3d_cascade_fullres"], ["3d_fullres", "3d_lowres", "3d_cascade_fullres"]),
    ],
)
def test_chosen_configurations_bring_what_nnunet_needs_beside_them(planned, chosen, together):
    tasks.from_preset(DATASET, "LUnet4", "nnUNetPlans", chosen)
    assert manager(planned, "LUnet4Plans").available_configurations == together


def test_the_same_plans_are_left_and_other_plans_are_not_overwritten(planned):
    tasks.from_preset(DATASET, "LUnet4", "nnUNetPlans")
    before = state(planned)
    assert "were there already" in tasks.from_preset(DATASET, "LUnet4", "nnUNetPlans")[-1]
    with pytest.raises(UserError, match=r"LUnet4Plans\.json exists and differs.*--overwrite"):
        tasks.from_preset(DATASET, "LUnet4", "nnUNetPlans", ["2d"])
    assert state(planned) == before
    tasks.from_preset(DATASET, "LUnet4", "nnUNetPlans", ["2d"], overwrite=True)
    assert manager(planned, "LUnet4Plans").available_configurations == ["2d"]
    (planned.preprocessed / "LUnet4Plans.json").write_text("half a fi")
    with pytest.raises(UserError, match="exists and differs"):
        tasks.from_preset(DATASET, "LUnet4", "nnUNetPlans")
    assert not list(planned.preprocessed.glob(".*"))


def test_it_says_which_data_must_be_preprocessed_first(planned):
    assert any("nnUNetv2_preprocess -d 903 -plans_name LUnet4Plans -c 2d" in line for line in
               tasks.from_preset(DATASET, "LUnet4", "nnUNetPlans", ["2d"]))  # fmt: skip
    (planned.preprocessed / "nnUNetPlans_2d").mkdir()
    assert not any("preprocess " in line for line in tasks.from_preset(DATASET, "LUnet4", "nnUNetPlans", ["2d"]))


def without(*keys):
    def change(plans):
        inner = plans
        for key in keys[:-1]:
            inner = inner[key]
        del inner[keys[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (without("configurations"), "no 'configurations'"),
        (lambda plans: plans.update(configurations={}), "no 'configurations'"),
        (without("configurations", "2d", "architecture", "arch_kwargs"), "configuration 2d: KeyError: 'arch_kwargs'"),
        (without("configurations", "2d", "patch_size"), "configuration 2d: KeyError: 'patch_size'"),
        (without("configurations", "2d", "architecture", "arch_kwargs", "n_stages"), "configuration 2d: KeyError"),
        (without("configurations", "3d_fullres"), "3d_cascade_fullres"),
        (lambda plans: plans.update(plans_name="Other"), "its plans_name is 'Other'"),
    ],
)
def test_incomplete_plans_are_refused_in_one_line(planned, change, says):
    planned.edit_plans("Odd", change)
    before = state(planned)
    with pytest.raises(UserError) as error:
        tasks.from_preset(DATASET, "LUnet4", "Odd")
    assert "Odd" in str(error.value) and says in str(error.value) and "\n" not in str(error.value)
    assert state(planned) == before


@pytest.mark.parametrize(
    ("dataset", "plans", "says"),
    [
        ("904", "nnUNetPlans", "-d 904: Could not find a dataset with the ID 904"),
        ("banana", "nnUNetPlans", "-d banana: use a number, or a name"),
        ("Dataset903_Planned", "Other", r"has no Other.json: it has nnUNetPlans, nnUNetResEncUNetMPlans"),
        ("Dataset905_Nothing", "nnUNetPlans", "has no nnUNetPlans.json: run nnUNetv2_plan_and_preprocess first"),
        (DATASET, "Broken", "Broken.json cannot be read"),
    ],
)
def test_what_is_not_there_or_broken_is_named(planned, dataset, plans, says):
    (planned.preprocessed / "Broken.json").write_text('{"plans_name": ')
    with pytest.raises(UserError, match=says):
        plans_file.read(dataset, plans)


def test_a_number_of_two_datasets_is_answered_with_their_names(planned):
    other = planned.preprocessed.with_name("Dataset903_Twin")
    other.mkdir()
    try:
        with pytest.raises(UserError, match="-d 903 stands for Dataset903_Planned and Dataset903_Twin: give the name"):
            plans_file.read("903", "nnUNetPlans")
    finally:
        other.rmdir()


def test_a_folder_that_is_none_is_named(planned, monkeypatch, tmp_path):
    monkeypatch.setenv("nnUNet_preprocessed", str(tmp_path / "gone"))
    with pytest.raises(UserError, match=r"nnUNet_preprocessed: .*gone is no folder"):
        plans_file.read("Dataset903_Planned", "nnUNetPlans")


def test_an_unset_folder_is_named(planned, monkeypatch):
    monkeypatch.delenv("nnUNet_preprocessed")
    with pytest.raises(UserError, match="nnUNet_preprocessed is not defined"):
        plans_file.read("Dataset903_Planned", "nnUNetPlans")


def test_an_unknown_configuration_is_answered_with_those_there_are(planned):
    with pytest.raises(UserError, match="-c 3d: plans nnUNetPlans have 2d, "):
        tasks.from_preset(DATASET, "LUnet4", "nnUNetPlans", ["3d"])


def test_a_folder_that_cannot_be_written(planned, tmp_path):
    content = json.loads((planned.preprocessed / "nnUNetPlans.json").read_text()) | {"plans_name": "New"}
    folder = tmp_path / "read-only"
    folder.mkdir()
    with read_only(folder), pytest.raises(UserError, match=r"read-only/New.json cannot be written: .+"):
        plans_file.write(folder, content, overwrite=False)
