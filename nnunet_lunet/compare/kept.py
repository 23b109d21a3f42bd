"""Scores of earlier comparisons, kept by the content of the files that they are of.

An entry is a file for each reference and way of comparing, with the scores of all predictions of it so far.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.compare.metrics import Measures

#: Environment variable that names the folder; 0 keeps nothing.
VARIABLE = "NNUNET_LUNET_SCORES"
#: Of the folder, in bytes; a prediction takes some 300. Beyond it, what was not used for longest is removed.
LIMIT = 256 * 2**20


@dataclass(frozen=True)
class Entry:
    """What is known of a reference.

    :param diagonal: of its image, mm
    :param edge: the shortest of its voxels, mm
    :param predictions: by the digest of a prediction's content, its measures by label
    """

    diagonal: float
    edge: float
    predictions: Mapping[str, Mapping[str, Measures]]


def folder() -> Path | None:
    """Where scores are kept; None if the user does not want it, or has no folder for what programs keep."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return None if named in ("", "0") else Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():
        try:
            cache = Path.home() / ".cache"
        except RuntimeError:
            return None
    return cache / "nnunet-lunet" / "scores"


def digests(files: Iterable[Path]) -> dict[Path, str]:
    """Of what a reader can take from each label map; empty if it cannot be read.

    nnU-Net's reader of TIFF takes the spacing from a JSON file beside it.
    """
    distinct = list(dict.fromkeys(files))
    with ThreadPoolExecutor() as pool:
        return dict(zip(distinct, pool.map(_digest, distinct), strict=True))


def _digest(file: Path) -> str:
    content = hashlib.blake2b(digest_size=20)
    try:
        for each in (file, file.with_suffix(".json")):
            if each == file or each.is_file():
                with each.open("rb") as opened:
                    while block := opened.read(1 << 20):
                        content.update(block)
                content.update(each.suffix.encode())
    except OSError:
        return ""
    return content.hexdigest()


class Scores:
    """Entries in a folder, which other comparisons may read and write at the same time."""

    def __init__(self, folder: Path | None, basis: str) -> None:
        """
        :param folder: None to keep nothing
        :param basis: all that scores depend on but the files
        """
        self._folder, self._basis = folder, basis
        #: Why new scores are not kept, where they should be.
        self.problems: list[str] = []

    def read(self, reference: str) -> Entry | None:
        """:param reference: digest of its content"""
        if self._folder is None:
            return None
        file = self._file(self._folder, reference)
        try:
            check, _, text = file.read_text(encoding="utf-8").partition("\n")
        except (OSError, UnicodeDecodeError):
            return None
        if check != _check(text):
            return None
        with suppress(OSError):
            os.utime(file)
        content = json.loads(text)
        predictions = {
            prediction: {label: Measures(**measures) for label, measures in labels.items()}
            for prediction, labels in content["predictions"].items()
        }
        return Entry(content["diagonal"], content["edge"], predictions)

    def add(self, reference: str, found: Entry) -> None:
        """To what the folder has by now. Of two that add at once, one may be lost, and is scored again."""
        if self._folder is None or self.problems:
            return
        file, before = self._file(self._folder, reference), self.read(reference)
        predictions = {**(before.predictions if before else {}), **found.predictions}
        text = json.dumps(asdict(replace(found, predictions=predictions)), separators=(",", ":"))
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(file) as new:
                new.write(f"{_check(text)}\n{text}".encode())
        except FileNotFoundError:
            # Another comparison wrote the same entry, and tidied up after this one.
            return
        except OSError as error:
            self.problems.append(f"Scores are not kept in {self._folder}: {error.strerror}; {VARIABLE} names another.")

    def tidy(self) -> None:
        """Remove what was not used for longest, if there is more than :data:`LIMIT`."""
        if self._folder is None:
            return
        with suppress(OSError):
            files = sorted(
                ((file.stat(), file) for file in self._folder.glob("??/*")), key=lambda each: each[0].st_mtime
            )
            excess = sum(stat.st_size for stat, _ in files) - LIMIT
            for stat, file in files:
                if excess <= 0:
                    break
                file.unlink(missing_ok=True)
                excess -= stat.st_size

    def _file(self, folder: Path, reference: str) -> Path:
        name = hashlib.blake2b(f"{self._basis}\n{reference}".encode(), digest_size=20).hexdigest()
        return folder / name[:2] / f"{name[2:]}.json"


def _check(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()
