"""The sliding window: ``nnUNetPredictor.predict_sliding_window_return_logits``, summed in single precision."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, combinations, product

import numpy as np
from scipy.ndimage import gaussian_filter

#: Of a batch ``(B, C, *patch)`` the logits ``(B, K, *patch)``.
Network = Callable[[np.ndarray], np.ndarray]


def predict(
    array: np.ndarray,
    networks: Sequence[Network],
    classes: int,
    patch: Sequence[int],
    mirror_axes: Sequence[int] = (),
    step: float = 0.5,
    on_window: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """Mean logits of some networks, ``(K, D, H, W)``.

    :param array: ``(C, D, H, W)``
    :param patch: of the networks; with two sizes, each slice is predicted
    :param step: of the window, as a share of the patch
    """
    padded, inner = _pad(array, patch)
    logits = np.zeros((classes, *padded.shape[1:]), np.float32)
    weights = np.zeros(padded.shape[1:], np.float32)
    importance = gaussian(tuple(patch))
    for window in windows(padded.shape[1:], patch, step):
        x = padded[(slice(None), *window)][None]
        for network in networks:
            logits[(slice(None), *window)] += _mirrored(x, network, mirror_axes) * importance
        weights[window] += importance
        on_window()
    logits /= weights
    if len(networks) > 1:
        logits /= len(networks)
    return logits[(slice(None), *inner)]


def windows(shape: Sequence[int], patch: Sequence[int], step: float) -> Iterator[tuple[int | slice, ...]]:
    """``_internal_get_sliding_window_slicers``, without channels."""
    firsts = [(index,) for index in range(shape[0])] if len(patch) < len(shape) else [()]
    of_axes = [starts(*axis, step) for axis in zip(shape[len(shape) - len(patch) :], patch, strict=True)]
    for first, corner in product(firsts, product(*of_axes)):
        yield (*first, *(slice(start, start + size) for start, size in zip(corner, patch, strict=True)))


def count(shape: Sequence[int], patch: Sequence[int], step: float) -> int:
    """How many windows there are."""
    padded = [*shape[: len(shape) - len(patch)], *map(max, shape[len(shape) - len(patch) :], patch)]
    return sum(1 for _ in windows(padded, patch, step))


def starts(size: int, patch: int, step: float) -> list[int]:
    """``compute_steps_for_sliding_window`` of one axis."""
    number = int(np.ceil((size - patch) / (patch * step))) + 1
    apart = (size - patch) / (number - 1) if number > 1 else 0
    return [int(np.round(apart * index)) for index in range(number)]


@lru_cache(maxsize=2)
def gaussian(patch: tuple[int, ...]) -> np.ndarray:
    """``compute_gaussian``: 1 in the middle, nowhere 0; its factor of 10 cancels."""
    found = np.zeros(patch)
    found[tuple(size // 2 for size in patch)] = 1
    found = gaussian_filter(found, [size / 8 for size in patch], mode="constant")
    found = (found / found.max()).astype(np.float32)
    found[found == 0] = found[found > 0].min()
    return found


def _mirrored(x: np.ndarray, network: Network, axes: Sequence[int]) -> np.ndarray:
    """Mean over all combinations of mirrored axes, ``(K, *patch)``; one at a time, which takes the least memory."""
    every = chain.from_iterable(combinations(axes, number) for number in range(len(axes) + 1))
    flips = [tuple(axis + 2 for axis in chosen) for chosen in every]
    return sum(np.flip(network(np.flip(x, flip)), flip)[0] for flip in flips) / len(flips)


def _pad(array: np.ndarray, patch: Sequence[int]) -> tuple[np.ndarray, tuple[slice, ...]]:
    """``pad_nd_image`` with zeros, and where the array is in the result."""
    shape = array.shape[1:]
    least = [*shape[: len(shape) - len(patch)], *patch]
    more = [max(0, size - old) for old, size in zip(shape, least, strict=True)]
    before = [size // 2 for size in more]
    inner = tuple(slice(start, start + size) for start, size in zip(before, shape, strict=True))
    if not any(more):
        return array, inner
    return np.pad(array, [(0, 0), *((low, size - low) for low, size in zip(before, more, strict=True))]), inner
