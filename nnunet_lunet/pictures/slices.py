"""Slices of images and label maps, and how they are shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from matplotlib.colors import to_rgb

from nnunet_lunet.pictures.palette import OKABE_ITO


@dataclass(frozen=True)
class Volume:
    """``array`` ``(D, H, W)``, of 2D data ``(1, H, W)``; ``spacing`` in mm along the same axes.

    3D data point to the patient's left, back and head, so that slices along the first axis look as radiologists
    are used to.
    """

    array: np.ndarray
    spacing: tuple[float, float, float]


def read(file: str | Path) -> Volume:
    """Of several channels the first.

    :raises RuntimeError: no readable image
    """
    image = sitk.ReadImage(file)
    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    if image.GetNumberOfComponentsPerPixel() > 1:
        image = sitk.VectorIndexSelectionCast(image, 0)
    if image.GetDimension() == 2:
        return Volume(sitk.GetArrayFromImage(image)[None], (1.0, *image.GetSpacing()[::-1]))
    image = sitk.DICOMOrient(image, "LPS")
    return Volume(sitk.GetArrayFromImage(image), image.GetSpacing()[::-1])


def gray(image: np.ndarray) -> np.ndarray:
    """``image`` with its first and 99th percentile as black and white, 0 to 1."""
    low, high = np.percentile(image, (1, 99))
    return np.clip((image - low) / max(high - low, 1e-6), 0, 1)


def label_colour(index: int) -> str:
    """Of the label with this position among the foreground labels."""
    return OKABE_ITO[index % len(OKABE_ITO)]


def blend(background: np.ndarray, label_map: np.ndarray, values: Sequence[int]) -> np.ndarray:
    """RGB, 0 to 1: ``background`` (0 to 1) with the labels ``values`` in their colours over it."""
    picture = np.repeat(background[..., None], 3, axis=-1)
    for index, value in enumerate(values):
        where = label_map == value
        picture[where] = 0.4 * picture[where] + 0.6 * np.array(to_rgb(label_colour(index)))
    return picture


def most_telling(reference: np.ndarray, predictions: Iterable[np.ndarray]) -> int:
    """Index along the first axis: where predictions and reference differ in most voxels, else most foreground."""
    wrong = sum(((prediction != reference).sum(axis=(1, 2)) for prediction in predictions), np.zeros(len(reference)))
    return int(np.argmax(wrong if wrong.any() else (reference > 0).sum(axis=(1, 2))))
