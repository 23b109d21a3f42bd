"""This project's sources, and programs as somebody runs them who set nothing up."""

import os
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
STARTUP_LINE = "nnunet_lunet_startup.pth"
SOURCES = [
    "setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md",
    "LICENSE", STARTUP_LINE, "nnunet_lunet", "plans",
]  # fmt: skip


def run(*command, cwd, check=True, **variables):
    """Run as somebody who set no variable that matters here, in a folder from which nothing of ours is imported."""
    ours = ("nnUNet_", "NNUNET_", "PYTHON", "PIP_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | variables
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or not check, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def copy_of_sources(folder):
    folder.mkdir()
    for path in (REPOSITORY / name for name in SOURCES):
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, folder)
    return folder
