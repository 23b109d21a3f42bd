import pytest

from nnunet_lunet.compare import margins
from nnunet_lunet.errors import UserError


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([], {"dice": 0.01}),
        (["0.02"], {"dice": 0.02}),
        (["dice=0.02", "hausdorff95=1.5", "surface_dice=0.1"], {"dice": 0.02, "hausdorff95": 1.5, "surface_dice": 0.1}),
        (["hausdorff95=20"], {"hausdorff95": 20}),
    ],
)  # fmt: skip
def test_margins_by_metric(given, found):
    assert margins.read(given) == found


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["0"], "--margin 0: give a difference above 0 and below 0.5"),
        (["0.5"], "--margin 0.5: give a difference above 0 and below 0.5"),
        (["nan"], "--margin nan"),
        (["much"], "--margin much"),
        (["hausdorff95=0"], "--margin hausdorff95=0: give mm, above 0"),
        (["hausdorf95=1"], "no metric 'hausdorf95': did you mean hausdorff95?"),
        (["0.01", "dice=0.02"], "--margin dice=0.02: dice has a margin already"),
    ],
)
def test_margins_that_say_nothing_are_refused(given, told):
    with pytest.raises(UserError, match=told.replace("?", r"\?")):
        margins.read(given)


def test_large_margins_are_asked_about():
    assert margins.large({"dice": 0.1, "hausdorff95": 30}) is None
    question = margins.large({"dice": 0.3, "surface_dice": 0.01})
    assert question == "--margin dice 0.3: more than 10 points worse would still count as no worse"
