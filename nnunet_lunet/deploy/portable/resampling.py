"""Resampling as nnU-Net's ``default_resampling.py`` does it, without scikit-image."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from .model import Resampling

#: nnU-Net's ``ANISO_THRESHOLD``.
_ANISOTROPIC = 3


def new_shape(shape: Sequence[int], spacing: Sequence[float], target: Sequence[float]) -> tuple[int, ...]:
    """``compute_new_shape``."""
    return tuple(round(old / new * size) for old, new, size in zip(spacing, target, shape, strict=True))


def separate_axis(force: bool | None, spacing: Sequence[float], target: Sequence[float]) -> int | None:
    """The axis that is resampled on its own, ``determine_do_sep_z_and_axis``; None where none is."""
    if force is None:
        coarse = next((each for each in (spacing, target) if max(each) / min(each) > _ANISOTROPIC), None)
    else:
        coarse = spacing if force else None
    if coarse is None:
        return None
    axes = [axis for axis, mm in enumerate(coarse) if mm == max(coarse)]
    return axes[0] if len(axes) == 1 else None


def image(
    array: np.ndarray, shape: Sequence[int], spacing: Sequence[float], target: Sequence[float], how: Resampling
) -> np.ndarray:
    """``resample_data_or_seg_to_shape`` of images.

    :param array: ``(C, D, H, W)``
    :param shape: of the result, without channels
    :param spacing: mm, of the array and (``target``) of the result
    """
    if array.shape[1:] == tuple(shape):
        return array
    axis = separate_axis(how.force_separate_z, spacing, target)
    found = np.empty((len(array), *shape), array.dtype)
    for channel, volume in enumerate(array.astype(np.float64, copy=False)):
        if axis is None:
            found[channel] = _zoom(volume, shape, how.order)
            continue
        in_plane = [size for place, size in enumerate(shape) if place != axis]
        slices = np.stack([_zoom(plane, in_plane, how.order) for plane in np.moveaxis(volume, axis, 0)], axis)
        found[channel] = _along(slices, axis, shape[axis], how.order_z)
    return found


def _zoom(volume: np.ndarray, shape: Sequence[int], order: int) -> np.ndarray:
    """``skimage.transform.resize`` with ``mode="edge", anti_aliasing=False``, by the same function of scipy's."""
    factors = [new / old for new, old in zip(shape, volume.shape, strict=True)]
    found = ndimage.zoom(volume, factors, order=order, mode="nearest", grid_mode=True)
    return np.clip(found, volume.min(), volume.max())


def _along(volume: np.ndarray, axis: int, size: int, order: int) -> np.ndarray:
    """One axis alone, by ``map_coordinates`` with ``mode="nearest"``."""
    if volume.shape[axis] == size:
        return volume
    at = volume.shape[axis] / size * (np.arange(size) + 0.5) - 0.5
    if order == 0:
        places = np.clip(np.floor(at + 0.5).astype(int), 0, volume.shape[axis] - 1)
        return np.take(volume, places, axis)
    factors = [size / volume.shape[axis] if place == axis else 1 for place in range(volume.ndim)]
    return ndimage.zoom(volume, factors, order=order, mode="nearest", grid_mode=True)


class Linear:
    """Logits at some of the places of a grid of another shape, so that the whole is never there at once.

    Linear interpolation may be done one axis at a time; on an axis that is resampled alone, the nearest is taken.
    """

    def __init__(
        self, old: Sequence[int], new: Sequence[int], spacing: Sequence[float], target: Sequence[float], how: Resampling
    ) -> None:
        """
        :param old: shape of the logits without classes, and (``new``) of the result
        :param spacing: mm, of the logits and (``target``) of the result
        """
        alone = separate_axis(how.force_separate_z, spacing, target)
        self._axes = [
            _weights(before, after, how.order_z if axis == alone else how.order)
            for axis, (before, after) in enumerate(zip(old, new, strict=True))
        ]
        self.shape = tuple(new)

    def slab(self, logits: np.ndarray, start: int, stop: int) -> np.ndarray:
        """``(K, stop - start, H, W)`` of logits ``(K, D, H, W)``."""
        found = logits
        for axis, (low, high, share) in enumerate(self._axes):
            if axis == 0:
                low, high, share = low[start:stop], high[start:stop], share[start:stop]
            if found.shape[axis + 1] == len(low) and not share.any() and (low == np.arange(len(low))).all():
                continue
            weight = share.reshape([-1 if place == axis + 1 else 1 for place in range(found.ndim)])
            lower, upper = np.take(found, low, axis + 1), np.take(found, high, axis + 1)
            found = lower + weight * (upper - lower)
        return found


def _weights(old: int, new: int, order: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each new place the old ones below and above, and the share of the one above."""
    at = old / new * (np.arange(new) + 0.5) - 0.5
    if order == 0:
        nearest = np.clip(np.floor(at + 0.5).astype(int), 0, old - 1)
        return nearest, nearest, np.zeros(new, np.float32)
    at = np.clip(at, 0, old - 1)
    low = np.floor(at).astype(int)
    return low, np.minimum(low + 1, old - 1), (at - low).astype(np.float32)
