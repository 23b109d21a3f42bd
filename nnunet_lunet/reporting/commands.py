"""Runs nnU-Net's stock commands, with progress from what they print."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from nnunet_lunet.errors import UserError

#: For glibc: keep freed memory. Returned and asked for again at every layer, it slows training on a CPU by a third
#: (stock width) to a half (narrow networks); see docs/results/step_time.md. Without effect elsewhere.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "17179869184"}


def run_stock(
    arguments: list[str], folders: Mapping[str, Path], log: Path, on_line: Callable[[str], None] = lambda line: None
) -> None:
    """Run one command of nnU-Net's installation with everything it prints in ``log``.

    :param arguments: e.g. ``["nnUNetv2_train", "4", "3d_fullres", "0"]``
    :param folders: ``nnUNet_raw``, ``nnUNet_preprocessed``, ``nnUNet_results`` for this command
    :param on_line: called with each line as it is printed
    :raises UserError: the command is not installed beside this Python, or it failed (its last line is quoted)
    """
    program = Path(sys.executable).with_name(arguments[0])
    if not program.exists():
        raise UserError(f"{arguments[0]} is not installed beside {sys.executable}: pip install nnunetv2")
    own = {name: str(folder) for name, folder in folders.items()}
    environment = {**KEEP_MEMORY, **os.environ, **own, "PYTHONUNBUFFERED": "1"}
    last = ""
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ {' '.join(arguments)}\n")
        with subprocess.Popen(
            [str(program), *arguments[1:]],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                file.write(line)
                file.flush()
                last = line.strip() or last
                on_line(line)
    if process.returncode != 0:
        raise UserError(f"{' '.join(arguments)} failed ({last}); all it printed is in {log}")
