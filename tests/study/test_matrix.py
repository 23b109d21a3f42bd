"""From a file to its trainings."""

from pathlib import Path

import pytest

from nnunet_lunet.errors import UserError
from nnunet_lunet.study import matrix
from nnunet_lunet.study.matrix import Origin
from nnunet_lunet.study.request import Study

FILE = Path("mine.yaml")
HIPPOCAMPUS, PROSTATE = "Dataset004_Hippocampus", "Dataset005_Prostate"


def expand(*networks, datasets=(HIPPOCAMPUS,), folds=(0,), **common):
    asked = [common.pop(f"of_{dataset}", {"dataset": dataset}) for dataset in datasets]
    study = Study.model_validate({"datasets": asked, "networks": list(networks), "folds": list(folds), **common})
    return matrix.expand(study, FILE, datasets)


def test_the_matrix_is_the_product_and_every_network_comes_once_before_the_next_seed():
    trainings = expand(
        {"trainer": "UNetTrainer_noDS", "preset": "unet_small_4f"}, {"trainer": "LUnetTrainer_w8"},
        datasets=[HIPPOCAMPUS, PROSTATE], folds=[0, 3], seeds=[0, 5], epochs=20, iters=7,
    )  # fmt: skip
    assert len(trainings) == 2 * 2 * 2 * 2
    assert [training.name for training in trainings[:4]] == [
        "UNetTrainer_noDS_20epochs_7iters_seed0__unet_small_4fPlans__3d_fullres__fold_0",
        "LUnetTrainer_w8_20epochs_7iters_seed0__nnUNetPlans__3d_fullres__fold_0",
        "UNetTrainer_noDS_20epochs_7iters_seed5__unet_small_4fPlans__3d_fullres__fold_0",
        "LUnetTrainer_w8_20epochs_7iters_seed5__nnUNetPlans__3d_fullres__fold_0",
    ]
    assert [(training.dataset, training.fold) for training in trainings[::4]] == [
        (HIPPOCAMPUS, 0), (HIPPOCAMPUS, 3), (PROSTATE, 0), (PROSTATE, 3)
    ]  # fmt: skip
    assert {training.seed for training in trainings} == {0, 5}


def test_plans_are_named_as_lunet_plan_names_them():
    trainings = expand(
        {"trainer": "UNetTrainer", "preset": "LUnet16"}, {"trainer": "UNetTrainer", "match": "LUnet16"},
        {"trainer": "UNetTrainer"}, {"trainer": "UNetTrainer", "preset": "LUnet16", "plans": "nnUNetPlans"},
        plans="nnUNetResEncUNetMPlans",
    )  # fmt: skip
    resenc = "nnUNetResEncUNetMPlans"
    assert [training.origin for training in trainings] == [
        Origin("LUnet16ResEncUNetMPlans", resenc, "LUnet16", None),
        Origin("UNetMatchLUnet16ResEncUNetMPlans", resenc, None, "LUnet16"),
        Origin(resenc, resenc),
        Origin("LUnet16Plans", "nnUNetPlans", "LUnet16", None),
    ]


def test_a_network_may_have_its_own_configurations():
    trainings = expand(
        {"trainer": "UNetTrainer"}, {"trainer": "LUnetTrainer", "configurations": ["2d"]},
        configurations=["3d_fullres"],
    )  # fmt: skip
    assert [(training.configuration, training.trainer) for training in trainings] == [
        ("3d_fullres", "UNetTrainer"), ("2d", "LUnetTrainer")
    ]  # fmt: skip


def test_a_dataset_may_have_its_own_configurations_too():
    trainings = expand(
        {"trainer": "UNetTrainer"}, {"trainer": "LUnetTrainer", "configurations": "3d_lowres"},
        datasets=[HIPPOCAMPUS, PROSTATE], of_Dataset005_Prostate={"dataset": PROSTATE, "configurations": ["2d"]},
    )  # fmt: skip
    assert [(training.dataset, training.trainer, training.configuration) for training in trainings] == [
        (HIPPOCAMPUS, "UNetTrainer", "3d_fullres"), (HIPPOCAMPUS, "LUnetTrainer", "3d_lowres"),
        (PROSTATE, "UNetTrainer", "2d"), (PROSTATE, "LUnetTrainer", "3d_lowres"),
    ]  # fmt: skip


def test_nnunets_own_trainers_are_taken_as_they_are():
    stock, ours = expand({"trainer": "nnUNetTrainer_5epochs"}, {"trainer": "LUnetTrainer_5epochs"}, seeds=[3])
    assert (stock.trainer, stock.seed) == ("nnUNetTrainer_5epochs", None) and "seed" not in stock.title
    assert (ours.trainer, ours.seed) == ("LUnetTrainer_5epochs_seed3", 3)


def test_the_second_stage_of_a_cascade_waits_for_the_first_of_the_same_network():
    trainings = expand(
        {"trainer": "UNetTrainer"}, {"trainer": "LUnetTrainer"}, folds=[0, 1],
        configurations=["3d_cascade_fullres", "3d_lowres", "2d"],
    )  # fmt: skip
    second = trainings[0]
    assert second.configuration == "3d_cascade_fullres"
    assert [(training.trainer, training.fold) for training in trainings if second.waits_for(training)] == [
        ("UNetTrainer", 0), ("UNetTrainer", 1)
    ]  # fmt: skip


NET, STOCK = {"trainer": "LUnetTrainer_w8"}, {"trainer": "nnUNetTrainer"}


@pytest.mark.parametrize(
    ("networks", "common", "says"),
    [
        ([{"trainer": "LUnetTrainr_w8"}], {}, "networks[0]: trainer LUnetTrainr_w8 is unknown: did you mean LUnetTr"),
        ([NET, {"trainer": "LUnetTrainer_8"}], {}, "networks[1]: LUnetTrainer_8: option _8 is unknown"),
        ([{"trainer": "LUnetTrainer_5epochs"}], {"epochs": 5}, "option _5epochs repeats"),
        ([{"trainer": "LUnetTrainer_seed5"}], {"seeds": [0]}, "option _seed0 repeats"),
        ([STOCK], {"epochs": 5}, "nnUNetTrainer takes no epochs and iters from a study: UNetTrainer_sgd"),
        ([STOCK], {"seeds": [0, 1]}, "nnUNetTrainer takes no seeds, and the study has 2: UNetTrainer_sgd"),
        ([{**NET, "preset": "lunet16"}], {}, "networks[0]: preset 'lunet16' is unknown: did you mean LUnet16"),
        ([NET, NET], {}, "networks[1] is networks[0] again: LUnetTrainer_w8 with nnUNetPlans"),
        ([NET, {**NET, "label": "other"}], {}, "networks[1] is networks[0] again"),
        ([NET, {"trainer": "LUnetTrainer_sgd_w8"}, {"trainer": "LUnetTrainer_w8_sgd"}], {}, "[2] is networks[1] again"),
        ([{**NET, "label": "a"}, {**STOCK, "label": "a"}], {}, "networks[1]: label 'a' is that of networks[0], too"),
        ([NET], {"seeds": [1, 1]}, "seeds: 1 is there twice"),
        ([NET], {"folds": [0, 0]}, "folds: 0 is there twice"),
        ([NET], {"datasets": [HIPPOCAMPUS, HIPPOCAMPUS]}, f"datasets: {HIPPOCAMPUS} is there twice"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_its_place(networks, common, says):
    with pytest.raises(UserError) as error:
        expand(*networks, **common)
    message = str(error.value)
    assert says in message and message.startswith("nnunet-lunet: study mine.yaml, ") and "\n" not in message
    assert message.count("nnunet-lunet") == 1


def test_two_files_of_presets_with_one_name_are_not_mixed_up(tmp_path):
    source = (matrix.presets.folder() / "LUnet16.json").read_text()
    (tmp_path / "other.json").write_text(source.replace('"features_per_stage": 16', '"features_per_stage": 5'))
    networks = [{"trainer": "UNetTrainer", "preset": name} for name in ("LUnet16", str(tmp_path / "other.json"))]
    networks[1]["trainer"] = "UNetTrainer_sgd"
    with pytest.raises(UserError, match=r"networks\[1\] and networks\[0\] make plans LUnet16Plans from different"):
        expand(*networks)
