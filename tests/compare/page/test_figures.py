import io

import comparisons
import numpy as np
import pytest
from matplotlib.image import imread

from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.compare.page import drawing, figures, marks, shown
from nnunet_lunet.compare.record import FOREGROUND, Cost, LearningCurve, Score


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
    png = drawing.png(figures.dice_against_parameters, comparison)
    assert png is not None
    picture = imread(io.BytesIO(png))[..., :3]
    assert picture.shape[1] == 2000
    for mark in marks.marks(comparison).values():
        colour = np.array([int(mark.colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        assert (abs(picture - colour).max(axis=-1) < 0.02).sum() > 1000


def test_without_parameters_there_is_no_main_figure(tmp_path):
    models = [comparisons.make(tmp_path, worst=0).models[0]]
    unknown = [type(models[0])(**{**vars(models[0]), "cost": Cost()})]
    assert drawing.png(figures.dice_against_parameters, comparisons.make(tmp_path, worst=0, models=unknown)) is None


def test_models_that_did_not_learn_do_not_press_the_others_together(tmp_path):
    comparison = comparisons.make(tmp_path, worst=0)
    failed = [
        type(s)(**{**vars(s), "mean": 0.01, "over_cases": 0.0}) if (s.model, s.metric) == ("LUnet 8", "dice") else s
        for s in comparison.summaries
    ]
    comparison = type(comparison)(**{**vars(comparison), "summaries": failed})
    svg = drawing.svg(figures.dice_against_parameters, comparison)
    assert svg is not None and "0.010, below the axis" in svg.decode()
    figure = figures.dice_against_parameters(comparison)
    assert figure is not None and figure.axes[0].get_ylim()[0] > 0.8


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


def test_badges_do_not_hide_each_other(tmp_path):
    names = [f"model {n}" for n in range(12)]
    comparison = comparisons.make(tmp_path, names=names, worst=0)
    models = [type(m)(**{**vars(m), "cost": Cost(NetworkCost(1000))}) for m in comparison.models]
    summaries = [type(s)(**{**vars(s), "mean": 0.5}) for s in comparison.summaries]
    figure = figures.dice_against_parameters(
        type(comparison)(**{**vars(comparison), "models": models, "summaries": summaries})
    )
    assert figure is not None
    figure.draw_without_rendering()
    axes = figure.axes[0]
    circles = [line for line in axes.lines if line.get_markersize() == 15]
    centres = [line.get_transform().transform(np.ravel([line.get_xdata(), line.get_ydata()])) for line in circles]
    apart = [np.hypot(*(a - b)) * 72 / figure.dpi for i, a in enumerate(centres) for b in centres[:i]]
    assert len(centres) == 12 and min(apart) >= 15
