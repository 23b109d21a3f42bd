"""Runs one command and ends it, with all that it started, as soon as standard input closes: whoever asked is gone.

Run by its path, not imported: ``python -I -S guard.py COMMAND…``. A process that is killed cannot stop its children,
and nnU-Net's augmentation workers outlive a training that is killed; the operating system closes pipes in any case.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

#: This script, as an argument of Python.
PATH = __file__


def main(command: list[str]) -> int:
    """Exit status of the command, 128 + number of the signal that ended it."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def end_all(signal_number: int = 0, frame: FrameType | None = None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def wait_for_end_of_input() -> None:
        while os.read(0, 1):
            pass
        end_all()

    signal.signal(signal.SIGTERM, end_all)
    threading.Thread(target=wait_for_end_of_input, daemon=True).start()
    status = process.wait()
    # Workers that are left would keep the output open.
    end_all()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
