"""Commands that do not outlive whoever started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import commands

PYTHON = "python3"
# A command with a worker that ignores its end, as nnU-Net's augmentation workers do; both write their number.
FAMILY = """
import os, signal, subprocess, sys, time
child = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid(), flush=True)"
worker = subprocess.Popen([sys.executable, "-c", child + "; time.sleep(600)"], stdout=subprocess.PIPE, text=True)
print("started", os.getpid(), worker.stdout.readline().strip(), flush=True)
"""
WAIT = "\ntime.sleep(600)\n"


def is_alive(number):
    try:
        # In a container nobody may fetch the exit status of orphans.
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_a_command_prints_is_in_the_log_and_seen_line_by_line(tmp_path):
    log = tmp_path / "a log"
    lines: list[str] = []
    arguments = [PYTHON, "-c", "import os; print(os.environ['MINE']); print('zwei', end='')"]
    commands.run_stock(arguments, {"MINE": tmp_path}, log, lines.append)
    assert lines == [f"{tmp_path}\n", "zwei"]
    assert log.read_text().startswith(f"$ {PYTHON} -c 'import os; ") and log.read_text().endswith(f"{tmp_path}\nzwei")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sys; print('first'); print('the reason', file=sys.stderr); sys.exit(3)", "failed (the reason)"),
        ("import os; print('fine', flush=True); os.kill(os.getpid(), 9)", "killed by SIGKILL; its last line was: fine"),
    ],
)
def test_a_command_that_fails_is_told_with_its_reason_and_its_log(tmp_path, code, says):
    with pytest.raises(UserError) as error:
        commands.run_stock([PYTHON, "-c", code], {}, tmp_path / "log")
    assert says in str(error.value) and str(tmp_path / "log") in str(error.value)


def test_workers_that_a_command_leaves_behind_are_ended(tmp_path):
    lines: list[str] = []
    commands.run_stock([PYTHON, "-c", FAMILY], {}, tmp_path / "log", lines.append)
    _, _, worker = lines[0].split()
    wait_until(lambda: not is_alive(int(worker)))


def test_closing_the_lifeline_ends_the_command_and_its_workers(tmp_path):
    end, held = os.pipe()
    family: list[int] = []

    def stop(line):
        family.extend(map(int, line.split()[1:]))
        os.close(held)

    with pytest.raises(UserError, match="killed by SIGKILL"):
        commands.run_stock([PYTHON, "-c", FAMILY + WAIT], {}, tmp_path / "log", stop, lifeline=end)
    os.close(end)
    assert len(family) == 2
    wait_until(lambda: not any(map(is_alive, family)))


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_command_ends_with_the_process_that_started_it(tmp_path, signal_number):
    script = (
        "from pathlib import Path; from nnunet_lunet.host import commands; "
        f"commands.run_stock([{PYTHON!r}, '-c', {FAMILY + WAIT!r}], {{}}, Path({str(tmp_path / 'log')!r}))"
    )
    log = tmp_path / "log"
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as parent:
        wait_until(lambda: log.exists() and "\nstarted" in log.read_text().split("worker.stdout")[-1])
        family = [int(number) for number in log.read_text().split("\nstarted")[-1].split()]
        assert len(family) == 2 and all(map(is_alive, family))
        parent.send_signal(signal_number)
    wait_until(lambda: not any(map(is_alive, family)))


def test_ctrl_c_does_not_reach_the_command_itself(tmp_path):
    """The study decides what becomes of its trainings; they are in a session of their own."""
    lines: list[str] = []
    commands.run_stock([PYTHON, "-c", "import os; print(os.getsid(0))"], {}, tmp_path / "log", lines.append)
    assert int(lines[0]) != os.getsid(0)
