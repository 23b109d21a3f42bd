"""Tolerances of surface Dice, by label."""

import pytest

from nnunet_lunet.compare import tolerances
from nnunet_lunet.errors import UserError

LABELS = ("Anterior", "Posterior")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], [1, 1]), (["2"], [2, 2]), (["Anterior=1.5"], [1.5, 1]), (["Posterior=3", "2"], [2, 3]),
        (["Anterior=0", "Posterior=3"], [0, 3]),
    ],
)  # fmt: skip
def test_a_label_has_its_own_or_that_of_all_or_one_millimetre(given, expected):
    assert tolerances.read(given, LABELS) == dict(zip(LABELS, expected, strict=True))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["-1"], "--tolerance -1: give mm"), (["nan"], "--tolerance nan: give mm"), (["Anterior"], "or LABEL=MM"),
        (["Anterior="], "--tolerance Anterior=: give mm"), (["1", "2"], "of all labels is given twice"),
        (["Anterior=1", "Anterior=2"], "--tolerance of Anterior is given twice"),
        (["Anteriro=1"], "no label 'Anteriro': did you mean Anterior?"),
        (["x=1"], "no label 'x': there are Anterior, Posterior"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_line(given, says):
    with pytest.raises(UserError) as error:
        tolerances.read(given, LABELS)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_what_the_reader_is_told():
    assert tolerances.told({"Anterior": 1.0, "Posterior": 1.0}) == "1 mm"
    assert tolerances.told({"Anterior": 1.0, "Posterior": 1.5}) == "1 mm (Anterior) and 1.5 mm (Posterior)"


def test_a_tolerance_below_a_voxel_is_told_with_the_cases_it_is_so_in():
    edges = {"a": 1.0, "b": 1.5, "c": 1.0000001}
    assert tolerances.below_voxels({"Anterior": 1.5}, edges) == []
    (said,) = tolerances.below_voxels({"Anterior": 1.0, "Posterior": 2.0}, edges)
    assert "1 mm (Anterior), is below the voxel size of 1 of 3 cases (shortest edge up to 1.5 mm)" in said
    assert len(tolerances.below_voxels({"Anterior": 0.5, "Posterior": 0.2}, edges)) == 2
