import io
from dataclasses import replace
from pathlib import Path

import comparisons
import numpy as np
import pytest
from matplotlib.image import imread

from benchmarks import packed
from nnunet_lunet import numbers
from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.compare.page import drawing, figures, marks, shown
from nnunet_lunet.compare.record import FOREGROUND, Cost, LearningCurve, Score

REPOSITORY = Path(__file__).parents[3]


def test_the_pareto_front_is_what_no_other_beats():
    random = np.random.default_rng(0)
    for _ in range(50):
        points = {str(n): (int(random.integers(1, 8)), int(random.integers(1, 8)) / 8) for n in range(10)}
        unbeaten = {
            points[a]
            for a in points
            if not any(
                points[b] != points[a] and points[b][0] <= points[a][0] and points[b][1] >= points[a][1] for b in points
            )
        }
        front = [points[name] for name in shown.pareto_front(points)]
        assert set(front) == unbeaten and front == sorted(front) and len(set(front)) == len(front)


def test_differences_are_paired_by_case_and_means_over_runs(tmp_path):
    values: dict[str, dict[str, list[float | None]]] = {
        "U": {"a": [0.5], "b": [0.8]}, "L": {"a": [0.6, 0.8], "c": [0.9], "b": [None]}, "M": {"c": [0.1]},
    }  # fmt: skip
    scores = [
        Score(model, "0", seed, case, FOREGROUND, {"dice": dice, "hausdorff95": None, "surface_dice": None})
        for model, cases in values.items()
        for case, found in cases.items()
        for seed, dice in enumerate(found)
    ]
    comparison = comparisons.make(tmp_path, names=list(values), worst=0, scores=scores)
    assert shown.differences(comparison) == {"L": {"a": pytest.approx(0.2)}}


def test_a_picture_of_the_main_figure(tmp_path):
    comparison = comparisons.make(tmp_path, worst=0)
    figure = drawing.figure(figures.dice_against_parameters, comparison)
    assert figure is not None
    picture = imread(io.BytesIO(drawing.png(figure)))[..., :3]
    assert picture.shape[1] == 2000
    for mark in marks.marks(comparison).values():
        colour = np.array([int(mark.colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        assert (abs(picture - colour).max(axis=-1) < 0.02).sum() > 1000


def test_without_parameters_there_is_no_main_figure(tmp_path):
    models = [comparisons.make(tmp_path, worst=0).models[0]]
    unknown = [type(models[0])(**{**vars(models[0]), "cost": Cost()})]
    assert drawing.figure(figures.dice_against_parameters, comparisons.make(tmp_path, worst=0, models=unknown)) is None


def test_models_that_did_not_learn_do_not_press_the_others_together(tmp_path):
    comparison = comparisons.make(tmp_path, worst=0)
    failed = [
        type(s)(**{**vars(s), "mean": 0.01, "over_cases": 0.0}) if (s.model, s.metric) == ("LUnet 8", "dice") else s
        for s in comparison.summaries
    ]
    comparison = type(comparison)(**{**vars(comparison), "summaries": failed})
    figure = drawing.figure(figures.dice_against_parameters, comparison)
    assert figure is not None and figure.axes[0].get_ylim()[0] > 0.8
    assert "0.010, below the axis" in drawing.svg(figure).decode()


def test_learning_is_the_mean_of_runs_over_epochs_and_time(tmp_path):
    runs = [
        LearningCurve("U", "0", 0, [2.0, 4.0, 6.0], [0.25, 0.5, 0.75]),
        LearningCurve("U", "0", 1, [4.0, 8.0], [0.75, None]),
        LearningCurve("L", "0", 0, [1.0], [0.5]), LearningCurve("M", "0", 0, [1.0, 2.0], [None, None]),
    ]  # fmt: skip
    comparison = comparisons.make(tmp_path, names=["U", "L", "M"], worst=0, learning=runs)
    seconds, dice = shown.learning(comparison)["U"]
    assert seconds == [3.0, 6.0] and dice == pytest.approx([0.5, np.nan], nan_ok=True)
    assert list(shown.learning(comparison)) == ["U"]
    figure = figures.learning(comparison)
    assert figure is not None
    by_epoch, by_time, _ = figure.axes
    assert tuple(np.asarray(by_epoch.lines[1].get_xydata())[0]) == (1, 0.5)  # the last that is known
    assert np.array_equal(by_epoch.lines[0].get_xdata(), [1, 2])
    assert np.array_equal(by_time.lines[0].get_xdata(), [3.0, 6.0])
    assert (by_epoch.get_xlabel(), by_time.get_xlabel()) == ("epoch", "seconds of training epochs")
    assert figures.learning(comparisons.make(tmp_path, names=["L", "M"], worst=0, learning=runs[2:])) is None


def test_names_are_broken_after_an_underscore_and_shortened_in_the_middle():
    assert drawing.in_two_lines("LUnetTrainer_w8", 20) == "LUnetTrainer_w8"
    assert drawing.in_two_lines("LUnetTrainer_w16_30epochs", 20) == "LUnetTrainer_w16_\n30epochs"
    assert drawing.in_two_lines("x" * 15, 10) == "x" * 10 + "\n" + "x" * 5
    lines = drawing.in_two_lines("a" * 30 + "b" * 30, 10).split("\n")
    assert lines == ["a" * 9 + "…", "b" * 10]


def with_sizes_and_dice(comparison, sizes, dice):
    """With these parameters and mean Dice, a model each."""
    models = [replace(m, cost=Cost(NetworkCost(size))) for m, size in zip(comparison.models, sizes, strict=True)]
    means = dict(zip((model.name for model in models), dice, strict=True))
    summaries = [replace(s, mean=means[s.model], over_cases=0.05) for s in comparison.summaries]
    return replace(comparison, models=models, summaries=summaries)


def circles(axes):
    """Centre and place of each badge, in pixels."""
    found = [line for line in axes.lines if line.get_markersize() == 15]
    ends = [np.ravel([line.get_xdata(), line.get_ydata()]) for line in found]
    return [
        (line.get_transform().transform(end), axes.transData.transform(end))
        for line, end in zip(found, ends, strict=True)
    ]


@pytest.mark.parametrize("dice", [[0.5] * 12, [0.835, 0.836, 0.827, 0.824, 0.82, 0.78] * 2], ids=["equal", "near"])
def test_badges_do_not_hide_each_other_and_stay_at_the_height_of_their_value(tmp_path, dice):
    comparison = comparisons.make(tmp_path, names=[f"model {n}" for n in range(12)], worst=0)
    figure = figures.dice_against_parameters(with_sizes_and_dice(comparison, [1000] * 12, dice))
    assert figure is not None
    figure.draw_without_rendering()
    axes, point = figure.axes[0], figure.dpi / 72
    centres, places = zip(*circles(axes), strict=True)
    apart = [np.hypot(*(a - b)) / point for i, a in enumerate(centres) for b in centres[:i]]
    assert len(centres) == 12 and min(apart) >= 15 - 1e-6
    aside = [(centre - place) / point for centre, place in zip(centres, places, strict=True)]
    assert max(abs(y) for _, y in aside) < 1e-6
    # Of twelve in one place, six stand on each side of it.
    assert max(abs(x) for x, _ in aside) <= 6 * 15 + 1
    assert all(axes.bbox.x0 <= x <= axes.bbox.x1 for x, _ in centres)


def test_badges_of_the_committed_comparison_are_near_their_points():
    comparison = packed.read(REPOSITORY / "benchmarks" / "data" / "table2" / "comparison.json.gz")
    figure = figures.dice_against_parameters(comparison)
    assert figure is not None
    aside = [np.hypot(*(centre - place)) * 72 / figure.dpi for centre, place in circles(figure.axes[0])]
    assert len(aside) == 18 and max(aside) < 2 * 15


def test_one_failed_case_does_not_press_the_others_together(tmp_path):
    comparison = comparisons.make(tmp_path, worst=0, cases=8)
    failed = [
        replace(s, values={**s.values, "dice": 0.01}) if (s.model, s.case) == ("LUnet 8", "case3") else s
        for s in comparison.scores
    ]
    whole, clipped = (
        drawing.figure(figures.ALL["differences"], replace(comparison, scores=scores))
        for scores in (comparison.scores, failed)
    )
    assert whole is not None and clipped is not None
    low, high = whole.axes[0].get_xlim()
    assert clipped.axes[0].get_xlim()[0] > 2 * low and clipped.axes[0].get_xlim()[1] <= 2 * high + 1
    before = shown.differences(comparison)["LUnet 8"]["case3"]
    after = 100 * shown.differences(replace(comparison, scores=failed))["LUnet 8"]["case3"]
    assert after < 100 * before - 50
    # It is told, with its value, and not drawn as a dot.
    assert f"◂ {numbers.signed(after, 1)}" in drawing.svg(clipped).decode()
    dots = [np.asarray(collection.get_offsets()) for collection in clipped.axes[0].collections]
    assert sum(map(len, dots)) == 15 and min(points[:, 0].min() for points in dots) > after + 50


def test_an_interval_beyond_the_axis_ends_in_an_arrow(tmp_path):
    comparison = comparisons.make(tmp_path, worst=0)
    wide = [replace(t, low=-0.9, high=t.difference) if t.model == "LUnet 8" else t for t in comparison.tests]
    heads = {}
    for name, tests in {"narrow": comparison.tests, "wide": wide}.items():
        figure = drawing.figure(figures.ALL["differences"], replace(comparison, tests=tests))
        assert figure is not None and figure.axes[0].get_xlim()[0] > -60
        heads[name] = [line.get_marker() for line in figure.axes[0].lines if line.get_marker() in ("<", ">")]
    assert heads == {"narrow": [], "wide": ["<"]}


def test_dice_of_each_case_is_shown_for_each_model(tmp_path):
    comparison = comparisons.make(tmp_path, worst=0)
    figure = drawing.figure(figures.ALL["distribution"], comparison)
    assert figure is not None
    dots = [np.asarray(collection.get_offsets())[:, 0] for collection in figure.axes[0].collections]
    expected = [sorted(cases.values()) for cases in shown.dice_by_case(comparison).values()]
    assert [sorted(found) for found in dots] == [pytest.approx(values) for values in expected]
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["1  UNet", "2  LUnet 16", "3  LUnet 8"]
