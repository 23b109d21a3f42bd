import pytest

from nnunet_lunet.architectures import widths


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("flat", [32, 32, 32, 32, 32, 32]),
        ("linear", [32, 64, 96, 128, 160, 192]),
        ("doubling", [32, 64, 128, 256, 320, 320]),
    ],
)
def test_profiles_of_the_default_3d_network(profile, expected):
    assert widths.resolve(32, profile, 6, dim=3) == expected


def test_doubling_stops_at_nnunets_limit_for_the_dimension():
    assert widths.resolve(32, "doubling", 8, dim=2) == [32, 64, 128, 256, 512, 512, 512, 512]


def test_a_first_stage_wider_than_the_limit_is_kept():
    assert widths.resolve(400, "doubling", 3, dim=3) == [400, 400, 400]


def test_an_explicit_list_is_taken_as_it_is():
    assert widths.resolve([5, 3, 8], None, 3, dim=3) == [5, 3, 8]


@pytest.mark.parametrize(
    ("features", "profile", "says"),
    [([4, 4], None, "3 numbers"), ([4, 0, 4], None, "at least 1"), ([4, 4, 4], "flat", "no meaning"),
     (0, "flat", "at least 1"), (4, "wavy", "flat, linear, doubling")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(features, profile, says):
    with pytest.raises(ValueError, match=says):
        widths.resolve(features, profile, 3, dim=3)
