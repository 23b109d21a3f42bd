"""Planners for lean networks on synthetic fingerprints: small, large, anisotropic."""

import math
from pathlib import Path

import nnunetv2
import pytest
from conftest import Nnunet
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.experiment_planning.experiment_planners.residual_unets.residual_encoder_unet_planners import (
    ResEncUNetPlanner,
)
from nnunetv2.utilities.find_class_by_name import recursive_find_python_class

from nnunet_lunet.datasets import synthetic
from nnunet_lunet.errors import UserError
from nnunet_lunet.planning import limits, planner, plans_file, tasks

FINGERPRINTS = {
    "Dataset911_Small": ((36, 50, 35), (1.0, 1.0, 1.0)),
    "Dataset912_Large": ((512, 512, 512), (0.8, 0.8, 0.8)),
    "Dataset913_Thick": ((20, 320, 320), (5.0, 0.6, 0.6)),
}


@pytest.fixture(scope="module")
def fingerprints(tmp_path_factory):
    nnunet = Nnunet(tmp_path_factory.mktemp("fingerprints"))
    for name, (shape, spacing) in FINGERPRINTS.items():
        synthetic.write_fingerprint(
            nnunet.root / "nnUNet_raw" / name, nnunet.root / "nnUNet_preprocessed" / name, shape, spacing, 200
        )
    with nnunet.active():
        yield nnunet


def files(nnunet):
    return {path: path.read_bytes() for path in nnunet.root.rglob("*.json")}


@pytest.mark.parametrize(
    ("name", "stock", "dataset"),
    [
        *(("LUnetPlanner", ExperimentPlanner, dataset) for dataset in FINGERPRINTS),
        ("LUnetResEncPlanner", ResEncUNetPlanner, "Dataset911_Small"),
    ],
)
def test_flat_widths_give_more_voxels_for_the_same_memory(fingerprints, dataset, name, stock):
    stock(dataset, 8).plan_experiment()
    theirs = plans_file.read(dataset, {ExperimentPlanner: "nnUNetPlans"}.get(stock, "nnUNetResEncUNetPlans"))
    ours = planner.plan(dataset, name, width=16)
    assert ours.name == f"{planner.PLANNERS[name].plans_name}_w16"
    for key in ("2d", "3d_fullres"):
        lean, planned = ours.configuration(key), theirs.configuration(key)
        kwargs = lean["architecture"]["arch_kwargs"]
        assert kwargs["features_per_stage"] == [16] * kwargs["n_stages"]
        assert lean["architecture"]["network_class_name"] == planned["architecture"]["network_class_name"]
        ours_voxels, theirs_voxels = (found["batch_size"] * math.prod(found["patch_size"]) for found in (lean, planned))
        # nnU-Net lets a batch hold at most a twentieth of the data set's voxels.
        capped = theirs_voxels > 0.9 * 0.05 * 200 * math.prod(FINGERPRINTS[dataset][0])
        assert ours_voxels > (0.99 if capped else 1.5) * theirs_voxels
        # What is preprocessed does not differ, so nothing is preprocessed twice.
        assert lean["data_identifier"] == planned["data_identifier"] == f"nnUNetPlans_{key}"
        assert lean["spacing"] == planned["spacing"]
        # A batch of two must fit; larger ones are rounded to the nearest.
        memory = limits.costs(ours, key, {}, ["gigabytes"])["gigabytes"]
        assert memory <= 8 * (1 if lean["batch_size"] == 2 else 1 + 0.5 / (lean["batch_size"] - 0.5))


def test_the_spacing_of_lowres_follows_the_patch_so_its_data_is_its_own(fingerprints):
    ours = planner.plan("Dataset912_Large", "LUnetPlanner", gpu_gb=7)
    assert ours.name == "LUnetPlans_7G"
    assert ours.configuration("3d_lowres")["data_identifier"] == "LUnetPlans_7G_3d_lowres"
    spaced = planner.LUnetPlanner("Dataset911_Small", overwrite_target_spacing=[2.0, 2.0, 2.0])
    assert spaced.generate_data_identifier("3d_fullres") == "LUnetPlans_3d_fullres"


def test_what_was_planned_is_told_and_kept(fingerprints):
    lines = tasks.from_planner("911", "LUnetPlanner")
    assert lines[0].startswith("3d_fullres: patch") or lines[0].startswith("2d: patch")
    assert "by nnU-Net's estimate" in lines[0] and lines[-2].endswith("use them with -p LUnetPlans")
    assert lines[-1] == "First: nnUNetv2_preprocess -d 911 -plans_name LUnetPlans -c 2d 3d_fullres"
    file = fingerprints.root / "nnUNet_preprocessed" / "Dataset911_Small" / "LUnetPlans.json"
    planned = file.read_bytes()
    file.write_text(file.read_text().replace('"batch_size": ', '"batch_size": 1'))
    edited = file.read_bytes()
    with pytest.raises(UserError, match=r"LUnetPlans\.json exists and differs"):
        planner.plan("911", "LUnetPlanner")
    assert file.read_bytes() == edited != planned
    planner.plan("911", "LUnetPlanner", overwrite=True)
    assert file.read_bytes() == planned


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("LUnetPlanner", "Dataset911_Small"),
        ("LUnetPlanner", "Dataset913_Thick"),
        ("LUnetResEncPlanner", "Dataset911_Small"),
    ],
)
def test_a_memory_target_too_small_for_any_patch(fingerprints, dataset, name):
    before = files(fingerprints)
    with pytest.raises(UserError) as error:
        planner.plan(dataset, name, gpu_gb=1e-6)
    assert "GPU memory target 1e-06 GB: no patch fits" in str(error.value) and "\n" not in str(error.value)
    assert files(fingerprints) == before


@pytest.mark.parametrize(
    ("dataset", "options", "says"),
    [
        ("911", {"planner": "ExperimentPlanner"}, "--planner ExperimentPlanner: use LUnetPlanner or"),
        ("911", {"planner": "LUnetPlanner", "width": 0}, "--width 0: give 1 to 1024 channels"),
        ("911", {"planner": "LUnetPlanner", "width": 100_000}, "--width 100000: give 1 to 1024"),
        ("911", {"planner": "LUnetPlanner", "gpu_gb": float("nan")}, "--gpu-memory-target nan: give GB above 0"),
        (
            "Dataset919_Nothing",
            {"planner": "LUnetPlanner"},
            "Dataset919_Nothing has no dataset_fingerprint.json: run nnUNetv2_extract_fing",
        ),
    ],
)
def test_what_cannot_be_planned_is_told_in_one_line(fingerprints, dataset, options, says):
    with pytest.raises(UserError, match=says):
        planner.plan(dataset, **options)


def test_without_raw_data_nothing_can_be_planned(fingerprints, monkeypatch):
    monkeypatch.delenv("nnUNet_raw")
    with pytest.raises(UserError) as error:
        planner.plan("Dataset911_Small", "LUnetPlanner")
    assert "nnUNet_raw is not defined" in str(error.value) and "extract_fingerprint" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_dataset_without_fingerprint_is_told_what_to_run(fingerprints, tmp_path):
    name = "Dataset914_Raw"
    synthetic.write_fingerprint(fingerprints.root / "nnUNet_raw" / name, tmp_path, (9, 9, 9), (1, 1, 1), 2)
    with pytest.raises(UserError, match="nnUNetv2_extract_fingerprint"):
        planner.plan(name, "LUnetPlanner")


def test_nnunets_own_command_looks_for_planners_in_its_own_folder_alone():
    folder = Path(nnunetv2.__path__[0]) / "experiment_planning"
    assert recursive_find_python_class(str(folder), "ResEncUNetPlanner", "nnunetv2.experiment_planning")
    assert recursive_find_python_class(str(folder), "LUnetPlanner", "nnunetv2.experiment_planning") is None
