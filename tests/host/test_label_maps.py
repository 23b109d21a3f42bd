import imageio.v3 as iio
import numpy as np
import pytest
from nnunetv2.imageio.natural_image_reader_writer import NaturalImage2DIO
from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import label_maps
from nnunet_lunet.host.label_maps import LabelMapError

VOLUME = np.zeros((4, 5, 6), np.uint8)
TURNED = (0, 1, 0, 1, 0, 0, 0, 0, 1)


@pytest.fixture
def written(make, tmp_path):
    made = make()
    return lambda name, volume=VOLUME, **geometry: label_maps.read(
        SimpleITKIO(), made.write(tmp_path / name, volume, **geometry)
    )


def test_spacing_goes_with_the_axes_of_the_array(written):
    found = written("a.nii.gz", Spacing=(0.5, 2.0, 3.0))
    assert (found.array.shape, found.spacing) == ((4, 5, 6), (3.0, 2.0, 0.5))


@pytest.mark.parametrize(
    ("what", "volume", "geometry"),
    [
        ("size", VOLUME[:3], {}),
        ("spacing", VOLUME, {"Spacing": (1.0, 1.5, 3.1)}),
        ("origin", VOLUME, {"Origin": (0.0, 0.0, 1.0)}),
        ("direction", VOLUME, {"Direction": TURNED}),
    ],
)
def test_another_place_in_space_is_refused(written, what, volume, geometry):
    reference, prediction = written("reference.nii.gz"), written("odd name.nii.gz", volume, **geometry)
    with pytest.raises(LabelMapError, match=rf"odd name\.nii\.gz: its {what} \(.*reference\.nii\.gz"):
        label_maps.check_same_space(prediction, reference)


def test_rounding_in_headers_is_not_another_place(written):
    reference = written("reference.nii.gz")
    label_maps.check_same_space(written("a.nii.gz", Spacing=(1.00001, 1.5, 3), Origin=(1e-5, 0, 0)), reference)


def test_unknown_labels_are_refused(written):
    volume = VOLUME.copy()
    volume[0, 0, 0] = 7
    found = written("a.nii.gz", volume)
    with pytest.raises(LabelMapError, match=r"a\.nii\.gz has label 7: .* are 0, 1"):
        label_maps.check_values(found, frozenset({0, 1}))
    label_maps.check_values(found, frozenset({0, 1, 7}))


@pytest.mark.parametrize("left", [0, 20, 200, -5])
def test_a_cut_off_file_is_told_by_name(written, left):
    file = written("a.nii.gz", np.random.default_rng(0).integers(0, 2, (30, 30, 30), np.uint8)).file
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(LabelMapError, match=r"a\.nii\.gz cannot be read"):
        label_maps.read(SimpleITKIO(), file)


def test_an_example_that_no_reader_reads_is_told_by_name(tmp_path):
    (tmp_path / "a.nii.gz").write_text("no image")
    with pytest.raises(UserError, match=r"a\.nii\.gz cannot be read"):
        label_maps.reader_class({"file_ending": ".nii.gz"}, tmp_path / "a.nii.gz")


def test_a_slice_is_flat_and_png_has_pixels_of_one(tmp_path):
    iio.imwrite(tmp_path / "a.png", np.eye(5, 7, dtype=np.uint8))
    reader = label_maps.reader_class({"file_ending": ".png"}, tmp_path / "a.png")
    assert reader is NaturalImage2DIO
    found = label_maps.read(reader(), tmp_path / "a.png")
    assert (found.array.shape, found.spacing, found.geometry) == ((5, 7), (1, 1), {})


def test_a_colour_picture_is_no_label_map(tmp_path):
    iio.imwrite(tmp_path / "a.png", np.zeros((5, 7, 3), np.uint8))
    with pytest.raises(LabelMapError, match="3 channels"):
        label_maps.read(NaturalImage2DIO(), tmp_path / "a.png")
