import numpy as np
import pytest
import SimpleITK as sitk

from nnunet_lunet.pictures import slices


def test_the_patient_lies_the_same_way_however_the_file_is_stored(tmp_path):
    array = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((1.0, 2.0, 3.0))
    for orientation in ("LPS", "RAS", "PIR"):
        sitk.WriteImage(sitk.DICOMOrient(image, orientation), tmp_path / "image.nii.gz")
        volume = slices.read(tmp_path / "image.nii.gz")
        assert np.array_equal(volume.array, array)
        assert volume.spacing == pytest.approx((3, 2, 1))


def test_a_flat_image_is_one_slice_and_of_several_channels_the_first_counts(tmp_path):
    array = np.random.default_rng(0).integers(0, 255, (5, 6, 3)).astype(np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=True), tmp_path / "colour.png")
    assert np.array_equal(slices.read(tmp_path / "colour.png").array, array[None, ..., 0])
    four = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(part) for part in four]), tmp_path / "four.nii.gz")
    assert np.array_equal(slices.read(tmp_path / "four.nii.gz").array, four[0])


def test_labels_have_their_colour_and_the_rest_stays_gray():
    label_map = np.array([[0, 1], [2, 3]])
    rgb = slices.blend(np.full((2, 2), 0.5), label_map, [1, 3])
    # 0.4 x 0.5 + 0.6 x #E69F00 and #56B4E9.
    assert rgb[0, 1] == pytest.approx(0.2 + 0.6 * np.array([0xE6, 0x9F, 0]) / 255)
    assert rgb[1, 1] == pytest.approx(0.2 + 0.6 * np.array([0x56, 0xB4, 0xE9]) / 255)
    assert (rgb[0, 0] == 0.5).all() and (rgb[1, 0] == 0.5).all()


def test_a_few_bright_voxels_do_not_make_the_rest_black():
    image = np.tile(np.linspace(0, 1, 100), (100, 1))
    image[0, 0] = 1e6
    assert slices.gray(image).mean() == pytest.approx(0.5, abs=0.02)
    assert (slices.gray(np.ones((3, 3))) == 0).all()
