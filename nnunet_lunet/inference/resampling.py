"""Logits at the resolution of the image, some planes at a time: nnU-Net's resampling without the whole volume."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np
import torch
from nnunetv2.preprocessing.resampling.default_resampling import (
    determine_do_sep_z_and_axis,
    resample_data_or_seg_to_shape,
)
from torch import Tensor
from torch.nn import functional

#: Bytes of the planes that are made at a time, in double precision, which nnU-Net computes with.
SLAB_BYTES = 2**26


@dataclass(frozen=True)
class Slabs:
    """Resampling by planes across one axis.

    :param axis: of the volume, across which the planes lie
    :param is_nearest: whether planes of the input are taken as they are along it, instead of interpolated
    """

    axis: int
    is_nearest: bool


def by_slabs(function: Any, current_spacing: Sequence[float], new_spacing: Sequence[float]) -> Slabs | None:
    """How a resampling function of plans works plane by plane; None where it is no linear interpolation of nnU-Net's.

    :param function: ``resampling_fn_probabilities`` of a configuration
    :param current_spacing: of the logits, in mm, by the axes of the volume
    :param new_spacing: of the image
    """
    if not isinstance(function, partial) or function.func is not resample_data_or_seg_to_shape:
        return None
    given = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": False, **function.keywords}
    if given["is_seg"] or given["order"] != 1:
        return None
    threshold = {name: value for name, value in given.items() if name == "separate_z_anisotropy_threshold"}
    separate, axis = determine_do_sep_z_and_axis(given["force_separate_z"], current_spacing, new_spacing, **threshold)
    if not separate:
        return Slabs(axis=0, is_nearest=False)
    return Slabs(axis=int(axis), is_nearest=True) if given["order_z"] == 0 else None


def resampled(logits: Tensor, shape: Sequence[int], slabs: Slabs) -> Iterator[tuple[slice, Tensor]]:
    """Planes of the resampled logits and where they belong along the axis of ``slabs``, which is their second.

    :param logits: ``(classes, X, Y, Z)`` in single precision
    :param shape: of the volume that they are resampled to
    """
    logits = logits.movedim(slabs.axis + 1, 1)
    planes = shape[slabs.axis]
    size = [edge for axis, edge in enumerate(shape) if axis != slabs.axis]
    at_a_time = max(1, SLAB_BYTES // (8 * logits.shape[0] * prod(size)))
    low, high, share = _between(logits.shape[1], planes, slabs.is_nearest)
    for start in range(0, planes, at_a_time):
        part = slice(start, min(start + at_a_time, planes))
        first, last = int(low[part.start]), int(high[part.stop - 1]) + 1
        inputs = _in_plane(logits[:, first:last], size)
        below, above = (torch.from_numpy(index[part] - first) for index in (low, high))
        slab = inputs.index_select(1, below)
        if share.any():
            slab = slab.double()
            slab.lerp_(inputs.index_select(1, above).double(), torch.from_numpy(share[part])[:, None, None])
        yield part, slab.float()


def _between(old: int, new: int, is_nearest: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each new plane the old ones below and above it, and how far it is from the one below, from 0 to 1."""
    place = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    if is_nearest:
        nearest = np.floor(place + 0.5).astype(int)
        return nearest, nearest, np.zeros(new)
    low = np.floor(place).astype(int)
    return low, np.minimum(low + 1, old - 1), place - low


def _in_plane(planes: Tensor, size: Sequence[int]) -> Tensor:
    """``(classes, planes, X, Y)`` with planes of another size, by bilinear interpolation."""
    if list(planes.shape[2:]) == list(size):
        return planes
    return functional.interpolate(planes.double(), size=list(size), mode="bilinear", align_corners=False)
