"""A shell to run pages of the documentation in: nnU-Net's folders with a data set 4, commands that start at once."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import doc_commands
import doc_pages

from nnunet_lunet.host import commands
from nnunet_lunet.trainers import names

#: The only programs of the system that a page may run.
TOOLS = ("mkdir", "ls", "cp", "mv", "cat", "head", "rm")
#: Programs that a block which is only checked may name.
MENTIONED = ("pip", "make", "sbatch", "git")
_NAME = re.compile(
    r"(?<![a-zA-Z0-9])(?:LUnetTrainer|UNetTrainer|LUnetPruningTrainer)(?:_[a-zA-Z0-9]+)*(?![a-zA-Z0-9<…])"
)

SETUPS = {
    "a trained flat U-Net": ((), "nnUNetv2_train 4 3d_fullres 0 -tr LUnetTrainer_w16"),
    "a trained U-Net": ((), "nnUNetv2_train 4 3d_fullres 0 -tr UNetTrainer_w4"),
    "a pruned fold": ((), "nnUNetv2_train 4 3d_fullres 0 -tr LUnetPruningTrainer_w4_keep50_100epochs"),
    # So short a training passes no size at which one is kept.
    "a kept checkpoint": (
        ("a pruned fold",),
        """
        cd "$nnUNet_results/Dataset004_Hippocampus"
        cd LUnetPruningTrainer_w4_keep50_100epochs__nnUNetPlans__3d_fullres/fold_0
        cp checkpoint_final.pth checkpoint_keep75.pth
        """,
    ),
    # Of nnU-Net's own trainer there is none that trains so short.
    "three models": (
        ("a trained flat U-Net", "a trained U-Net"),
        """
        lunet plan -d 4 --preset LUnet8
        nnUNetv2_train 4 3d_fullres 0 -tr UNetTrainer -p LUnet8Plans
        cd "$nnUNet_results/Dataset004_Hippocampus"
        mv UNetTrainer_w4__nnUNetPlans__3d_fullres nnUNetTrainer__nnUNetPlans__3d_fullres
        mv UNetTrainer__LUnet8Plans__3d_fullres nnUNetTrainer__LUnet8Plans__3d_fullres
        """,
    ),
    "two data sets": (
        ("three models",),
        """
        for folder in "$nnUNet_preprocessed" "$nnUNet_results"; do
          cp -r "$folder/Dataset004_Hippocampus" "$folder/Dataset124_Other"
        done
        """,
    ),
    "patients of the cases": (
        (),
        """
        echo case,group > patients.csv
        for file in "$nnUNet_preprocessed"/Dataset004_Hippocampus/gt_segmentations/*.nii.gz; do
          case="${file##*/}"
          case="${case%.nii.gz}"
          echo "$case,patient ${case: -1}" >> patients.csv
        done
        """,
    ),
    "folders of predictions": (
        ("a trained flat U-Net", "a trained U-Net"),
        """
        mkdir predictions
        cp -r "$nnUNet_results"/*/LUnetTrainer_w16*/fold_0/validation predictions/A
        cp -r "$nnUNet_results"/*/UNetTrainer_w4*/fold_0/validation predictions/B
        cp -r "$nnUNet_preprocessed"/Dataset004_Hippocampus/gt_segmentations labels
        """,
    ),
}
"""What a page needs that its reader has: what must be there first, and how the test makes it."""


def shortened(text):
    """All trainings of this package get one epoch of one iteration; pruning needs two."""

    def short(name):
        options = names.parse(name[0])
        epochs = 2 if options.family == "LUnetPruningTrainer" else 1
        words = [word for word in name[0].split("_") if not re.fullmatch(r"\d+(epochs|iters)", word)]
        return "_".join([*words, f"{epochs}epochs", "1iters"])

    return _NAME.sub(short, text)


@dataclass
class Shell:
    """Runs pages in folders of their own.

    :param folder: for programs, what setups make, and what blocks print
    :param base: nnU-Net's folders with a planned data set 4; copied, never changed
    """

    folder: Path
    base: Path

    def sandbox(self, target, setups=()):
        """Make a working folder in which the setups have been run; returns it."""
        shutil.copytree(self.base, target)
        for setup in setups:
            shutil.copytree(self._set_up(setup), target, dirs_exist_ok=True)
        return target

    def _set_up(self, setup):
        """A working folder in which one setup has been run; made once."""
        made = self.folder / "setups" / setup
        if not made.exists():
            before, text = SETUPS[setup]
            self._bash(f"set -euo pipefail\n{shortened(text)}", self.sandbox(made, before))
        return made

    def run(self, page, sandbox, *met):
        """Run the blocks of a page in order; those that need more than is met are checked.

        :returns: by block what it printed
        :raises AssertionError: one ended with another status than 0; names it, and says what it printed
        """
        found = doc_pages.blocks(page)
        outputs = {block: sandbox.with_name(f"{sandbox.name}-{block.line}.txt") for block in found}
        script = ["set -euo pipefail", *(_lines(block, outputs[block], self.folder, met) for block in found)]
        said = self._bash("\n".join(script), sandbox, check=False)
        printed = {block: output.read_text(errors="replace") for block, output in outputs.items() if output.exists()}
        if said is not None:
            last = max(printed, key=lambda block: block.line)
            raise AssertionError(f"{last.place} {said}:\n{printed[last][-3000:]}")
        return printed

    def _bash(self, script, sandbox, check=True):
        """What was wrong, in words; None if all went well."""
        kept = {name: os.environ[name] for name in ("LANG", "nnUNet_extTrainer") if name in os.environ}
        folders = {name: str(sandbox / name) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
        environment = {
            **kept, **folders, "PATH": str(self.folder / "run"), "HOME": str(sandbox), "nnUNet_def_n_proc": "1",
            "nnUNet_compile": "f", "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "agg",
        }  # fmt: skip
        done = subprocess.run(
            ["/bin/bash", "--noprofile", "--norc", "-s"], input=script, cwd=sandbox, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False, timeout=3600,
        )  # fmt: skip
        assert done.returncode == 0 or not check, done.stdout[-3000:]
        return f"ended with status {done.returncode} {done.stdout[-1000:]}".strip() if done.returncode else None


def _lines(block, output, folder, met):
    """A block as lines of the page's script; all it prints goes to ``output``."""
    kind = doc_pages.kind(block)
    if kind == "check" and not block.needs(*met):
        kind = "run"
    text = block.text
    if block.language == "python":
        file = output.with_suffix(".py")
        file.write_text(text, encoding="utf-8")
        text = f"python {file}"
    start = f"exec > {output} 2>&1\n"
    if kind == "run":
        return start + (shortened(text) if block.language == "bash" else text)
    if kind == "check":
        # Neither folders nor files that it names are there, and its variables are of another machine.
        text = re.sub(r"(?<=\s)>\s*\S+", "> /dev/null", text.replace("<trainer>", "LUnetTrainer"))
        own = f"export PATH={folder / 'check'} {doc_commands.CHECK}=1; cd() {{ :; }}; source() {{ :; }}"
        return f"{start}(\n{own}\n{text}\n)"
    if kind == "write":
        # A study gives its length to all of its trainers.
        text = re.sub(r"^(epochs|iters): \d+", r"\1: 1", text, flags=re.MULTILINE)
        return f"cat > {block.named(doc_pages.FILE)} <<'END-OF-FILE'\n{text}END-OF-FILE"
    return ""


@contextmanager
def shell(folder, base):
    """A :class:`Shell`, and the process that runs its commands.

    :param folder: empty, of a short path (it will hold a socket)
    """
    address = folder / "socket"
    client = doc_commands.CLIENT.format(python=sys.executable, socket=str(address))
    stock = [name for name in doc_commands.SCRIPTS if name.startswith("nnUNetv2_")]
    for path, programs in (
        (folder / "run", ("lunet", "python", *stock)),
        (folder / "check", ("lunet", "python", *stock, *TOOLS, *MENTIONED)),
    ):
        path.mkdir()
        for name in programs:
            (path / name).write_text(client)
            (path / name).chmod(0o700)
    for name in TOOLS:
        (folder / "run" / name).symlink_to(shutil.which(name))
    environment = {**os.environ, **commands.KEEP_MEMORY, "OMP_WAIT_POLICY": "passive"}
    with (
        (folder / "server.txt").open("wb") as log,
        subprocess.Popen(
            [sys.executable, doc_commands.__file__, address], env=environment, stdout=log, stderr=log,
            start_new_session=True,
        ) as server,
    ):  # fmt: skip
        try:
            while not address.exists():
                assert server.poll() is None, (folder / "server.txt").read_text()
                time.sleep(0.05)
            yield Shell(folder, base)
        finally:
            os.killpg(server.pid, signal.SIGKILL)
