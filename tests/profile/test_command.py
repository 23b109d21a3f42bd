"""``lunet profile`` as a user types it."""

import csv
import io
import json
import sys

import pytest
import torch
from rich.console import Console

from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.cli import app
from nnunet_lunet.errors import UserError
from nnunet_lunet.profile import files, measure, record, request, table


@pytest.fixture
def lunet_profile(monkeypatch):
    """The command in this process; returns what ended it."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["lunet", "profile", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            app.main()
        return end.value

    return run


def network(name, **more):
    own = {
        "dataset": "Dataset001_A", "plans": "nnUNetPlans", "configuration": "2d", "trainer": name, "checkpoint": None,
        "network_class": "LeanUNet", "patch_size": [8, 16], "batch_size": 2, "weights_bytes": 5_000_000,
        "cost": NetworkCost(1_234_567, 2_000_000_000, 4_000_000, [4, 8]), "checkpoint_bytes": None,
    }  # fmt: skip
    return record.NetworkProfile(name=name, **{**own, **more})


@pytest.fixture
def measured():
    first = network(
        "UNetTrainer", seconds_per_training_step=measure.distribution([1.0, 2.0, 3.0]),
        seconds_per_inference_patch=measure.distribution([0.5, 0.5, 0.5]), peak_training_bytes=3_000_000_000,
        peak_inference_bytes=1_000_000_000, process_bytes=400_000_000,
    )  # fmt: skip
    second = network(
        "LUnetTrainer, \"8\"", cost=NetworkCost(617_283, 2_000_000_000, 4_000_000, [4, 8]), patch_size=[8, 32],
        seconds_per_training_step=measure.distribution([0.5, 1.0, 1.5]),
    )  # fmt: skip
    return record.Profile([first, second, network("large", note="out of memory")], 3, 2, measure.machine())


def shown(profile):
    printed = io.StringIO()
    Console(width=100, file=printed).print(*table.tables(profile), sep="\n")
    return " ".join(printed.getvalue().split())


def test_the_counts_of_a_network_and_of_a_preset_in_table_and_files(planned, lunet_profile, tmp_path, capsys):
    out, rows = tmp_path / "with space.json", tmp_path / "out.csv"
    end = lunet_profile(
        "-d", 903, "-c", "2d", "-c", "3d_fullres", "-tr", "LUnetTrainer", "-tr", "nnUNetTrainer", "--preset", "LUnet16",
        "--no-time", "--json", out, "--csv", rows,
    )  # fmt: skip
    assert end.code == 0
    found = json.loads(out.read_text())
    names = [each["name"] for each in found["networks"]]
    assert names == [
        "LUnetTrainer, 2d", "nnUNetTrainer, 2d", "LUnetTrainer, 3d_fullres", "nnUNetTrainer, 3d_fullres",
        "LUnet16, 2d", "LUnet16, 3d_fullres",
    ]  # fmt: skip
    # What lunet plan --list says of it, and the README of the flat network.
    assert [each["cost"]["parameters"] for each in found["networks"]][2:] == [469_545, 5_602_784 + 393, 40_953, 118_041]
    assert found["networks"][5]["ratio_to_first"]["parameters"] == 118_041 / found["networks"][0]["cost"]["parameters"]
    assert found["networks"][5]["seconds_per_training_step"] is None and found["rounds"] == 0
    assert found["machine"]["torch"] == torch.__version__ and found["command"][:2] == ["lunet", "profile"]
    with rows.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["name"] for line in lines] == names
    assert [int(line["parameters"]) for line in lines] == [each["cost"]["parameters"] for each in found["networks"]]
    printed, progress = capsys.readouterr()
    assert "118,041" in printed and "measured" not in printed and "6/6" in progress

    before = out.read_bytes()
    for option, file in (("--json", out), ("--csv", rows)):
        end = lunet_profile("-d", 903, "-c", "2d", "--no-time", option, file)
        assert isinstance(end, UserError) and "exists: choose another name" in str(end)
    assert out.read_bytes() == before
    assert lunet_profile("-d", 903, "-c", "2d", "--no-time", "--json", out, "--overwrite").code == 0
    assert [each["name"] for each in json.loads(out.read_text())["networks"]] == ["nnUNetTrainer"]


def test_the_table_shows_times_with_quartiles_and_ratios(measured):
    text = shown(measured)
    for expected in (
        "1,234,567", "617,283", "0.5×", "2 G", "4 MB", "1.5–2.5", "0.75–1.25", "3 GB", "out of memory",
        "patch 8×32, batch 2", 'LUnetTrainer, "8"', "above the 400 MB", "of 3 rounds in turn",
    ):  # fmt: skip
        assert expected in text, expected
    alike = shown(record.Profile(measured.networks[:1], 3, 2, measured.machine))
    assert "measured on cpu: patch 8×16, batch 2" in alike
    assert "measured" not in shown(record.Profile([network("UNetTrainer")], 0, 0, measured.machine))


def test_files_hold_all_rounds_and_the_ratios(measured):
    content = json.loads(files.as_json(measured, ["lunet", "profile"]))
    first, second, third = content["networks"]
    assert first["seconds_per_training_step"]["values"] == [1, 2, 3]
    assert second["ratio_to_first"] == {
        "parameters": 617_283 / 1_234_567, "multiply_adds": 1, "activation_bytes": 1, "weights_bytes": 1,
        "seconds_per_training_step": 0.5, "seconds_per_inference_patch": None, "peak_training_bytes": None,
        "peak_inference_bytes": None,
    }  # fmt: skip
    assert third["note"] == "out of memory" and third["seconds_per_training_step"] is None
    first, second, third = csv.DictReader(files.as_csv(measured).splitlines())
    assert second["name"] == 'LUnetTrainer, "8"'
    assert (first["seconds_per_training_step"], first["seconds_per_training_step_low_quartile"]) == ("2.0", "1.5")
    assert (second["seconds_per_training_step_ratio"], second["peak_training_bytes"]) == ("0.5", "")
    assert (second["patch_size"], third["seconds_per_training_step"]) == ("8 32", "")


def test_a_network_that_could_not_be_measured_ends_with_its_name(measured):
    request.check_all_measured({each.name: each.note for each in measured.networks[:2]})
    with pytest.raises(UserError, match="large: out of memory; give a smaller --batch-size"):
        request.check_all_measured({each.name: each.note for each in measured.networks})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "nothing to profile: give -d with"),
        (("-tr", "LUnetTrainer"), "-tr: name the data set with -d"),
        (("--preset", "LUnet16"), "--preset: name the data set with -d"),
        (("--checkpoint", "a.pth", "-c", "2d"), "-c: a checkpoint has its own"),
        (("-d", "4", "--rounds", "0"), "--rounds 0: give a number above 0"),
        (("-d", "4", "--batch-size", "-1"), "--batch-size -1: give"),
        (("-d", "4", "--threads", "0"), "--threads 0: give"),
        (("-d", "4", "--device", "gpu"), "--device gpu: use auto, cpu, cuda or mps"),
        (("-d", "4", "--json", "absent/out.json"), "name a file in a folder that exists"),
        (("-d", "4", "--json", "."), "name a file in a folder that exists"),
        (("-d", "4", "--json", "out", "--csv", "out"), "--json and --csv name the same file"),
        (("--checkpoint", "absent.pth"), "--checkpoint absent.pth is not there"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(lunet_profile, tmp_path, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(tmp_path)
    error = lunet_profile(*arguments)
    assert isinstance(error, UserError) and says in str(error) and "\n" not in str(error)
    assert capsys.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_one_line(planned, lunet_profile, tmp_path):
    error = lunet_profile("-d", 903, "--device", "cuda", "--json", tmp_path / "out.json")
    assert "--device cuda: torch" in str(error) and not (tmp_path / "out.json").exists()


def test_a_file_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="cannot be written: No such file"):
        files.write(tmp_path / "gone" / "out.json", "{}")
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)
    with pytest.raises(UserError, match="its folder cannot be written to"):
        files.check({"--json": tmp_path / "out.json", "--csv": None}, overwrite=False)
