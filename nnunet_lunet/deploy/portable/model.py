"""``model.json``: everything about a model but its weights."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import PortableError

FILE = "model.json"
#: Of the file's layout; a reader knows one.
FORMAT = 1


@dataclass(frozen=True)
class Channel:
    """One image of a case.

    :param normalization: name of nnU-Net's class
    :param use_mask: whether only voxels inside the nonzero mask are normalised
    :param intensity: of the training images' foreground: ``mean``, ``std``, ``percentile_00_5``, ``percentile_99_5``
    """

    name: str
    normalization: str
    use_mask: bool
    intensity: Mapping[str, float]


@dataclass(frozen=True)
class Resampling:
    """Arguments of nnU-Net's ``resample_data_or_seg_to_shape``."""

    order: int
    order_z: int
    force_separate_z: bool | None


@dataclass(frozen=True)
class Network:
    """One fold's.

    :param sha256: by the name of each of its files
    """

    file: str
    sha256: Mapping[str, str]


@dataclass(frozen=True)
class Model:
    """What a caller needs to know.

    :param classes: output channels of the networks
    :param regions: the label that each output channel paints, in order, where regions were trained; None: the class
        with the largest logit is the label
    :param labels: names of the labels, for people
    :param reader: name of nnU-Net's class
    :param spacing: mm, by the axes after ``transpose_forward``; without the first for a network of slices
    :param patch_size: ``(D, H, W)`` or ``(H, W)``
    :param mirror_axes: of the patch, that training mirrored
    """

    channels: Sequence[Channel]
    classes: int
    regions: Sequence[int] | None
    labels: Mapping[str, Any]
    file_ending: str
    reader: str
    spacing: Sequence[float]
    transpose_forward: Sequence[int]
    transpose_backward: Sequence[int]
    patch_size: Sequence[int]
    mirror_axes: Sequence[int]
    image_resampling: Resampling
    logits_resampling: Resampling
    networks: Sequence[Network]


def read(folder: Path) -> Model:
    """The model of a folder.

    :raises PortableError: it is no such folder, or of another format
    """
    file = folder / FILE
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise PortableError(
                f"{file} has format {content['format']}, and this program reads format {FORMAT}: export it anew"
            )
        return Model(
            **{
                **{key: value for key, value in content.items() if key in Model.__dataclass_fields__},
                "channels": [Channel(**channel) for channel in content["channels"]],
                "image_resampling": Resampling(**content["image_resampling"]),
                "logits_resampling": Resampling(**content["logits_resampling"]),
                "networks": [Network(**network) for network in content["networks"]],
            }
        )
    except OSError as error:
        raise PortableError(f"{folder} is no exported model: {FILE}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PortableError(f"{file} is damaged ({error}): export the model anew") from error


def check_files(folder: Path, model: Model) -> None:
    """:raises PortableError: a file of a network is missing, or is not what was exported"""
    for network in model.networks:
        for name, digest in network.sha256.items():
            try:
                found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            except OSError as error:
                raise PortableError(f"{folder / name}: {error.strerror}") from error
            if found != digest:
                raise PortableError(f"{folder / name} is not the file that was exported: its checksum differs")
