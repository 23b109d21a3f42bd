"""Whether a NIfTI file is whole: SimpleITK takes zeros for what is missing, and for values that are no numbers."""

import gzip
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np

from .errors import PortableError

#: Bytes of a NIfTI-1 header, which begins with that number; where in it dimensions, type and first voxel stand.
_HEADER, _DIMENSIONS, _TYPE, _OFFSET = 348, 40, 70, 108
_FLOATS = {16: "f4", 64: "f8"}


def check(file: Path) -> None:
    """:raises PortableError: a NIfTI-1 file that is cut off, or has values that are no numbers"""
    try:
        content = file.read_bytes()
        if file.name.endswith(".gz"):
            content = gzip.decompress(content)
    except FileNotFoundError as error:
        raise PortableError(f"{file} cannot be read: there is no such file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise PortableError(f"{file} cannot be read: it is cut off or damaged ({error})") from error
    order = next((each for each in "<>" if content[:4] == struct.pack(f"{each}i", _HEADER)), None)
    if order is None or len(content) < _HEADER:
        return
    number, *sizes = struct.unpack_from(f"{order}8h", content, _DIMENSIONS)
    kind, bits = struct.unpack_from(f"{order}2h", content, _TYPE)
    offset = int(struct.unpack_from(f"{order}f", content, _OFFSET)[0])
    voxels = prod(sizes[:number])
    if len(content) < offset + voxels * bits // 8:
        raise PortableError(f"{file} cannot be read: it is cut off")
    if kind in _FLOATS and not np.isfinite(np.frombuffer(content, order + _FLOATS[kind], voxels, offset)).all():
        raise PortableError(f"{file} has values that are no numbers (NaN or infinite)")
