"""Files that are written whole or not at all."""

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write that becomes ``path`` only when it is whole and on disk.

    Whatever happens meanwhile, ``path`` is the old file or the new one. What a killed process leaves behind is a
    hidden ``.NAME.PID.tmp`` beside it, which the next write to ``path`` removes.

    :raises OSError: the folder cannot be written, the disk is full; ``path`` is as it was
    """
    path = Path(path)
    for left_over in path.parent.glob(f".{path.name}.*.tmp"):
        left_over.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _keep_names(path.parent)


@contextmanager
def atomic_files(folder: Path, name: str) -> Iterator[Path]:
    """A folder to write files in that become files of ``folder`` when all of them are whole and on disk.

    They move in the order in which they were written, so that the last one stands for all. What a killed process
    leaves behind is a hidden ``.NAME.PID.tmp`` in ``folder``, which the next write of that name removes.

    :param name: of what the files are of, e.g. a case
    :raises OSError: the folder cannot be written, the disk is full
    """
    remove_left_over(folder, name)
    temporary = folder / f".{name}.{os.getpid()}.tmp"
    try:
        temporary.mkdir()
        yield temporary
        for file in sorted(temporary.iterdir(), key=lambda file: file.stat().st_mtime_ns):
            with file.open("rb+") as written:
                os.fsync(written.fileno())
            file.replace(folder / file.name)
        _keep_names(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_left_over(folder: Path, name: str) -> None:
    """Remove what a stopped :func:`atomic_files` left of a name."""
    for left_over in folder.glob(f".{glob.escape(name)}.*.tmp"):
        shutil.rmtree(left_over, ignore_errors=True)


def _keep_names(folder: Path) -> None:
    """Names of files are on disk when their folder is."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
