import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import SimpleITK as sitk
from conftest import known, make_network
from matplotlib.image import imread
from rich.console import Console

from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.datasets import synthetic
from nnunet_lunet.demo import lengths, run, table
from nnunet_lunet.demo.record import Row
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import results
from nnunet_lunet.trainers import names

LABELS = {1: "front", 2: "back"}


def row(label, parameters, steps, minutes, dice):
    """A line of the table for a training of ten epochs that took ``minutes`` by nnU-Net's log."""
    seconds = [60 * minutes * (epoch + 1) / 10 for epoch in range(10)]
    fold = results.TrainedFold("trainer", NetworkCost(parameters), 60 * minutes / steps, seconds, [0.5] * 10, None)
    evaluation = results.Evaluation(dict.fromkeys(LABELS, dice), dice, {})
    return Row(label, lengths.Length(10, steps // 10), 1.0, fold, evaluation, Path())


@pytest.mark.parametrize(
    ("seconds", "seconds_per_block", "epochs", "iters"),
    [
        (150, 5.0, 10, 15),  # 30 blocks
        (150, 5.01, 10, 15),
        (150, 15.5, 10, 5),
        (150, 0.974, 11, 70),  # 154 blocks: 11 epochs of 14
        (150, 40.0, 4, 5),  # fewer than eight epochs of one block each fit
        (1, 40.0, 1, 5),  # nothing shorter can be trained
    ],
)
def test_a_length_fills_the_time(seconds, seconds_per_block, epochs, iters):
    assert lengths.filling(seconds, seconds_per_block) == lengths.Length(epochs, iters)


def test_every_length_is_near_the_time_and_a_name_that_trainers_have():
    for tenths in range(1, 3000):
        length = lengths.filling(150, tenths / 10)
        takes = length.steps / lengths.BLOCK * tenths / 10
        # Half a block, and what the nearest product of two whole numbers leaves.
        assert abs(takes - 150) <= tenths / 20 + 0.06 * 150 or length == lengths.Length(1, 5)
        options = names.parse(length.named("LUnetTrainer_w8"))
        assert (options.width, options.epochs, options.iters) == (8, length.epochs, length.iters)
        # nnU-Net's trainers here run a fifth as many for validation, which is whole.
        assert length.iters % 5 == 0


@pytest.mark.parametrize(
    ("lean", "said"),
    [
        (("flat", 1_000, 600, 2.4, 0.75), "At equal time the lean network is 5.0 points of Dice ahead, with 20 times"),
        (("flat", 1_000, 600, 2.5, 0.62), "At equal time the lean network is 8.0 points of Dice behind, with 20 times"),
        (("flat", 8_000, 600, 2.5, 0.7004), "At equal time the lean network is as good, with 2.5 times fewer"),
        (("flat", 1_000, 600, 3.4, 0.75), "In 3.4 minutes against 2.5, the lean network is 5.0 points of Dice ahead"),
        (("flat", 1_000, 600, 1.4, 0.62), "In 1.4 minutes against 2.5, the lean network is 8.0 points of Dice behind"),
        (("flat", 1_000, 600, 2.5, float("nan")), "No verdict: Dice is not defined"),
    ],
)
def test_the_verdict_follows_from_the_result(lean, said):
    sentence = table.verdict(row("U-Net", 20_000, 100, 2.5, 0.7), row(*lean))
    assert sentence.startswith(said)
    assert "one training each proves little" in sentence or "No verdict" in said


def printed(rows, labels, width=80):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table.table(rows, labels, "Dataset900_Phantoms: 6 unseen cases", console))
    return console.export_text()


def test_each_network_is_one_line_of_80_columns_with_all_its_figures():
    rows = [row("U-Net 32", 31_196_399, 170, 2.46, 0.6694), row("flat 16", 118_041, 12_340, 2.51, 0.7051)]
    text = printed(rows, LABELS)
    assert max(map(len, text.splitlines())) <= 80
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]
    assert lines == [
        ["U-Net 32", "31,196,399", "170", "2.5", "0.669", "0.669", "0.669"],
        ["flat 16", "118,041", "12,340", "2.5", "0.705", "0.705", "0.705"],
    ]
    assert all(word in text for word in ("network", "parameters", "steps", "minutes", "front", "back", "mean"))
    assert "…" not in text


def test_labels_that_do_not_fit_are_left_to_the_file():
    labels = {value: f"left [cerebellar] vermis {value}" for value in range(1, 6)}
    rows = [
        replace(each, evaluation=results.Evaluation(dict.fromkeys(labels, 0.5), 0.4321, {}))
        for each in (row("U-Net 32", 5_603_177, 170, 2.5, 0.6), row("flat 8", 29_841, 1_000, 2.5, 0.7))
    ]
    text = printed(rows, labels)
    assert text.count("0.432") == 2 and "0.500" not in text and "…" not in text and "in result.json" in text
    assert max(map(len, text.splitlines())) <= 80
    wide = printed(rows, labels, width=300)
    assert wide.count("0.500") == 10 and all(name in wide for name in labels.values()) and "result.json" not in wide


def test_every_word_to_fill_in_is_explained():
    text = table.next_steps("LUnetTrainer_w16", "3d_fullres")
    typed = [line for line in text.splitlines() if line.startswith("nnUNetv2_")]
    assert len(typed) == 3
    explained = {word for line in text.splitlines() if ": " in line for word in line.partition(":")[0].split(", ")}
    assert set(re.findall(r"\b[A-Z]{2,}\b|\b0\b", " ".join(typed))) == explained
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.slow
def test_from_a_task_to_a_table_and_a_picture(tmp_path):
    """The whole pipeline by stock commands in processes of their own, on a user's own task, as short as can be."""
    task = tmp_path / "my data" / "Task07_Own"
    synthetic.write_msd(task, n_cases=10, seed=3)
    output = tmp_path / "out"
    with (tmp_path / "console.txt").open("w") as file:
        run.run(output, task, "cpu", Console(file=file, width=80), minutes=0.05)
    content = json.loads((output / "result.json").read_text())
    rows = content["networks"]
    assert [found["network"] for found in rows] == ["U-Net 32", "flat 8"]
    stages = json.loads(
        (output / "nnUNet_preprocessed" / "Dataset007_Own" / "nnUNetPlans.json").read_text()
    )["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]["n_stages"]  # fmt: skip
    folds = output / "nnUNet_results" / "Dataset007_Own"
    for found, (width, profile) in zip(rows, ((32, "doubling"), (8, "flat")), strict=True):
        network = make_network(width, profile=profile, n_stages=stages)
        assert found["parameters"] == sum(parameter.numel() for parameter in network.parameters())
        assert set(found["dice"]) == {"front", "back"} and found["seconds_per_iteration"] > 0
        # nnU-Net's own log says the same of the training.
        log = next((folds / f"{found['trainer']}__nnUNetPlans__3d_fullres" / "fold_0").glob("training_log_*"))
        epochs = [float(seconds) for seconds in re.findall(r"Epoch time: ([0-9.]+) s", log.read_text())]
        assert found["steps"] == len(epochs) * known(names.parse(found["trainer"]).iters)
        assert found["minutes"] == pytest.approx(sum(epochs) / 60, abs=0.01 * len(epochs) / 60)
    # The calibrations are gone: what is in the folder of results is what the table is about.
    assert len(list(folds.iterdir())) == 2 and not (output / "calibration").exists()
    console = (tmp_path / "console.txt").read_text()
    assert all(f"{found['parameters']:,}" in console for found in rows) and "2 unseen cases" in console
    assert content["verdict"] in " ".join(console.split()) and "nnUNetv2_train NUMBER" in console
    assert str(output / "result.png") in console and str(output / "demo.log") in console
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
        run.run(tmp_path, None, "cpu", Console())
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
        run.run(tmp_path / "out", task, "cpu", Console())
    assert earlier.exists()
