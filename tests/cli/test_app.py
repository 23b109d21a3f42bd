import subprocess
import sys
import time
from pathlib import Path

import pytest

from nnunet_lunet.cli.app import COMMANDS

LUNET = Path(sys.executable).with_name("lunet")
HEAVY = {"torch", "nnunetv2", "numpy", "matplotlib"}


@pytest.fixture
def lunet(tmp_path, monkeypatch):
    """Run ``lunet`` in an empty folder."""

    def run(*arguments, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return subprocess.run([LUNET, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_help_answers_in_less_than_half_a_second(lunet):
    def seconds():
        start = time.perf_counter()
        assert lunet("--help").returncode == 0
        return time.perf_counter() - start

    assert min(seconds() for _ in range(3)) < 0.5


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        *((command, "--help") for command in COMMANDS),
        ("demo", "--device", "banana"),
        ("info", "banana"),
        ("plan", "--list"),
        ("plan", "--preset", "LUnet16"),
        ("study", "widths", "--device", "banana"),
        ("profile", "-tr", "LUnetTrainer"),
        ("download", "banana"),
        ("export", "-d", "4", "--to-stock", "out", "--zip", "model.tar"),
    ],
    ids=" ".join,
)
def test_help_and_mistakes_load_nothing_heavy(lunet, arguments):
    report = lunet(*arguments, PYTHONPROFILEIMPORTTIME="1").stderr
    imported = {line.split("|")[-1].strip() for line in report.splitlines() if line.startswith("import time:")}
    assert "nnunet_lunet.cli.app" in imported
    assert HEAVY.isdisjoint(imported)


def test_a_wrong_device_is_told_in_one_line(lunet, tmp_path):
    done = lunet("demo", "--device", "banana")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "--device banana" in done.stderr
    assert not list(tmp_path.iterdir())


def test_contradictory_options_are_told_in_one_line(lunet):
    done = lunet("plan", "-d", "4", "--preset", "LUnet16", "--planner", "LUnetPlanner")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1 and "--preset and --planner" in done.stderr


def test_an_unknown_command_is_refused(lunet):
    done = lunet("banana")
    assert done.returncode != 0
    assert "banana" in done.stderr
    assert "Traceback" not in done.stderr
