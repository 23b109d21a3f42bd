"""Pictures of the worst cases: image, reference, and what each model made of it."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from nnunet_lunet.compare.record import Comparison, WorstCase
from nnunet_lunet.pictures import slices

#: All pictures together have at most so many pixels, each of which takes about a byte of the page.
_PIXELS = 4_000_000
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
    :param own: by model that this case is one of the worst of, a picture of the slice in which that model is worst, and
        which slice this is
    """

    name: str
    place: str
    panels: list[Panel]
    problem: str = ""
    own: dict[str, tuple[Panel, str]] = field(default_factory=dict)


def cases(comparison: Comparison, worst: Mapping[str, Sequence[str]]) -> list[CasePictures]:
    """All cases of a comparison that are drawn. One whose files cannot be read says so instead of showing pictures.

    :param worst: by model its worst cases
    """
    drawn = {case.case for case in comparison.worst}
    own = {case: [model for model, names in worst.items() if case in names] for case in drawn}
    number = sum(len(case.files) + 2 + len(own[case.case]) for case in comparison.worst)
    size = edge(number)
    return [_case(case, comparison, size, own[case.case]) for case in comparison.worst]


def edge(number: int) -> int:
    """Longest edge of each picture, in pixels: the shorter, the more there are."""
    return int(np.clip(math.sqrt(_PIXELS / max(number, 1)), _SMALLEST, _LARGEST))


def _case(worst: WorstCase, comparison: Comparison, edge: int, own: Sequence[str]) -> CasePictures:
    try:
        return _drawn(worst, comparison, edge, own)
    except (RuntimeError, OSError, ValueError) as error:
        return CasePictures(worst.case, "", [], " ".join(str(error).split()))


def _drawn(worst: WorstCase, comparison: Comparison, edge: int, own: Sequence[str]) -> CasePictures:
    reference = slices.read(worst.reference)
    image = slices.read(worst.image).array if worst.image else np.zeros_like(reference.array)
    present = [model.name for model in comparison.models if model.name in worst.files]
    predictions = {name: slices.read(worst.files[name]).array for name in present}
    for name, array in {"the image": image, **predictions}.items():
        if array.shape != reference.array.shape:
            raise ValueError(f"{name} has the shape {array.shape}, the reference {reference.array.shape}")
    volumes = _Volumes(reference, image, predictions, edge, list(comparison.labels))
    place, frame, maps = volumes.slice_of(present)
    panels = [Panel("Image", None, None, frame.picture(None))] if worst.image else []
    panels.append(Panel("Reference", None, None, frame.picture(frame.reference)))
    panels += [Panel(name, name, worst.dice.get(name), frame.picture(maps[name])) for name in present]
    of_models = {}
    for name in own:
        own_place, frame, maps = volumes.slice_of([name])
        of_models[name] = Panel(name, name, worst.dice.get(name), frame.picture(maps[name])), own_place
    return CasePictures(worst.case, place, panels, own=of_models)


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
class _Volumes:
    """What was read of one case: ``image`` ``(D, H, W)`` as the reference, ``predictions`` by model."""

    reference: slices.Volume
    image: np.ndarray
    predictions: dict[str, np.ndarray]
    edge: int
    labels: list[int]

    def slice_of(self, models: Sequence[str]) -> tuple[str, "_Frame", dict[str, np.ndarray]]:
        """The slice in which these models differ most from the reference: which it is, and their label maps in it."""
        true = self.reference.array
        index = slices.most_telling(true, [self.predictions[name] for name in models])
        maps = {name: self.predictions[name][index] for name in models}
        section = _section([true[index], *maps.values()])
        frame = _Frame(
            slices.gray(self.image[index])[section], true[index][section], self.reference.spacing[1:], self.edge,
            self.labels,
        )  # fmt: skip
        place = f"slice {index + 1} of {len(true)}" if len(true) > 1 else ""
        return place, frame, {name: label_map[section] for name, label_map in maps.items()}


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
