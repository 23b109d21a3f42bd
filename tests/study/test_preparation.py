"""What is missing before trainings, by what lies in nnU-Net's folders."""

import json
from pathlib import Path

import pytest

from nnunet_lunet.errors import UserError
from nnunet_lunet.study import jobs, preparation
from nnunet_lunet.study.matrix import Origin, Training
from nnunet_lunet.study.steps import Settings

STOCK = Origin("nnUNetPlans", "nnUNetPlans")
PRESET = Origin("LUnet8Plans", "nnUNetPlans", preset="LUnet8")
MATCH = Origin("UNetMatchLUnet8Plans", "nnUNetPlans", match="LUnet8")
FILE = Path("mine.yaml")


def trainings(*origins, configurations=("3d_fullres",), dataset="Dataset903_Planned"):
    return [
        Training(dataset, configuration, 0, origin.name, "UNetTrainer", None, origin)
        for origin in origins
        for configuration in configurations
    ]


def preprocess(planned, configuration, number):
    folder = planned.preprocessed / f"nnUNetPlans_{configuration}"
    folder.mkdir(exist_ok=True)
    for index in range(number):
        (folder / f"case_{index:03d}.pkl").touch()


def stock(planned, wanted):
    return [" ".join(command) for command in preparation.stock_commands(planned.dataset, wanted)]


def test_planned_and_preprocessed_data_need_nothing(planned):
    preprocess(planned, "3d_fullres", 200)
    assert stock(planned, trainings(STOCK, PRESET)) == []


def test_data_that_are_missing_or_incomplete_are_preprocessed(planned):
    wanted = trainings(STOCK, PRESET, configurations=["2d", "3d_fullres", "3d_cascade_fullres", "2d"])
    command = "nnUNetv2_preprocess -d 903 -plans_name nnUNetPlans -c"
    assert [line.partition(" -np")[0] for line in stock(planned, wanted)] == [f"{command} 2d 3d_fullres"]
    preprocess(planned, "2d", 200)
    preprocess(planned, "3d_fullres", 199)  # it was killed
    assert [line.partition(" -np")[0] for line in stock(planned, wanted)] == [f"{command} 3d_fullres"]


@pytest.mark.parametrize(
    ("plans", "planner"),
    [
        ("nnUNetPlans", "ExperimentPlanner"), ("nnUNetResEncUNetMPlans", "nnUNetPlannerResEncM"),
        ("nnUNetResEncUNetXLPlans", "nnUNetPlannerResEncXL"),
    ],
)  # fmt: skip
def test_plans_that_are_missing_are_planned_by_nnunet(planned, plans, planner):
    (planned.preprocessed / f"{plans}.json").unlink(missing_ok=True)
    origin = Origin(f"LUnet8{plans[6:]}", plans, preset="LUnet8")
    (command,) = stock(planned, trainings(origin, configurations=["3d_fullres", "3d_cascade_fullres"]))
    assert command.startswith(f"nnUNetv2_plan_and_preprocess -d 903 -pl {planner} -c 3d_fullres -np ")


def test_plans_that_nobody_makes_are_refused_with_those_that_are_there(planned):
    with pytest.raises(UserError, match=r"has no MyPlans.json \(but nnUNetPlans, nnUNetResEncUNetMPlans\)"):
        stock(planned, trainings(Origin("MyPlans", "MyPlans")))


def test_plans_made_from_plans_that_another_network_makes_come_after_them(planned):
    preprocess(planned, "3d_fullres", 200)
    second = Origin("UNetMatchLUnet4LUnet8Plans", "LUnet8Plans", match="LUnet4")
    wanted = trainings(second, PRESET, STOCK)
    assert stock(planned, wanted) == []
    ordered = preparation.origins(wanted)
    assert ordered.index(PRESET) < ordered.index(second)
    made = [preparation.plan_command(planned.dataset, origin)[-4:] for origin in ordered if origin.derived]
    assert made == [["--preset", "LUnet8", "-p", "nnUNetPlans"], ["--match", "LUnet4", "-p", "LUnet8Plans"]]


def test_a_preparation_makes_the_plans_and_names_those_it_cannot_make(planned, tmp_path):
    preprocess(planned, "3d_fullres", 200)
    other = planned.preprocessed / "LUnet16Plans.json"
    other.write_text(json.dumps({"plans_name": "LUnet16Plans"}))
    wanted = trainings(STOCK, PRESET, MATCH, Origin("LUnet16Plans", "nnUNetPlans", preset="LUnet16"))
    job = jobs.PreparationJob(planned.dataset, tuple(wanted), Settings(tmp_path / "out", "cpu"))
    for _ in range(2):
        wrong = job()
        assert list(wrong) == ["LUnet16Plans"] and "exists and differs" in wrong["LUnet16Plans"]
    assert other.read_text() == json.dumps({"plans_name": "LUnet16Plans"})
    assert {"LUnet8Plans.json", "UNetMatchLUnet8Plans.json"} <= {file.name for file in planned.preprocessed.iterdir()}
    log = (tmp_path / "out" / "logs" / planned.dataset / "preparation.log").read_text()
    assert "$ lunet plan -d Dataset903_Planned --preset LUnet8 -p nnUNetPlans\n" in log
    assert "nothing was written" in log and "exists and differs" in log


def test_when_stock_plans_cannot_be_had_no_cell_can_be_trained(planned, tmp_path):
    wanted = trainings(PRESET, Origin("MyPlans", "MyPlans"))
    wrong = jobs.PreparationJob(planned.dataset, tuple(wanted), Settings(tmp_path, "cpu"))()
    assert set(wrong) == {"LUnet8Plans", "MyPlans"} and "has no MyPlans.json" in wrong["LUnet8Plans"]


def test_datasets_by_number_and_name_and_all_that_are_missing(planned):
    assert preparation.dataset_names([903, "Dataset903_Planned"], FILE) == ["Dataset903_Planned"] * 2
    with pytest.raises(UserError, match=r"mine.yaml, datasets: 77, Dataset903_Other: not in .*lunet download"):
        preparation.dataset_names([77, 903, "Dataset903_Other"], FILE)
    with pytest.raises(UserError, match=r"datasets: Hippocampus: use a number, or a name"):
        preparation.dataset_names(["Hippocampus"], FILE)


@pytest.mark.parametrize("name", ["nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"])
def test_a_folder_that_is_not_set_is_named(planned, monkeypatch, name):
    preparation.check_folders()
    monkeypatch.delenv(name)
    with pytest.raises(UserError, match=f"{name} is not set: lunet doctor"):
        preparation.check_folders()
