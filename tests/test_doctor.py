import importlib.metadata
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from nnunet_lunet import doctor
from nnunet_lunet.registration import startup

FOLDERS = ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")
LOOK_UP = """
import os
from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name as find
print(find("LUnetTrainer").__module__)
print(os.environ["nnUNet_extTrainer"])
"""


@pytest.fixture
def ready(tmp_path, monkeypatch):
    """Folders set, and nothing about the trainers."""
    for name in FOLDERS:
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in (startup.VARIABLE, startup.SWITCH):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def lunet_doctor(**variables):
    done = subprocess.run(
        [Path(sys.executable).with_name("lunet"), "doctor"],
        env={**os.environ, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done


def in_shell(line, **variables):
    done = subprocess.run(
        ["sh", "-c", line], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    return done.stdout


def own_folder(root, source):
    (root / "own trainers").mkdir()
    (root / "own trainers" / "mine.py").write_text(source)
    return str(root / "own trainers")


def test_all_is_well(ready):
    done = lunet_doctor()
    assert done.returncode == 0, done.stdout
    assert "│ no │" not in done.stdout
    assert "start-up line" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("└")


def test_a_path_that_cannot_be_printed_is_no_reason_to_stop(ready):
    done = lunet_doctor(nnUNet_raw="/ü [/b]", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert r"nnUNet_raw: mkdir -p '/\xfc [/b]'" in done.stdout


@pytest.fixture
def export_line(ready):
    done = lunet_doctor(**{startup.SWITCH: "0"})
    assert done.returncode == 1
    assert f"switched off by {startup.SWITCH}" in done.stdout
    line = re.search("export nnUNet_extTrainer=.*", done.stdout)
    assert line
    return line[0]


def test_the_line_it_prints_makes_nnunet_find_the_trainers(ready, export_line):
    own = own_folder(ready, "class Mine: pass")
    for value, entries in [("", [startup.TRAINER_FOLDER]), (own, [own, startup.TRAINER_FOLDER])]:
        variables = {startup.SWITCH: "0", startup.VARIABLE: value, "PYTHON": sys.executable, "LOOK_UP": LOOK_UP}
        *_, module, path_list = in_shell(f'{export_line}; "$PYTHON" -c "$LOOK_UP"', **variables).splitlines()
        assert module == "nnunet_lunet.trainers.lunet"
        assert path_list.split(os.pathsep) == entries


def test_a_trainer_of_the_user_that_hides_ours_is_reported(ready):
    trainer = "from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer\n"
    own = own_folder(ready, trainer + "class LUnetTrainer(nnUNetTrainer): pass\n")
    done = lunet_doctor(**{startup.VARIABLE: own})
    assert done.returncode == 1
    assert "in mine" in done.stdout
    assert "another LUnetTrainer comes first" in done.stdout


@pytest.mark.parametrize("folder", ["/plain", "/with a space", "/$HOME `id` \"'\\ :+1: [b]"])
@pytest.mark.parametrize("value", [None, "", "/a b:/c"])
def test_the_line_survives_the_shell(monkeypatch, folder, value):
    monkeypatch.setattr(startup, "TRAINER_FOLDER", folder)
    monkeypatch.delenv(startup.VARIABLE, raising=False)
    variables = {} if value is None else {startup.VARIABLE: value}
    printed = in_shell(f'{doctor.export_line()}; printf %s "$nnUNet_extTrainer"', **variables)
    assert printed == (f"{value}:{folder}" if value else folder)


@pytest.fixture
def report(ready, monkeypatch):
    """The report, with a fresh Python that answers at once that all is well."""
    answer = json.dumps({"module": "nnunet_lunet.trainers.lunet", "torch": "2.8", "device": "cpu"})
    python = ready / "python"
    python.write_text(f"#!/bin/sh\necho '{answer}'\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))

    def run():
        printed = io.StringIO()
        return doctor.run(Console(file=printed, width=200)), printed.getvalue()

    return run


def test_folders_that_can_be_written_are_fine(report):
    assert report()[0] is True


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize(
    ("folder", "remedy"),
    [
        (None, "export {name}=/path/to/a/folder"),
        ("", "export {name}=/path/to/a/folder"),
        ("not there [/b]", "mkdir -p '{folder}'"),
        ("file/below", "set {name} to a folder that you can write to"),
        ("x" * 300, "set {name} to a folder that you can write to"),
    ],
    ids=["unset", "empty", "missing", "below a file", "absurdly long"],
)
def test_a_folder_that_cannot_be_used_has_its_remedy(report, ready, monkeypatch, name, folder, remedy):
    (ready / "file").touch()
    if folder is None:
        monkeypatch.delenv(name)
    else:
        folder = folder and str(ready / folder)
        monkeypatch.setenv(name, folder)
    well, printed = report()
    assert not well
    assert f"{name}: {remedy.format(name=name, folder=folder)}" in printed
    assert printed.count("│ no │") == 1


def test_a_folder_that_cannot_be_written_has_its_remedy(report, monkeypatch):
    if not Path("/sys").is_dir():
        pytest.skip("needs a folder that nobody can write to, root included")
    monkeypatch.setenv("nnUNet_results", "/sys")
    well, printed = report()
    assert not well
    assert "nnUNet_results: set nnUNet_results to a folder that you can write to" in printed


@pytest.mark.parametrize(
    ("version", "fits"),
    [("2.8.1", True), ("2.10", True), ("2.8.0.dev1", True), ("2.9rc1", True), ("2.8+local", True),
     ("2.7.9", False), ("3.0.0", False), ("3", False), ("unknown", False)],
)  # fmt: skip
def test_versions_of_nnunet(report, monkeypatch, version, fits):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    well, printed = report()
    assert well is fits
    assert version in printed


def test_without_nnunet_it_says_what_our_package_asks_for(report, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    setup = (Path(__file__).parents[1] / "setup.py").read_text()
    requirement = re.search('"(nnunetv2[^"]*)"', setup)
    assert requirement
    monkeypatch.setattr(importlib.metadata, "version", missing)
    well, printed = report()
    assert not well
    assert f"nnU-Net: pip install '{requirement[1]}'" in printed
