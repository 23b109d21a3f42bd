import json

import numpy as np
import SimpleITK as sitk

from nnunet_lunet.datasets import synthetic


def voxels(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(path))


def test_the_same_seed_gives_the_same_voxels_and_another_seed_others(tmp_path):
    for name, seed in (("Task01_A", 1), ("Task01_B", 1), ("Task01_C", 2)):
        synthetic.write_msd(tmp_path / name, n_cases=2, seed=seed)
    for kind in ("imagesTr", "labelsTr"):
        first, again, other = (voxels(tmp_path / f"Task01_{x}" / kind / "phantom_001.nii.gz") for x in "ABC")
        assert np.array_equal(first, again)
        assert first.shape != other.shape or not np.array_equal(first, other)


def test_decathlon_layout(tmp_path):
    synthetic.write_msd(tmp_path / "Task01_A", n_cases=3, seed=1)
    description = json.loads((tmp_path / "Task01_A" / "dataset.json").read_text())
    assert description["numTraining"] == len(description["training"]) == 3
    for case in description["training"]:
        image, label = (voxels(tmp_path / "Task01_A" / case[kind]) for kind in ("image", "label"))
        assert image.shape == label.shape
        assert set(np.unique(label)) == {int(value) for value in description["labels"]}


def test_two_structures_touch_and_brightness_alone_does_not_find_them():
    for seed in range(5):
        image, label = synthetic.phantom(np.random.default_rng(seed))
        touching = (label[:-1] == 1) & (label[1:] == 2)
        assert touching.sum() > 20
        # The best threshold pair over all brightnesses still misses or adds a lot.
        edges = np.quantile(image, np.linspace(0, 1, 60))
        foreground = label > 0
        best = max(
            2 * (inside & foreground).sum() / (inside.sum() + foreground.sum())
            for low in edges[:-1:4]
            for high in edges[1::4]
            if low < high and (inside := (image > low) & (image < high)).any()
        )
        assert best < 0.8
