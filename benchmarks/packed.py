"""Comparisons as they lie in ``data``: a ``comparison.json``, packed or not."""

import gzip
import tempfile
from pathlib import Path

from nnunet_lunet.compare import files
from nnunet_lunet.compare.record import Comparison
from nnunet_lunet.errors import UserError


def read(file: Path) -> Comparison:
    """:param file: ``comparison.json`` of ``lunet compare`` or ``lunet study``, or the same as ``.json.gz``
    :raises UserError: not readable, or something else
    """
    if file.suffix != ".gz":
        return files.read_json(file)
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder, file.stem)
        try:
            unpacked.write_bytes(gzip.decompress(file.read_bytes()))
        except (OSError, EOFError) as error:
            raise UserError(f"{file} cannot be unpacked: {error}") from error
        return files.read_json(unpacked)
