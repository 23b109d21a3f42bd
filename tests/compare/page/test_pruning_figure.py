"""The figure and the section of pruning runs."""

import io
from dataclasses import replace
from itertools import pairwise

import browser
import comparisons
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from nnunet_lunet.compare.page import document, drawing, figures, marks, pruning_figure, shown
from nnunet_lunet.compare.record import Cost, PruningRun

NAMES = ["UNet", "Pruned", "LUnet 8"]
SIZES = [4_000_000, 4_000_000, 2_000_000, 2_000_000, 500_000]
DICE = [0.2, 0.8, 0.7, 0.75, 0.3]


def run(dice=tuple(DICE), fold="0", kept=(("50", 3),), sizes=tuple(SIZES)):
    return PruningRun("Pruned", fold, None, list(sizes), [1000 * size for size in sizes], list(dice), dict(kept))


@pytest.fixture
def comparison(tmp_path):
    return comparisons.make(tmp_path / "data", names=NAMES, worst=0, pruning=[run()])


def test_a_line_has_the_last_epoch_of_each_network(comparison):
    (line,) = shown.pruning(comparison)
    assert [(point.parameters, point.pseudo_dice) for point in line.points] == [
        (4_000_000, 0.8), (2_000_000, 0.75), (500_000, 0.3),
    ]  # fmt: skip
    assert [point.pseudo_dice for point in line.epochs] == DICE
    assert line.kept == {"50": (2_000_000, 2_000_000_000, 0.75)}


def test_epochs_without_pseudo_dice_are_passed_over(comparison):
    runs = [run([0.2, 0.8, 0.7, None, 0.3]), run([None] * 5, "1")]
    (line,) = shown.pruning(replace(comparison, pruning=runs))
    assert [point.pseudo_dice for point in line.points] == [0.8, 0.7, 0.3] and line.kept == {}


def test_of_many_networks_neighbours_are_their_mean_and_the_ends_stand_alone(comparison):
    sizes = list(range(2002, 1880, -1))
    dice = [0.5] + [0.6, 0.8] * 60 + [0.1]
    (line,) = shown.pruning(replace(comparison, pruning=[run(dice, kept=(), sizes=sizes)]))
    assert len(line.points) == 62 and len(line.epochs) == 122
    assert line.points[0] == (2002, 2_002_000, 0.5) and line.points[-1] == (1881, 1_881_000, 0.1)
    assert line.points[1] == pytest.approx((2000.5, 2_000_500, 0.7))


def test_a_line_is_the_mean_of_a_models_runs(comparison):
    smaller = [*SIZES[:2], *(size - 400_000 for size in SIZES[2:])]
    second = run([0.1, 0.6, 0.5, 0.65, 0.2], "1", sizes=smaller)
    (line,) = shown.pruning(replace(comparison, pruning=[run(), second]))
    assert [point.parameters for point in line.points] == [4_000_000, 1_800_000, 300_000]
    assert [point.pseudo_dice for point in line.points] == pytest.approx([0.7, 0.7, 0.25])
    assert len(line.epochs) == 10 and line.kept["50"] == pytest.approx((1_800_000, 1_800_000_000, 0.7))


def test_lines_of_models_and_validated_dice_of_all(comparison):
    other = replace(run([0.1, 0.7, 0.6, 0.65, 0.2]), model="LUnet 8")
    comparison = replace(comparison, pruning=[run(), other])
    figure = pruning_figure.dice_along_pruning(comparison)
    assert figure is not None
    for axis, axes in enumerate(figure.axes[:2]):
        drawn = [line for line in (np.asarray(one.get_xydata()) for one in axes.lines) if len(line) == 3]
        assert [line[:, 1].tolist() for line in drawn] == [[0.8, 0.75, 0.3], [0.7, 0.65, 0.2]]
        assert drawn[0][:, 0].tolist() == [SIZES[1] * 1000**axis, SIZES[3] * 1000**axis, SIZES[4] * 1000**axis]
        # The dots of the first epochs are below the axis, all else is above.
        assert 0.1 < axes.get_ylim()[0] < 0.2
        badges = {text.get_text() for text in axes.texts}
        assert badges == {"1", "2", "3", "50"}
    assert figure.axes[0].get_ylabel() == "pseudo Dice, of random patches during training"
    key = " ".join(text.get_text() for text in figure.axes[2].texts)
    assert "validated Dice, of whole cases\n(another measure" in key


def test_a_model_of_unknown_size_has_no_number_in_the_panels(comparison):
    models = [replace(m, cost=Cost()) if m.name == "LUnet 8" else m for m in comparison.models]
    figure = pruning_figure.dice_along_pruning(replace(comparison, models=models))
    assert figure is not None and {text.get_text() for text in figure.axes[0].texts} == {"1", "2", "50"}


def test_without_pruning_runs_there_is_neither_figure_nor_section(comparison):
    none = replace(comparison, pruning=[])
    assert drawing.figure(figures.ALL["dice_along_pruning"], none) is None
    assert b"Along the pruning runs" not in written(none)
    # All that is known of this run is its sizes.
    unknown = replace(comparison, pruning=[run([None] * 5)])
    assert drawing.figure(figures.ALL["dice_along_pruning"], unknown) is None
    assert b"Along the pruning runs" in written(unknown)


def written(comparison):
    buffer = io.BytesIO()
    document.write(comparison, buffer)
    return buffer.getvalue()


@pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium (apt-get install chromium)")
@pytest.mark.parametrize("width", [1400, 500])
def test_the_browser_shows_the_section(comparison, tmp_path, width):
    rendered = browser.render(written(comparison), tmp_path / "browser", width=width)
    probe = rendered.probe
    assert probe["width"] == width
    assert probe["loaded"] == probe["violations"] == probe["errors"] == []
    assert all(image["loaded"] for image in probe["images"])
    assert "pseudo Dice, of random patches" in " ".join(probe["text"].split()).lower().replace("dice", "Dice")
    row = "2 Pruned 0.800 epoch 2 of 5 4,000,000 100 % 4 G 0.300 500,000 12.5 % 500 M"
    assert row in probe["rows"]
    picture = rendered.region("Curves of pseudo Dice")
    colour = np.round(255 * np.array(to_rgb(marks.marks(comparison)["Pruned"].colour)))
    found = (abs(picture - colour) <= 8).all(axis=-1)
    thirds = np.array_split(found, 3, axis=1)
    assert min(part.sum() for part in thirds) > (60 if width == 1400 else 5)


def test_the_picture_is_a_png_as_others_are(comparison):
    figure = drawing.figure(figures.ALL["dice_along_pruning"], comparison)
    assert figure is not None and imread(io.BytesIO(drawing.png(figure))).shape[1] == 2000


@pytest.mark.parametrize("factor", [1, 1.15, 1.5, 2, 4, 40])
def test_numbers_on_the_axes_do_not_touch(tmp_path, factor):
    sizes = [57_100, round(57_100 / factor), 57_000]
    comparison = comparisons.make(tmp_path, names=["Pruned"], worst=0, pruning=[run(DICE[:3], kept=(), sizes=sizes)])
    models = [replace(model, cost=Cost()) for model in comparison.models]
    with drawing.style():
        figure = pruning_figure.dice_along_pruning(replace(comparison, models=models))
        assert figure is not None
        figure.draw_without_rendering()
    for axes in figure.axes[:2]:
        low, high = axes.get_xlim()
        labels = [
            label.get_window_extent()
            for label, place in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)
            if low <= place <= high and label.get_text()
        ]
        assert len(labels) >= 2
        assert all(right.x0 > left.x1 for left, right in pairwise(labels))
