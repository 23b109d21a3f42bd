"""Results as nnU-Net leaves them, of label maps made by hand."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from conftest import Nnunet
from nnunetv2.evaluation.evaluate_predictions import compute_metrics_on_folder
from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO

from nnunet_lunet.host import results

LABELS = {"background": 0, "front": 1, "back": 2}
NAME = "Dataset950_Made"


def box(start, shape=(6, 10, 12), edge=4, value=1):
    """A cube of ``edge`` voxels in an empty volume."""
    volume = np.zeros(shape, np.uint8)
    volume[tuple(slice(first, first + edge) for first in start)] = value
    return volume


def both(index, shift=0):
    """Label 1 low and label 2 high; ``shift`` moves both along the last axis."""
    return np.maximum(box((1, 1, index + shift)), box((1, 6, index + shift), value=2))


@dataclass
class Made:
    """nnU-Net's three folders with references and predictions."""

    root: Path
    spacing: tuple = (1.0, 1.5, 3.0)
    labels: dict = field(default_factory=lambda: LABELS)
    more: dict = field(default_factory=dict)

    def __post_init__(self):
        self.references = self.root / "nnUNet_preprocessed" / NAME / "gt_segmentations"
        self.references.mkdir(parents=True)
        self.describe(self.references.parent)

    def describe(self, folder):
        content = {"name": "Made", "labels": self.labels, "file_ending": ".nii.gz", **self.more}
        (folder / "dataset.json").write_text(json.dumps(content))

    def write(self, file, volume, **geometry):
        """``geometry``: ``Spacing``, ``Origin``, ``Direction`` as SimpleITK's setters take them."""
        file.parent.mkdir(parents=True, exist_ok=True)
        image = sitk.GetImageFromArray(volume)
        for name, value in {"Spacing": self.spacing, **geometry}.items():
            getattr(image, f"Set{name}")(value)
        sitk.WriteImage(image, file)
        return file

    def reference(self, case, volume):
        return self.write(self.references / f"{case}.nii.gz", volume)

    def fold(self, trainer, fold=0, plans="nnUNetPlans", configuration="3d_fullres"):
        return self.root / "nnUNet_results" / NAME / f"{trainer}__{plans}__{configuration}" / f"fold_{fold}"

    def trained(self, trainer, volumes, fold=0, finished=True, **model):
        """Validation of one fold: label map by case, and nnU-Net's own summary of them."""
        folder = self.fold(trainer, fold, **model) / "validation"
        folder.mkdir(parents=True)
        for case, volume in volumes.items():
            self.write(folder / f"{case}.nii.gz", volume)
        if finished:
            labels = results.labels({"labels": self.labels, **self.more})
            compute_metrics_on_folder(
                str(self.references), str(folder), str(folder / "summary.json"), SimpleITKIO(), ".nii.gz",
                list(labels.foreground.values()), labels.ignore, 1,
            )  # fmt: skip
        return folder.parent


@pytest.fixture
def make(tmp_path):
    """Makes :class:`Made`; this process sees its folders."""
    root = tmp_path / "of a lab"
    with Nnunet(root, NAME).active():
        yield lambda **options: Made(root, **options)
