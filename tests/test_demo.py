import json
import re

import pytest
import SimpleITK as sitk
from conftest import make_network
from matplotlib.image import imread
from rich.console import Console

from nnunet_lunet import demo
from nnunet_lunet.datasets import synthetic
from nnunet_lunet.errors import UserError


def test_from_a_task_to_a_table_and_a_picture(tmp_path, monkeypatch):
    """The whole pipeline by stock commands in processes of their own, on a user's own task, as short as can be."""
    monkeypatch.setattr(demo, "LEAN", "LUnetTrainer_w8_1epochs_2iters")
    monkeypatch.setattr(demo, "BASELINE", "UNetTrainer_w8_1epochs_2iters")
    task = tmp_path / "my data" / "Task07_Own"
    synthetic.write_msd(task, n_cases=10, seed=3)
    output = tmp_path / "out"
    with (tmp_path / "console.txt").open("w") as file:
        demo.run(output, task, "cpu", Console(file=file, width=120))
    rows = json.loads((output / "result.json").read_text())
    assert [row["trainer"] for row in rows] == [demo.BASELINE, demo.LEAN]
    stages = json.loads(
        (output / "nnUNet_preprocessed" / "Dataset007_Own" / "nnUNetPlans.json").read_text()
    )["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]["n_stages"]  # fmt: skip
    for row, profile in zip(rows, ("planned", "flat"), strict=True):
        network = make_network(8, profile=profile, n_stages=stages)
        assert row["parameters"] == sum(parameter.numel() for parameter in network.parameters())
        assert set(row["dice"]) == {"front", "back"} and row["seconds_per_iteration"] > 0
    printed = (tmp_path / "console.txt").read_text()
    assert all(f"{row['parameters']:,}" in printed for row in rows) and "2 unseen cases" in printed
    # Columns differ only where predictions or references are drawn: the picture is not the bare image four times.
    picture = imread(output / "result.png")
    quarter = picture.shape[1] // 4
    assert picture[:, :quarter].std() > 0
    coloured = [
        abs(part[..., 0] - part[..., 2]).max() for part in (picture[:, :quarter], picture[:, quarter : 2 * quarter])
    ]
    assert coloured[0] < 0.05 < 0.3 < coloured[1]
    # Unseen cases were not trained on.
    unseen = {re.sub(r"\.nii\.gz", "", path.name) for path in (output / "msd" / "Task07_Own" / "labelsTs").iterdir()}
    trained = {path.name for path in (output / "nnUNet_raw" / "Dataset007_Own" / "labelsTr").iterdir()}
    assert len(unseen) == 2 and not any(name.startswith(tuple(unseen)) for name in trained)
    before = sorted((task / "imagesTr").iterdir())
    assert len(before) == 10 and all(sitk.ReadImage(path).GetDimension() == 3 for path in before)


def test_a_folder_that_is_not_the_demos_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="was not made by lunet demo"):
        demo.run(tmp_path, None, "cpu", Console())
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("damage", ["no description", "bad name", "image missing", "few cases"])
def test_data_in_another_layout_is_named(tmp_path, damage):
    task = tmp_path / ("Own" if damage == "bad name" else "Task07_Own")
    synthetic.write_msd(task, n_cases=3 if damage == "few cases" else 10, seed=1)
    if damage == "no description":
        (task / "dataset.json").unlink()
    if damage == "image missing":
        (task / "imagesTr" / "phantom_003.nii.gz").unlink()
    earlier = tmp_path / "out" / "result.png"
    earlier.parent.mkdir()
    (earlier.parent / ".lunet-demo").touch()
    earlier.write_bytes(b"")
    with pytest.raises(UserError, match=f"{task} is no task in Medical Segmentation Decathlon layout"):
        demo.run(tmp_path / "out", task, "cpu", Console())
    assert earlier.exists()
