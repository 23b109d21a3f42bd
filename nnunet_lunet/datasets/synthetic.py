"""Synthetic data: a small data set with something to learn, and fingerprints of data sets of any size."""

import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

#: Median volume edge in voxels; each case differs a little.
EDGE = 36


def write_msd(folder: Path, n_cases: int, seed: int) -> None:
    """Write ``n_cases`` volumes ``(D, H, W)`` and their references as one Decathlon task.

    Two touching, smoothly deformed structures (labels 1 and 2) lie among blobs of similar brightness, under a
    bias field and noise: brightness alone does not separate them.

    :param folder: named ``TaskXX_Name`` as the Decathlon does; must not exist
    :param seed: the same seed gives the same voxels
    """
    for name in ("imagesTr", "labelsTr", "imagesTs"):
        (folder / name).mkdir(parents=True)
    names = [f"phantom_{index:03d}.nii.gz" for index in range(n_cases)]
    for index, name in enumerate(names):
        image, label = phantom(np.random.default_rng([seed, index]))
        for kind, volume in (("imagesTr", image), ("labelsTr", label)):
            sitk.WriteImage(sitk.GetImageFromArray(volume), folder / kind / name)
    description = {
        "name": folder.name.partition("_")[2],
        "description": "Synthetic phantoms: two touching structures, noise and bias field",
        "tensorImageSize": "3D",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "front", "2": "back"},
        "numTraining": n_cases,
        "numTest": 0,
        "training": [{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names],
        "test": [],
    }
    (folder / "dataset.json").write_text(json.dumps(description, indent=1))


def write_fingerprint(
    raw: Path, preprocessed: Path, shape: tuple[int, int, int], spacing: tuple[float, float, float], n_cases: int
) -> None:
    """What nnU-Net's planners read of a data set, and no image: all cases alike, one CT channel, two classes.

    :param raw: the data set's folder in ``nnUNet_raw``; must not exist
    :param preprocessed: its folder in ``nnUNet_preprocessed``
    :param shape: voxels of each case
    :param spacing: in mm, by the same axes
    """
    (raw / "imagesTr").mkdir(parents=True)
    (raw / "imagesTr" / "case_0000.nii.gz").touch()
    preprocessed.mkdir(parents=True, exist_ok=True)
    description = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, "first": 1, "second": 2},
        "numTraining": n_cases,
        "file_ending": ".nii.gz",
        "overwrite_image_reader_writer": "SimpleITKIO",
    }
    intensities = {"max": 1.0, "mean": 0.0, "median": 0.0, "min": -1.0, "std": 1.0}
    fingerprint = {
        "spacings": [spacing] * n_cases,
        "shapes_after_crop": [shape] * n_cases,
        "median_relative_size_after_cropping": 1.0,
        "foreground_intensity_properties_per_channel": {
            "0": {**intensities, "percentile_00_5": -1.0, "percentile_99_5": 1.0}
        },
    }
    (raw / "dataset.json").write_text(json.dumps(description))
    (preprocessed / "dataset_fingerprint.json").write_text(json.dumps(fingerprint))


def phantom(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One image ``(D, H, W)`` float32 and its label map uint8, edges of 32 to 40 voxels."""
    shape = tuple(int(edge) for edge in rng.integers(EDGE - 4, EDGE + 5, size=3))
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, edge) for edge in shape), indexing="ij"))
    warped = grid + np.stack([_smooth(rng, shape, sigma=7, amplitude=0.12) for _ in range(3)])
    centred = warped - rng.uniform(-0.15, 0.15, size=3)[:, None, None, None]

    radii = rng.uniform((0.55, 0.3, 0.3), (0.75, 0.45, 0.45))[:, None, None, None]
    inside = np.sum((centred / radii) ** 2, axis=0) < 1
    label = np.where(inside, np.where(centred[0] < rng.uniform(-0.1, 0.1), 1, 2), 0).astype(np.uint8)

    blobs = _smooth(rng, shape, sigma=3.5, amplitude=1.0) > 1.1
    brightness = np.where(blobs, 1.0, 0.25) + 0.15 * _smooth(rng, shape, sigma=2, amplitude=1.0)
    brightness = np.where(label == 1, 0.85, np.where(label == 2, 1.1, brightness))
    bias = np.exp(_smooth(rng, shape, sigma=10, amplitude=0.2))
    image = ndimage.gaussian_filter(brightness, 0.7) * bias + rng.normal(0, 0.1, shape)
    return (100 * image).astype(np.float32), label


def _smooth(rng: np.random.Generator, shape: tuple[int, ...], sigma: float, amplitude: float) -> np.ndarray:
    """Smooth noise of the given standard deviation."""
    field = ndimage.gaussian_filter(rng.normal(size=shape), sigma, mode="wrap")
    return amplitude * field / field.std()
