"""Pictures."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from nnunet_lunet.pictures import slices


@dataclass(frozen=True)
class LabelledVolume:
    """A column of the picture: a heading, and the label map of each case (None shows the bare image)."""

    heading: str
    label_maps: dict[str, Path] | None
    captions: dict[str, str]


def overlays(images: dict[str, Path], columns: list[LabelledVolume], labels: dict[int, str], target: Path) -> None:
    """A PNG with one row a case: the slice with most foreground in the first labelled column, in every column.

    :param images: image file by case name; the keys choose and order the rows
    :param labels: label value to name, for the legend
    """
    figure = Figure(figsize=(2.6 * len(columns), 2.6 * len(images) + 0.9), layout="constrained", dpi=150)
    axes = figure.subplots(len(images), len(columns), squeeze=False)
    reference = next(column.label_maps for column in columns if column.label_maps)
    for row, (case, file) in zip(axes, images.items(), strict=True):
        index = slices.most_telling(slices.read(reference[case]).array, [])
        gray = slices.gray(slices.read(file).array[index])
        for axis, column in zip(row, columns, strict=True):
            label_map = slices.read(column.label_maps[case]).array[index] if column.label_maps else np.zeros_like(gray)
            axis.imshow(slices.blend(gray, label_map, list(labels)), interpolation="nearest")
            axis.set(xticks=[], yticks=[], xlabel=column.captions.get(case, ""))
            axis.spines[:].set_visible(False)
        row[0].set_ylabel(case.removesuffix(".nii.gz"))
    for axis, column in zip(axes[0], columns, strict=True):
        axis.set_title(column.heading, fontsize=10)
    handles = [Patch(color=slices.label_colour(i), label=name) for i, name in enumerate(labels.values())]
    figure.legend(handles=handles, loc="outside lower center", ncols=max(1, len(handles)), frameon=False)
    with matplotlib.rc_context({"savefig.facecolor": "white"}):
        figure.savefig(target)
