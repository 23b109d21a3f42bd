"""Runs nnU-Net's stock commands, with progress from what they print."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import guard

#: For glibc: keep freed memory. Returned and asked for again at every layer, it slows training on a CPU by a third
#: (stock width) to a half (narrow networks); see docs/results/step_time.md. Without effect elsewhere.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "17179869184"}


def run_stock(
    arguments: list[str],
    variables: Mapping[str, str | Path],
    log: Path,
    on_line: Callable[[str], None] = lambda line: None,
    lifeline: int = subprocess.PIPE,
) -> None:
    """Run one command of nnU-Net's installation with everything it prints in ``log``.

    It runs in a process group of its own and does not outlive this process, however that ends.

    :param arguments: e.g. ``["nnUNetv2_train", "4", "3d_fullres", "0"]``
    :param variables: of its environment, e.g. ``nnUNet_raw``, ``nnUNet_preprocessed``, ``nnUNet_results``
    :param on_line: called with each line as it is printed
    :param lifeline: read end of a pipe that nobody writes to: the command is killed when its write end is closed
    :raises UserError: the command is not installed beside this Python, or it failed (its last line is quoted)
    """
    program = Path(sys.executable).with_name(arguments[0])
    if not program.exists():
        raise UserError(f"{arguments[0]} is not installed beside {sys.executable}: pip install nnunetv2")
    own = {name: str(value) for name, value in variables.items()}
    environment = {**KEEP_MEMORY, **os.environ, **own, "PYTHONUNBUFFERED": "1"}
    last = ""
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ {shlex.join(arguments)}\n")
        with subprocess.Popen(
            [sys.executable, "-I", "-S", guard.PATH, str(program), *arguments[1:]],
            env=environment,
            stdin=lifeline,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C reaches this process, which then ends the command.
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                file.write(line)
                file.flush()
                last = line.strip() or last
                on_line(line)
    if process.returncode != 0:
        killed = process.returncode - 128
        if killed in set(signal.Signals):
            last = f"killed by {signal.Signals(killed).name}; its last line was: {last}"
        raise UserError(f"{shlex.join(arguments)} failed ({last}); all it printed is in {log}")
