"""One file over HTTP: what has arrived is kept when the connection breaks, and checked when all of it is there."""

import re
import shutil
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nnunet_lunet.errors import UserError

if TYPE_CHECKING:
    import requests
    from rich.progress import Progress, TaskID

#: Seconds to wait before each new try; tries count from the last one that brought anything.
WAITS = (1, 4, 16)

#: Bytes. What a break leaves of an unfinished chunk is lost.
CHUNK = 1 << 16

_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}


def check_checksum(checksum: str) -> str:
    """``checksum`` as it is used: ``algorithm:hexadecimal``, SHA-256 where no algorithm is named.

    :raises UserError: it cannot be one
    """
    algorithm, _, digest = checksum.lower().rpartition(":")
    algorithm = algorithm or "sha256"
    if len(digest) != _DIGITS.get(algorithm) or not re.fullmatch("[0-9a-f]+", digest):
        raise UserError(f"--hash {checksum}: write algorithm:hexadecimal; algorithms are {', '.join(_DIGITS)}")
    return f"{algorithm}:{digest}"


def fetch(url: str, target: Path, checksum: str, progress: "Progress") -> None:
    """Make ``target`` the file of this checksum at ``url``; nothing is fetched where it is that already.

    Until it is whole and checked it is ``target.part``, and the next call goes on from there if the server can
    (``Range``); :func:`pooch.retrieve` would start again.

    :param url: http or https
    :param checksum: as :func:`check_checksum` returns it
    :raises UserError: ``target`` is another file; the server does not give it; the connection breaks again and
        again; the disk is full; what came has another checksum (it is kept as ``target.rejected``)
    """
    part, rejected = (target.with_name(f"{target.name}.{end}") for end in ("part", "rejected"))
    try:
        if target.exists():
            found = _checksum_of(target, checksum, progress)
            if found != checksum:
                raise UserError(f"{target} has {found}, not {checksum}: move it away, or name its own with --hash")
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        _receive_all(url, part, progress)
        found = _checksum_of(part, checksum, progress)
        part.replace(target if found == checksum else rejected)
    except OSError as error:
        raise UserError(f"{error.filename or part}: {error.strerror or error}; what has arrived is kept") from error
    if found != checksum:
        raise UserError(
            f"{url} has {found}, not {checksum}: damaged on the way, or another file; try again, or, if it is meant to "
            f"differ, rename {rejected} to {target.name} and give --hash {found}"
        )


def _checksum_of(file: Path, like: str, progress: "Progress") -> str:
    import pooch

    algorithm = like.partition(":")[0]
    bar = progress.add_task(f"check {file.name}", total=None)
    digest = pooch.file_hash(str(file), alg=algorithm)
    progress.update(bar, total=_size(file), completed=_size(file))
    return f"{algorithm}:{digest}"


def _receive_all(url: str, part: Path, progress: "Progress") -> None:
    """Receive until the file is whole, over as many connections as it takes while each brings something."""
    import requests

    bar = progress.add_task(f"download {part.stem}", total=None)
    tries = 0
    while True:
        before = _size(part)
        try:
            _Connection(part, progress, bar).receive(url)
        except requests.RequestException as error:
            answer = "" if error.response is None else f"{error.response.status_code} {error.response.reason}"
            if isinstance(error, ValueError) or (answer.startswith("4") and not answer.startswith("429")):
                raise UserError(f"{url}: {answer or error}: is the address right? --url takes a mirror's") from error
            tries = 1 if _size(part) > before else tries + 1
            if tries > len(WAITS):
                raise UserError(
                    f"{url}: {answer or type(error).__name__}, and again after waiting; the same command goes on from "
                    f"the {_size(part):,} bytes in {part}"
                ) from error
            time.sleep(WAITS[tries - 1])
        else:
            return


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


class _Connection:
    """Appends to ``part`` what one request brings; also the progress bar that pooch's downloader wants."""

    def __init__(self, part: Path, progress: "Progress", bar: "TaskID") -> None:
        self._part, self._progress, self._bar = part, progress, bar
        self._whole: int | None = None

    def receive(self, url: str) -> None:
        """:raises requests.RequestException: the file is not whole afterwards"""
        import pooch
        import requests

        start = _size(self._part)
        with self._part.open("ab") as file:
            download = pooch.HTTPDownloader(
                progressbar=self,
                chunk_size=CHUNK,
                # Compressed on the way, bytes of the answer would not be bytes of the file.
                headers={"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {}),
                hooks={"response": lambda response, **_: self._begin(response, file, start)},
            )
            try:
                download(url, file, None)
            except requests.HTTPError as error:
                # Nothing lies behind what is there: whole, which the checksum will tell.
                assert error.response is not None
                if error.response.status_code != requests.codes.requested_range_not_satisfiable:
                    raise
        if self._whole is not None and _size(self._part) < self._whole:
            raise requests.ConnectionError("the connection ended before the file did")

    def _begin(self, response: "requests.Response", file: IO[bytes], start: int) -> None:
        """The head of the answer is there, its body is not."""
        if response.status_code not in (200, 206):
            return
        if response.status_code == 200:
            # A server without ranges sends all of it again.
            start = 0
            file.truncate(0)
        length = response.headers.get("Content-Length", "")
        coming = int(length) if length.isdigit() else 0
        free = shutil.disk_usage(self._part.parent).free
        if coming > free:
            raise UserError(
                f"{self._part.parent}: {coming / 1e9:.1f} GB are to come and {free / 1e9:.1f} GB are free: make room, "
                "or choose another --folder"
            )
        self._whole = start + coming if length.isdigit() else None
        self._progress.update(self._bar, completed=start, total=self._whole)

    def update(self, _: Any) -> None:
        """A chunk was written; pooch passes the most that it can have been."""
        self._progress.update(self._bar, completed=_size(self._part))

    def reset(self) -> None:
        """Before the last update."""

    def close(self) -> None:
        """After the last update."""
