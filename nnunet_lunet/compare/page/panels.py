"""Pictures of the worst cases: image, reference, and what each model made of it."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from nnunet_lunet.compare.record import Comparison, WorstCase
from nnunet_lunet.pictures import slices

#: All pictures together have at most so many pixels, each of which takes about a byte of the page.
_PIXELS = 3_000_000
#: Limits of the longest edge of a picture, in pixels.
_SMALLEST, _LARGEST = 80, 288
#: Share of a picture that the outline of the reference may take.
_FINE = 0.1


@dataclass(frozen=True)
class Panel:
    """One picture.

    :param model: None for the image and for the reference
    """

    heading: str
    model: str | None
    dice: float | None
    png: bytes


@dataclass(frozen=True)
class CasePictures:
    """The pictures of one case: the same slice and the same section of it.

    :param place: which slice this is; empty for 2D data
    :param problem: why there are no pictures; empty otherwise
    """

    name: str
    place: str
    panels: list[Panel]
    problem: str = ""


def cases(comparison: Comparison) -> list[CasePictures]:
    """All worst cases of a comparison. One whose files cannot be read says so instead of showing pictures."""
    size = edge(comparison.worst)
    return [_case(worst, comparison, size) for worst in comparison.worst]


def edge(worst: Sequence[WorstCase]) -> int:
    """Longest edge of each picture, in pixels: the shorter, the more there are."""
    count = sum(len(case.files) + 2 for case in worst)
    return int(np.clip(math.sqrt(_PIXELS / max(count, 1)), _SMALLEST, _LARGEST))


def _case(worst: WorstCase, comparison: Comparison, edge: int) -> CasePictures:
    try:
        return _drawn(worst, comparison, edge)
    except (RuntimeError, OSError, ValueError) as error:
        return CasePictures(worst.case, "", [], " ".join(str(error).split()))


def _drawn(worst: WorstCase, comparison: Comparison, edge: int) -> CasePictures:
    reference = slices.read(worst.reference)
    image = slices.read(worst.image).array if worst.image else np.zeros_like(reference.array)
    present = [model.name for model in comparison.models if model.name in worst.files]
    predictions = {name: slices.read(worst.files[name]).array for name in present}
    for name, array in {"the image": image, **predictions}.items():
        if array.shape != reference.array.shape:
            raise ValueError(f"{name} has the shape {array.shape}, the reference {reference.array.shape}")
    index = slices.most_telling(reference.array, predictions.values())
    maps = {name: array[index] for name, array in predictions.items()}
    section = _section([reference.array[index], *maps.values()])
    frame = _Frame(
        slices.gray(image[index])[section], reference.array[index][section], reference.spacing[1:], edge,
        list(comparison.labels),
    )  # fmt: skip
    panels = [Panel("Image", None, None, frame.picture(None))] if worst.image else []
    panels.append(Panel("Reference", None, None, frame.picture(frame.reference)))
    panels += [Panel(name, name, worst.dice.get(name), frame.picture(maps[name][section])) for name in maps]
    depth = len(reference.array)
    return CasePictures(worst.case, f"slice {index + 1} of {depth}" if depth > 1 else "", panels)


def _section(label_maps: list[np.ndarray]) -> tuple[slice, slice]:
    """Where any label is, with half as much again around it, at least 12 pixels; everything where no label is."""
    foreground = np.any([label_map > 0 for label_map in label_maps], axis=0)
    if not foreground.any():
        return slice(None), slice(None)
    found = []
    for axis in (1, 0):
        inside = np.flatnonzero(foreground.any(axis=axis))
        room = max(12, (inside[-1] - inside[0]) // 4)
        found.append(slice(max(0, int(inside[0]) - room), int(inside[-1]) + room + 1))
    return found[0], found[1]


@dataclass(frozen=True)
class _Frame:
    """What the pictures of one case share: ``gray`` and ``reference`` ``(H, W)``, ``spacing`` in mm."""

    gray: np.ndarray
    reference: np.ndarray
    spacing: tuple[float, ...]
    edge: int
    labels: list[int]

    def picture(self, label_map: np.ndarray | None) -> bytes:
        """PNG of the bare image, or of the image under ``label_map`` and the outline of the reference."""
        gray = np.asarray(Image.fromarray(self.gray.astype(np.float32)).resize(self._size, Image.Resampling.BICUBIC))
        gray = np.clip(gray, 0, 1)
        if label_map is None:
            rgb = np.repeat(gray[..., None], 3, axis=-1)
        else:
            rgb = slices.blend(gray, self._enlarged(label_map), self.labels)
            outline = _outline(self._enlarged(self.reference))
            # Of fine structures the outline would hide what it is around.
            outline &= outline.mean() < _FINE
            if min(rgb.shape[:2]) >= 4 * min(self.gray.shape):
                # White between black: to be seen on every colour and every gray.
                outline = _thicker(outline)
                rgb[_thicker(outline)] = 0
            rgb[outline] = 1
        buffer = io.BytesIO()
        picture = Image.fromarray((255 * rgb).round().astype(np.uint8))
        picture.quantize(256, dither=Image.Dither.NONE).save(buffer, format="PNG", optimize=True)
        return buffer.getvalue()

    @property
    def _size(self) -> tuple[int, int]:
        """Width and height in pixels, in the proportions of the patient."""
        height, width = (n * step for n, step in zip(self.gray.shape, self.spacing, strict=True))
        scale = self.edge / max(height, width)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def _enlarged(self, label_map: np.ndarray) -> np.ndarray:
        picture = Image.fromarray(label_map.astype(np.int32))
        return np.asarray(picture.resize(self._size, Image.Resampling.NEAREST))


def _outline(label_map: np.ndarray) -> np.ndarray:
    """Pixels whose neighbour to the right or below has another label."""
    edge = np.zeros(label_map.shape, dtype=bool)
    edge[:, :-1] |= label_map[:, :-1] != label_map[:, 1:]
    edge[:-1] |= label_map[:-1] != label_map[1:]
    return edge


def _thicker(mask: np.ndarray) -> np.ndarray:
    """By one pixel in all eight directions."""
    padded = np.pad(mask, 1)
    height, width = mask.shape
    return np.any([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)], axis=0)
