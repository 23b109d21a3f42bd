"""From an image to what a network sees: ``DefaultPreprocessor.run_case_npy``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_fill_holes

from . import resampling
from .errors import PortableError
from .images import Image
from .model import Channel, Model

_EPS = 1e-8


@dataclass(frozen=True)
class Prepared:
    """What a network sees, and the way back.

    :param array: ``(C, D, H, W)``, float32
    :param spacing: mm, of its axes
    :param original_spacing: of the image, by the same axes
    :param shape: of the image by the same axes, before cropping
    :param box: what was kept of it
    """

    array: np.ndarray
    spacing: Sequence[float]
    original_spacing: Sequence[float]
    shape: Sequence[int]
    box: tuple[slice, ...]


def prepare(image: Image, model: Model) -> Prepared:
    """:raises PortableError: other channels than the model has, or values that a normalisation refuses"""
    if len(image.array) != len(model.channels):
        raise PortableError(f"it has {len(image.array)} channels, and the model {len(model.channels)}")
    array = image.array.transpose([0, *(axis + 1 for axis in model.transpose_forward)])
    spacing = [image.spacing[axis] for axis in model.transpose_forward]
    shape = array.shape[1:]
    mask = binary_fill_holes((array != 0).any(0))
    box = _box(mask)
    array, mask = array[(slice(None), *box)].copy(), mask[box]
    target = list(model.spacing)
    if len(target) < len(spacing):
        target = [spacing[0], *target]
    for values, channel in zip(array, model.channels, strict=True):
        NORMALIZATIONS[channel.normalization](values, mask, channel)
    wanted = resampling.new_shape(array.shape[1:], spacing, target)
    found = resampling.image(array, wanted, spacing, target, model.image_resampling)
    return Prepared(found, target, spacing, shape, box)


def _box(mask: np.ndarray) -> tuple[slice, ...]:
    """The smallest with everything of a mask; all of an empty one."""
    box = []
    for axis in range(mask.ndim):
        (filled,) = np.nonzero(mask.any(tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(filled[0], filled[-1] + 1) if len(filled) else slice(0, mask.shape[axis]))
    return tuple(box)


def _z_score(values: np.ndarray, mask: np.ndarray, channel: Channel) -> None:
    inside = values[mask] if channel.use_mask else values
    mean, deviation = inside.mean(), max(inside.std(), _EPS)
    if channel.use_mask:
        values[mask] = (inside - mean) / deviation
    else:
        values -= mean
        values /= deviation


def _ct(values: np.ndarray, _: np.ndarray, channel: Channel) -> None:
    known = channel.intensity
    np.clip(values, known["percentile_00_5"], known["percentile_99_5"], out=values)
    values -= known["mean"]
    values /= max(known["std"], _EPS)


def _nothing(*_: object) -> None:
    pass


def _to_one(values: np.ndarray, *_: object) -> None:
    values -= values.min()
    values /= max(values.max(), _EPS)


def _rgb(values: np.ndarray, *_: object) -> None:
    if values.min() < 0 or values.max() > 255:
        raise PortableError("it has values below 0 or above 255, and the model is of 8-bit colours")
    values /= 255


#: By nnU-Net's name; each changes one channel ``(D, H, W)`` in place, with the mask of what is not empty.
NORMALIZATIONS: dict[str, Callable[[np.ndarray, np.ndarray, Channel], None]] = {
    "ZScoreNormalization": _z_score, "CTNormalization": _ct, "NoNormalization": _nothing,
    "RescaleTo01Normalization": _to_one, "RGBTo01Normalization": _rgb,
}  # fmt: skip
