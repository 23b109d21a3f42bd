"""``lunet doctor``: is this machine ready, and if not, what to do about it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nnunet_lunet.registration import startup

_FOLDERS = {
    "nnUNet_raw": "raw data sets",
    "nnUNet_preprocessed": "plans and preprocessed data",
    "nnUNet_results": "trained models",
}

_IS_LISTED = "import os, sys; sys.exit(sys.argv[2] not in os.environ.get(sys.argv[1], '').split(os.pathsep))"

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
    findings = [_nnunet(), *_registration(), *(_folder(name, use) for name, use in _FOLDERS.items())]
    table = Table(show_lines=False)
    for heading in ("", "check", "found"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        state = "[red]no[/red]" if finding.remedy else "[green]ok[/green]"
        table.add_row(state, finding.what, Text(finding.found))
    console.print(table)
    for finding in findings:
        if finding.remedy:
            console.print(Text(f"{finding.what}: {finding.remedy}"), soft_wrap=True)
    return not any(finding.remedy for finding in findings)


def export_line() -> str:
    """The shell line that does by hand what the start-up line does."""
    own = f"${{{startup.VARIABLE}:+${{{startup.VARIABLE}}}{os.pathsep}}}"
    return f'export {startup.VARIABLE}="{own}"{shlex.quote(startup.TRAINER_FOLDER)}'


def _registration() -> list[Finding]:
    """What a fresh Python sees, asked of a fresh Python: this one may have been set up by hand."""
    asked = subprocess.run(
        [sys.executable, "-c", _IS_LISTED, startup.VARIABLE, startup.TRAINER_FOLDER],
        env={name: value for name, value in os.environ.items() if name != startup.VARIABLE},
        capture_output=True, check=False,
    )  # fmt: skip
    by_hook = asked.returncode == 0
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
    asked = subprocess.run(
        [sys.executable, "-c", _LOOK_UP], capture_output=True, text=True, errors="replace", check=False
    )
    if asked.returncode != 0:
        last = (asked.stderr.strip().splitlines() or ["no message"])[-1]
        remedy = "mend the first 'no' above; if there is none, reinstall torch and torchvision as a matching pair"
        return [Finding("nnU-Net finds LUnetTrainer", last[:300], remedy)]
    answer = json.loads(asked.stdout.splitlines()[-1])
    ours = answer["module"].startswith("nnunet_lunet.")
    remedy = "" if ours else "another LUnetTrainer comes first in nnUNet_extTrainer: rename it or remove its folder"
    return [
        Finding("nnU-Net finds LUnetTrainer", f"in {answer['module']}", remedy),
        Finding("torch", f"{answer['torch']}, device {answer['device']}"),
    ]


def _nnunet() -> Finding:
    remedy = "pip install 'nnunetv2>=2.8,<3'"
    try:
        version = metadata.version("nnunetv2")
    except metadata.PackageNotFoundError:
        return Finding("nnU-Net", "not installed", remedy)
    release = re.match(r"(\d+)\.(\d+)", version)
    fits = release is not None and (2, 8) <= (int(release[1]), int(release[2])) < (3, 0)
    return Finding("nnU-Net", version, "" if fits else remedy)


def _folder(name: str, use: str) -> Finding:
    folder = os.environ.get(name)
    if not folder:
        return Finding(name, "not set", f"export {name}=/path/to/a/folder  (nnU-Net keeps {use} there)")
    try:
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except FileNotFoundError:
        return Finding(name, f"{folder} does not exist", f"mkdir -p {shlex.quote(folder)}")
    except OSError as error:
        return Finding(name, f"{folder}: {error.strerror}", f"set {name} to a folder that you can write to")
    return Finding(name, f"{folder} ({free / 1e9:.0f} GB free)")
