"""Pages that change the project, step by step: their changes in a copy of it, and the commands that they end with."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: What a copy is made of.
_PARTS = ("nnunet_lunet", "plans", "tests", "pyproject.toml", "setup.py", "README.md", "CHANGELOG.md")


def copy_of_project(target):
    """Without what tests and builds leave behind."""
    for part in _PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / part, target / part)


def write_new(file, text):
    assert not file.exists(), f"{file.name} is there already"
    file.write_text(text, encoding="utf-8")


def change(file, diff):
    """Lines that begin with ``+`` are added and those with ``-`` go, where the others are found, once."""
    lines = diff.splitlines()
    assert {line[:1] for line in lines} <= {"+", "-", " ", ""}, "a line begins with '+', '-' or a space"
    before, after = ("".join(f"{line[1:]}\n" for line in lines if not line.startswith(sign)) for sign in ("+", "-"))
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"these lines are {text.count(before)} times in {file.name}:\n{before}"
    file.write_text(text.replace(before, after), encoding="utf-8")


def run(line, folder):
    """One command line in the copy, which Python finds before the installed package."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(folder), "PATH": programs}
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
