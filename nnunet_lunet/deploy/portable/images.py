"""Images and label maps as files, as nnU-Net's readers see them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from . import nifti
from .errors import PortableError


@dataclass(frozen=True)
class Image:
    """A case.

    :param array: ``(C, D, H, W)``, float32; D is 1 for a 2D image
    :param spacing: mm, of D, H and W
    :param like: has the geometry that a label map of it gets; None for file types without one
    """

    array: np.ndarray
    spacing: Sequence[float]
    like: sitk.Image | None


def read(files: Sequence[Path], reader: str) -> Image:
    """The channels of a case.

    :param reader: name of nnU-Net's class, one of :data:`READERS`
    :raises PortableError: a file cannot be read, or does not fit the others, or has values that are no numbers
    """
    images = []
    for file in files:
        if file.name.endswith((".nii", ".nii.gz")):
            nifti.check(file)
        try:
            images.append(sitk.ReadImage(str(file)))
        except RuntimeError as error:
            raise PortableError(f"{file} cannot be read: {str(error).strip().splitlines()[-1]}") from error
    arrays = [READERS[reader](image, file) for image, file in zip(images, files, strict=True)]
    for file, image, (array, _) in zip(files, images, arrays, strict=True):
        if array.shape[1:] != arrays[0][0].shape[1:] or image.GetSpacing() != images[0].GetSpacing():
            raise PortableError(f"{file} has another size or spacing than {files[0]}")
        if not np.isfinite(array).all():
            raise PortableError(f"{file} has values that are no numbers (NaN or infinite)")
    array = np.concatenate([array for array, _ in arrays]).astype(np.float32)
    return Image(array, arrays[0][1], images[0] if READERS[reader] is _volume else None)


def write(labels: np.ndarray, image: Image, file: Path) -> None:
    """A label map with the geometry of an image; a file that is there is the whole one, also if this is interrupted.

    :param labels: ``(D, H, W)``
    """
    labels = labels.astype(np.uint8 if labels.max() < 255 else np.uint16, copy=False)
    flat = image.like is None or image.like.GetDimension() == 2
    made = sitk.GetImageFromArray(labels[0] if flat else labels)
    if image.like is not None:
        made.SetSpacing(image.like.GetSpacing())
        made.SetOrigin(image.like.GetOrigin())
        made.SetDirection(image.like.GetDirection())
    # The ending says the format.
    unfinished = file.with_name(f".{file.name.partition('.')[0]}.unfinished.{file.name.partition('.')[2]}")
    try:
        sitk.WriteImage(made, str(unfinished), True)
        unfinished.replace(file)
    except (RuntimeError, OSError) as error:
        raise PortableError(f"{file} cannot be written: {str(error).strip().splitlines()[-1]}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _volume(image: sitk.Image, file: Path) -> tuple[np.ndarray, list[float]]:
    """``SimpleITKIO.read_images``: axes from slowest to fastest, and 4D files are several channels."""
    array, spacing = sitk.GetArrayFromImage(image), [abs(mm) for mm in reversed(image.GetSpacing())]
    if array.ndim == 2:
        return array[None, None], [999 * max(spacing), *spacing]
    if array.ndim == 3:
        return array[None], spacing
    if array.ndim == 4:
        return array, spacing[1:]
    raise PortableError(f"{file} has {array.ndim} dimensions")


def _picture(image: sitk.Image, file: Path) -> tuple[np.ndarray, list[float]]:
    """``NaturalImage2DIO.read_images``: grey, or colours as channels; pixels have no size."""
    array = sitk.GetArrayFromImage(image)
    if image.GetDimension() != 2:
        raise PortableError(f"{file} is no 2D picture")
    return (array[None, None] if array.ndim == 2 else np.moveaxis(array, -1, 0)[:, None]), [999, 1, 1]


#: By nnU-Net's name. Its reader that uses nibabel has the same axes; those that turn images are not here.
READERS: dict[str, Callable[[sitk.Image, Path], tuple[np.ndarray, list[float]]]] = {
    "SimpleITKIO": _volume, "NibabelIO": _volume, "NaturalImage2DIO": _picture,
}  # fmt: skip
