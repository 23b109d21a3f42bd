"""Label maps as nnU-Net's own readers give them, checked before they are compared."""

import gzip
import io
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from nnunetv2.imageio.base_reader_writer import BaseReaderWriter
from nnunetv2.imageio.reader_writer_registry import determine_reader_writer_from_dataset_json

from nnunet_lunet.errors import UserError

#: Differences of spacing, origin (mm) and direction that come from rounding in file headers.
_ROUNDING = 1e-3


class LabelMapError(ValueError):
    """A label map that cannot be compared; the message names the file and what is wrong."""


@dataclass(frozen=True)
class LabelMap:
    """
    :param array: label values ``(D, H, W)``, of a single slice ``(H, W)``
    :param spacing: mm, by the axes of the array
    :param geometry: what else the file says of its place in space, by name
    """

    file: Path
    array: np.ndarray
    spacing: tuple[float, ...]
    geometry: dict[str, np.ndarray]


def reader_class(description: Mapping[str, Any], example: Path) -> type[BaseReaderWriter]:
    """nnU-Net's reader for the files of a data set.

    :param description: content of ``dataset.json``
    :param example: one of the files; some endings have several readers
    :raises UserError: no reader reads the example
    """
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            return determine_reader_writer_from_dataset_json(description, str(example), verbose=False)
    except RuntimeError as error:
        raise UserError(f"{example} cannot be read as a label map: it is cut off or of another format") from error


def read(reader: BaseReaderWriter, file: Path) -> LabelMap:
    """:raises LabelMapError: the reader does not read it"""
    try:
        _check_whole(file)
        # nnU-Net's reader of TIFF prints a line for each file.
        with redirect_stdout(io.StringIO()):
            volume, properties = reader.read_seg(str(file))
    except Exception as error:  # whatever the library behind the reader raises
        reason = (str(error).strip().splitlines() or [""])[-1].strip()
        raise LabelMapError(f"{file} cannot be read as a label map ({type(error).__name__}: {reason})") from error
    if len(volume) != 1:
        raise LabelMapError(f"{file} has {len(volume)} channels: a label map has one")
    array = volume[0]
    spacing = tuple(float(edge) for edge in properties["spacing"])
    if array.shape[0] == 1:
        # Of a single slice there is no surface, only an outline.
        array, spacing = array[0], spacing[1:]
    header = properties.get("sitk_stuff") or properties.get("nibabel_stuff") or {}
    geometry = {name: np.asarray(value) for name, value in header.items() if not isinstance(value, str)}
    return LabelMap(file, array, spacing, geometry)


def _check_whole(file: Path) -> None:
    """ITK takes what is missing of a cut-off NIfTI file for background, without a word."""
    if file.name.endswith(".gz"):
        with gzip.open(file) as content:
            while content.read(1 << 20):
                pass


def check_same_space(prediction: LabelMap, reference: LabelMap) -> None:
    """:raises LabelMapError: size, spacing, origin or direction differ by more than rounding"""
    pairs = {
        "size": (np.asarray(prediction.array.shape), np.asarray(reference.array.shape)),
        "spacing": (np.asarray(prediction.spacing), np.asarray(reference.spacing)),
        **{
            name: (prediction.geometry.get(name, np.empty(0)), value)
            for name, value in reference.geometry.items()
            if name != "spacing"
        },
    }
    for name, (found, expected) in pairs.items():
        if found.shape != expected.shape or not np.allclose(found, expected, rtol=0, atol=_ROUNDING):
            shown = [" ".join(f"{value:g}" for value in values.ravel()) for values in (found, expected)]
            raise LabelMapError(
                f"{prediction.file}: its {name} ({shown[0]}) is not that of its reference {reference.file} ({shown[1]})"
            )


def check_values(label_map: LabelMap, allowed: frozenset[int]) -> None:
    """:raises LabelMapError: a value that is not among ``allowed``"""
    for value in np.unique(label_map.array):
        if value not in allowed:
            raise LabelMapError(
                f"{label_map.file} has label {value:g}: the labels of the data set are "
                f"{', '.join(map(str, sorted(allowed)))}"
            )
