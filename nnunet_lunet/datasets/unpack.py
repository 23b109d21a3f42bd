"""Takes a task out of its archive; the archive is not trusted."""

import shutil
import tarfile
import zlib
from lzma import LZMAError
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from nnunet_lunet.errors import UserError

if TYPE_CHECKING:
    from rich.progress import Progress


def unpack(archive: Path, task: str, folder: Path, progress: "Progress") -> Path:
    """Write the files of ``archive`` below ``folder`` and return ``folder / task``.

    Only plain files and folders below ``task``, and only their contents: nothing that a Decathlon archive has no use
    for (links, devices, owners, permissions). What macOS adds (``._name``) stays behind. That is stricter than
    :mod:`tarfile`'s ``filter="data"``, and the same in all versions of Python.

    :param folder: empty
    :raises UserError: no readable tar archive, a path that leads elsewhere, something else than a file or folder,
        larger than the free disk, cannot be written; ``folder`` may hold a part of it then
    """
    bar = progress.add_task(f"unpack {archive.name}", total=None)
    try:
        with tarfile.open(archive) as tar:
            members = [member for member in tar.getmembers() if _is_wanted(member, task, archive)]
            size = sum(member.size for member in members)
            free = shutil.disk_usage(folder).free
            if size > free:
                need = f"{size / 1e9:.1f} GB, {free / 1e9:.1f} GB are free"
                raise UserError(f"{folder}: {archive.name} unpacks to {need}: make room there")
            progress.update(bar, total=size)
            for member in members:
                _write(tar, member, folder)
                progress.advance(bar, member.size)
    except (tarfile.TarError, EOFError, zlib.error, LZMAError) as error:
        raise UserError(f"{archive} is no whole tar archive ({error}): delete it and download it again") from error
    except OSError as error:
        raise UserError(f"unpacking {archive}: {error.filename or folder}: {error.strerror or error}") from error
    if not (folder / task / "dataset.json").is_file():
        raise UserError(f"{archive} has no {task}/dataset.json: it is not the archive of this task")
    return folder / task


def _is_wanted(member: tarfile.TarInfo, task: str, archive: Path) -> bool:
    # As Windows reads it: there a drive, a root and both slashes count, everywhere else fewer of them do.
    path = PureWindowsPath(member.name)
    parts = [part for part in path.parts if part != "."]
    if path.anchor or ".." in parts or "\0" in member.name:
        raise UserError(f"{archive} has a path that leads out of its folder ({member.name!r}): nothing was unpacked")
    if not (member.isfile() or member.isdir()):
        raise UserError(f"{archive} has {member.name!r}, neither file nor folder: nothing was unpacked")
    if not parts or parts[-1].startswith("._"):
        return False
    if parts[0] != task:
        raise UserError(f"{archive} has {member.name!r} outside {task}: it is not the archive of this task")
    return True


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    target = folder / member.name
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source is not None
    with source, target.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
