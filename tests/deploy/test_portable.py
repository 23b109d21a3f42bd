"""What the portable program does between files, step by step against nnU-Net's own functions."""

import itertools

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from nnunetv2.imageio.natural_image_reader_writer import NaturalImage2DIO
from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO
from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape
from nnunetv2.inference.sliding_window_prediction import compute_steps_for_sliding_window
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

from nnunet_lunet.deploy.portable import images, preprocessing, segmentation, windows
from nnunet_lunet.deploy.portable.errors import PortableError
from nnunet_lunet.deploy.portable.images import Image
from nnunet_lunet.deploy.portable.model import Channel, Model, Resampling

INTENSITY = {"mean": 40.0, "std": 25.0, "percentile_00_5": -20.0, "percentile_99_5": 130.0}
#: Name, shape of the image, its spacing, target spacing, transposition: what resampling and axes can meet.
KINDS = [
    ("isotropic", (17, 22, 19), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (0, 1, 2)),
    ("finer", (17, 22, 19), (1.2, 0.9, 1.1), (0.8, 0.8, 0.8), (0, 1, 2)),
    ("anisotropic", (7, 33, 30), (8.0, 1.3, 1.4), (9.0, 1.0, 1.0), (0, 1, 2)),
    ("anisotropic in the end", (12, 33, 30), (2.0, 1.3, 1.4), (6.0, 1.0, 1.0), (0, 1, 2)),
    ("turned", (33, 30, 7), (1.3, 1.4, 8.0), (8.0, 1.0, 1.0), (2, 0, 1)),
    ("two fine axes", (20, 20, 9), (0.3, 0.3, 1.2), (0.4, 0.4, 1.2), (0, 1, 2)),
    ("slices", (6, 33, 30), (5.0, 1.3, 1.4), (1.0, 1.0), (0, 1, 2)),
    ("a picture", (1, 40, 30), (999, 1, 1), (1.0, 1.0), (0, 1, 2)),
]
NORMALIZATIONS = [
    "ZScoreNormalization", "CTNormalization", "NoNormalization", "RescaleTo01Normalization", "RGBTo01Normalization"
]  # fmt: skip


def made(shape, channels=1, seed=0):
    """Smooth values inside an empty margin, so that cropping and masks have something to do."""
    rng = np.random.default_rng(seed)
    array = rng.uniform(0, 200, (channels, *shape)).astype(np.float32).round()
    array[:, :, :3] = 0
    array[..., -2:] = 0
    array[:, :, 8:11, 8:11] = 0  # a hole, which belongs to the mask
    return array


def model(kind, normalizations, use_mask=False, regions=None, classes=3):
    _, _, _, target, forward = kind
    return Model(
        channels=[Channel(str(i), name, use_mask, INTENSITY) for i, name in enumerate(normalizations)],
        classes=classes, regions=regions, labels={}, file_ending=".nii.gz", reader="SimpleITKIO", spacing=target,
        transpose_forward=forward, transpose_backward=tuple(int(axis) for axis in np.argsort(forward)),
        patch_size=(8,) * len(target), mirror_axes=(), image_resampling=Resampling(3, 0, None),
        logits_resampling=Resampling(1, 0, None), networks=[],
    )  # fmt: skip


def stock(kind, normalizations, use_mask=False):
    """nnU-Net's own managers of the same model."""
    _, _, _, target, forward = kind
    how = "resample_data_or_seg_to_shape"
    configuration = {
        "spacing": list(target), "normalization_schemes": list(normalizations), "patch_size": [8] * len(target),
        "use_mask_for_norm": [use_mask] * len(normalizations), "preprocessor_name": "DefaultPreprocessor",
        "resampling_fn_data": how, "resampling_fn_seg": how, "resampling_fn_probabilities": how,
        "resampling_fn_data_kwargs": {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None},
        "resampling_fn_seg_kwargs": {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None},
        "resampling_fn_probabilities_kwargs": {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None},
        "architecture": {"network_class_name": "", "arch_kwargs": {}, "_kw_requires_import": []},
    }  # fmt: skip
    plans = PlansManager({
        "configurations": {"it": configuration}, "transpose_forward": list(forward),
        "transpose_backward": [int(axis) for axis in np.argsort(forward)], "plans_name": "", "dataset_name": "",
        "foreground_intensity_properties_per_channel": {str(i): INTENSITY for i in range(len(normalizations))},
        "label_manager": "LabelManager",
    })  # fmt: skip
    return plans, plans.get_configuration("it")


def both(kind, array, normalizations, use_mask=False):
    """The array that a network sees: ours, and nnU-Net's with its properties."""
    ours = preprocessing.prepare(Image(array, kind[2], None), model(kind, normalizations, use_mask))
    plans, configuration = stock(kind, normalizations, use_mask)
    properties = {"spacing": list(kind[2])}
    theirs, _, properties = DefaultPreprocessor(verbose=False).run_case_npy(
        array, None, properties, plans, configuration, {}
    )
    return ours, theirs, properties


@pytest.mark.parametrize("kind", KINDS, ids=[kind[0] for kind in KINDS])
def test_a_network_sees_what_nnunet_shows_it(kind):
    ours, theirs, properties = both(kind, made(kind[1], channels=2), ["ZScoreNormalization", "CTNormalization"])
    assert ours.array.shape == theirs.shape and ours.array.dtype == theirs.dtype == np.float32
    assert np.abs(ours.array - theirs).max() < 1e-4
    assert [[part.start, part.stop] for part in ours.box] == properties["bbox_used_for_cropping"]


@pytest.mark.parametrize("use_mask", [False, True], ids=["everywhere", "inside the mask"])
@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_every_normalisation_is_nnunets(name, use_mask):
    ours, theirs, _ = both(KINDS[0], made(KINDS[0][1]), [name], use_mask)
    assert np.abs(ours.array - theirs).max() < 1e-5
    assert set(NORMALIZATIONS) == set(preprocessing.NORMALIZATIONS)


def test_an_empty_image_is_kept_whole():
    ours, theirs, _ = both(KINDS[1], np.zeros((1, *KINDS[1][1]), np.float32), ["NoNormalization"])
    assert ours.array.shape == theirs.shape


@pytest.mark.parametrize("regions", [None, [2, 1]], ids=["classes", "regions"])
@pytest.mark.parametrize("kind", KINDS, ids=[kind[0] for kind in KINDS])
def test_logits_become_the_label_map_that_nnunet_makes(kind, regions, monkeypatch):
    monkeypatch.setattr(segmentation, "_AT_ONCE", 4000)  # several slabs
    classes = 2 if regions else 3
    prepared, theirs, properties = both(kind, made(kind[1]), ["NoNormalization"])
    logits = np.random.default_rng(1).normal(size=(classes, *theirs.shape[1:])).astype(np.float32)
    ours = segmentation.labels(logits, prepared, model(kind, ["NoNormalization"], regions=regions, classes=classes))
    plans, configuration = stock(kind, ["NoNormalization"])
    description = (
        {"labels": {"background": 0, "whole": [1, 2], "part": [1]}, "regions_class_order": [2, 1]}
        if regions else {"labels": {"background": 0, "a": 1, "b": 2}}
    )  # fmt: skip
    expected = convert_predicted_logits_to_segmentation_with_correct_shape(
        torch.from_numpy(logits), plans, configuration, plans.get_label_manager(description), properties
    )
    assert ours.shape == expected.shape == kind[1]
    assert len(np.unique(ours)) == 3 and (ours == expected).mean() > 0.9999


@pytest.mark.parametrize(("patch", "step"), [*itertools.product([(8, 8, 8), (5, 16, 9)], [0.5, 0.3, 1])])
def test_windows_are_where_nnunet_has_them(patch, step):
    shape = (8, 21, 40)
    expected = compute_steps_for_sliding_window(shape, patch, step)
    assert [windows.starts(*axis, step) for axis in zip(shape, patch, strict=True)] == expected
    assert windows.count(shape, patch, step) == np.prod([len(axis) for axis in expected])
    assert windows.count(shape, patch[1:], step) == 8 * np.prod([len(axis) for axis in expected[1:]])


@pytest.mark.parametrize("patch", [(6, 8, 10), (8, 10)], ids=["volumes", "slices"])
def test_a_network_that_changes_nothing_gives_the_image_back_through_windows_mirrors_and_padding(patch):
    array = made((5, 17, 9), channels=2)
    axes = range(len(patch))
    found = windows.predict(array, [lambda x: x, lambda x: 3 * x], 2, patch, axes)
    assert found.shape == array.shape and np.abs(found - 2 * array).max() < 1e-3


def test_mirrored_copies_are_turned_back():
    corner = np.zeros((1, 1, 4, 4), np.float32)
    corner[..., 0, 0] = 8

    def only_left(x):
        """Sees nothing in the right half."""
        x = x.copy()
        x[..., 2:] = 0
        return x

    found = windows.predict(corner, [only_left], 1, (4, 4), mirror_axes=(0, 1))
    assert found[0, 0, 0, 0] == pytest.approx(8 / 2) and found.sum() == pytest.approx(8 / 2)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_volumes_are_read_and_written_as_nnunet_does(tmp_path, ending):
    made_image = sitk.GetImageFromArray(made((5, 12, 13))[0])
    made_image.SetSpacing((0.5, 0.7, 3.0))
    made_image.SetOrigin((-4.0, 2.0, 9.0))
    made_image.SetDirection((0, 1, 0, 1, 0, 0, 0, 0, -1))
    sitk.WriteImage(made_image, str(tmp_path / f"a_0000{ending}"))
    ours = images.read([tmp_path / f"a_0000{ending}"], "SimpleITKIO")
    theirs, properties = SimpleITKIO().read_images([str(tmp_path / f"a_0000{ending}")])
    assert (ours.array == theirs).all() and list(ours.spacing) == pytest.approx(properties["spacing"])
    labels = (theirs[0] > 100).astype(np.uint16)
    images.write(labels, ours, tmp_path / f"ours{ending}")
    SimpleITKIO().write_seg(labels, str(tmp_path / f"theirs{ending}"), properties)
    written, expected = (sitk.ReadImage(str(tmp_path / f"{name}{ending}")) for name in ("ours", "theirs"))
    assert (sitk.GetArrayFromImage(written) == sitk.GetArrayFromImage(expected)).all()
    assert written.GetPixelID() == expected.GetPixelID() and written.GetDirection() == expected.GetDirection()
    assert (written.GetSpacing(), written.GetOrigin()) == (expected.GetSpacing(), expected.GetOrigin())
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a_0000{ending}", f"ours{ending}", f"theirs{ending}"]


@pytest.mark.parametrize("kind", ["grey", "16 bits", "colours"])
def test_pictures_are_read_and_written_as_nnunet_does(tmp_path, kind):
    from skimage import io

    rng = np.random.default_rng(0)
    shape, top, dtype = {
        "grey": ((9, 14), 255, np.uint8), "16 bits": ((9, 14), 60000, np.uint16), "colours": ((9, 14, 3), 255, np.uint8)
    }[kind]  # fmt: skip
    io.imsave(tmp_path / "a_0000.png", rng.integers(0, top, shape, dtype), check_contrast=False)
    ours = images.read([tmp_path / "a_0000.png"], "NaturalImage2DIO")
    theirs, properties = NaturalImage2DIO().read_images([str(tmp_path / "a_0000.png")])
    assert ours.array.dtype == theirs.dtype and (ours.array == theirs).all()
    assert tuple(ours.spacing) == properties["spacing"]
    labels = (theirs[0] > 100).astype(np.uint8)
    images.write(labels, ours, tmp_path / "labels.png")
    assert (io.imread(tmp_path / "labels.png") == labels[0]).all()


def test_what_cannot_be_read_is_one_line_with_its_file(tmp_path):
    (tmp_path / "broken.nii.gz").write_bytes(b"nothing")
    volume = made((4, 12, 13))[0]
    sitk.WriteImage(sitk.GetImageFromArray(volume), str(tmp_path / "good.nii.gz"))
    sitk.WriteImage(sitk.GetImageFromArray(volume[:2]), str(tmp_path / "smaller.nii.gz"))
    sitk.WriteImage(sitk.GetImageFromArray(volume), str(tmp_path / "whole.nii"))
    (tmp_path / "cut.nii").write_bytes((tmp_path / "whole.nii").read_bytes()[:-40])
    (tmp_path / "cut.nii.gz").write_bytes((tmp_path / "good.nii.gz").read_bytes()[:-40])
    volume[0, 0, 0] = np.nan
    for ending in ("nrrd", "nii.gz"):
        sitk.WriteImage(sitk.GetImageFromArray(volume), str(tmp_path / f"nan.{ending}"))
    for names, said in (
        (["broken.nii.gz"], "broken.nii.gz cannot be read"), (["missing.nii.gz"], "missing.nii.gz cannot be read"),
        (["nan.nrrd"], "nan.nrrd has values that are no numbers"), (["cut.nii"], "cut.nii cannot be read: it is cut"),
        (["nan.nii.gz"], "nan.nii.gz has values that are"), (["cut.nii.gz"], "cut.nii.gz cannot be read: it is cut"),
        (["good.nii.gz", "smaller.nii.gz"], "smaller.nii.gz has another size"),
    ):  # fmt: skip
        with pytest.raises(PortableError) as error:
            images.read([tmp_path / name for name in names], "SimpleITKIO")
        assert said in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(PortableError, match="it has 1 channels, and the model 2"):
        preprocessing.prepare(
            images.read([tmp_path / "good.nii.gz"], "SimpleITKIO"), model(KINDS[0], ["NoNormalization"] * 2)
        )
