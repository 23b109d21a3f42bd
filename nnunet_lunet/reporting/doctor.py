"""``lunet doctor``: is this machine ready, and if not, what to do about it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from rich.console import Console
from rich.table import Table

from nnunet_lunet.registration import startup

_FOLDERS = {
    "nnUNet_raw": "raw data sets",
    "nnUNet_preprocessed": "plans and preprocessed data",
    "nnUNet_results": "trained models",
}

_LOOK_UP = """
import contextlib, io, json, sys
with contextlib.redirect_stdout(io.StringIO()):
    import torch
    from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name as find
    found = find("LUnetTrainer")
mps = torch.backends.mps.is_available()
device = torch.cuda.get_device_name() if torch.cuda.is_available() else "mps" if mps else "cpu"
json.dump({"module": found.__module__, "torch": torch.__version__, "device": device}, sys.stdout)
"""


@dataclass(frozen=True)
class Finding:
    """One line of the report; ``remedy`` is empty where all is well."""

    what: str
    found: str
    remedy: str = ""


def run(console: Console) -> bool:
    """Print the report; True if nothing needs mending."""
    findings = [*_registration(), _nnunet(), *(_folder(name, use) for name, use in _FOLDERS.items())]
    table = Table(show_lines=False)
    for heading in ("", "check", "found"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        state = "[red]no[/red]" if finding.remedy else "[green]ok[/green]"
        table.add_row(state, finding.what, finding.found)
    console.print(table)
    for finding in findings:
        if finding.remedy:
            console.print(f"{finding.what}: {finding.remedy}", soft_wrap=True, highlight=False, markup=False)
    return not any(finding.remedy for finding in findings)


def export_line() -> str:
    """The shell line that does by hand what the start-up line does."""
    rest = f"${{{startup.VARIABLE}:+{os.pathsep}${startup.VARIABLE}}}"
    return f'export {startup.VARIABLE}="{startup.TRAINER_FOLDER}{rest}"'


def _registration() -> list[Finding]:
    """What a fresh Python sees, asked of a fresh Python: this one may have been set up by hand."""
    asked = subprocess.run(
        [sys.executable, "-c", f"import os; print(os.environ.get({startup.VARIABLE!r}, ''))"],
        env={name: value for name, value in os.environ.items() if name != startup.VARIABLE},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    by_hook = startup.TRAINER_FOLDER in asked.stdout.strip().split(os.pathsep)
    by_hand = startup.TRAINER_FOLDER in os.environ.get(startup.VARIABLE, "").split(os.pathsep)
    if by_hook:
        how = Finding("registration", "the start-up line sets nnUNet_extTrainer")
    elif by_hand:
        how = Finding("registration", "nnUNet_extTrainer is set by hand")
    elif os.pathsep in startup.TRAINER_FOLDER:
        remedy = f"install into a path without {os.pathsep!r}: nnUNet_extTrainer is a list separated by it"
        how = Finding("registration", f"not possible from {startup.TRAINER_FOLDER}", remedy)
    else:
        why = f"switched off by {startup.SWITCH}" if startup.is_switched_off() else "the start-up line did not run"
        how = Finding("registration", why, f"put this into your shell's profile: {export_line()}")
    return [how, *_look_up()]


def _look_up() -> list[Finding]:
    asked = subprocess.run([sys.executable, "-c", _LOOK_UP], capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        last = (asked.stderr.strip().splitlines() or ["no message"])[-1]
        remedy = "mend the first 'no' above; if there is none, reinstall torch and torchvision as a matching pair"
        return [Finding("nnU-Net finds LUnetTrainer", last[:300], remedy)]
    answer = json.loads(asked.stdout)
    ours = answer["module"].startswith("nnunet_lunet.")
    remedy = "" if ours else "another LUnetTrainer comes first in nnUNet_extTrainer: rename it or remove its folder"
    return [
        Finding("nnU-Net finds LUnetTrainer", f"in {answer['module']}", remedy),
        Finding("torch", f"{answer['torch']}, device {answer['device']}"),
    ]


def _nnunet() -> Finding:
    version = metadata.version("nnunetv2")
    major, minor = (int(part) for part in version.split(".")[:2])
    remedy = "" if (2, 8) <= (major, minor) < (3, 0) else "pip install 'nnunetv2>=2.8,<3'"
    return Finding("nnU-Net", version, remedy)


def _folder(name: str, use: str) -> Finding:
    value = os.environ.get(name)
    if value is None:
        return Finding(name, "not set", f"export {name}=/path/to/a/folder  (nnU-Net keeps {use} there)")
    folder = Path(value)
    if not folder.is_dir():
        return Finding(name, f"{value} is no folder", f"mkdir -p {value}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding(name, f"{value}: {error.strerror}", f"make it writable, or set {name} to a folder that is")
    return Finding(name, f"{value} ({shutil.disk_usage(folder).free / 1e9:.0f} GB free)")
