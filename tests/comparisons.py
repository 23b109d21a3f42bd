"""Comparisons to try reports on: small label maps, and the numbers that follow from them."""

from dataclasses import replace
from statistics import fmean, stdev

import numpy as np
import SimpleITK as sitk

from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import (  # fmt: skip
    FOREGROUND,
    Comparison,
    Cost,
    LearningCurve,
    Model,
    Score,
    Summary,
    Test,
    Verdict,
    WorstCase,
)

SHAPE = (6, 40, 32)


def write(file, array, spacing=(1.0, 1.0, 1.0)):
    """``array`` ``(D, H, W)``, ``spacing`` in the same order."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing[::-1])
    sitk.WriteImage(image, str(file))
    return str(file)


def reference(case, labels):
    """Boxes beside each other, larger in later cases."""
    array = np.zeros(SHAPE, dtype=np.uint8)
    for index, value in enumerate(labels):
        array[1 : 4 + case % 2, 12 : 20 + case, 4 + index * 24 // len(labels) : 4 + (index + 1) * 24 // len(labels)] = (
            value
        )
    return array


def prediction(truth, model):
    """Each further model cuts one row more off; as bad as the reference allows."""
    array = truth.copy()
    array[:, : 12 + model] = 0
    return array


def dice(prediction, truth, value):
    inside, true = prediction == value, truth == value
    return 2 * (inside & true).sum() / (inside.sum() + true.sum())


def make(folder, names=("UNet", "LUnet 16", "LUnet 8"), labels=("front", "back"), cases=5, worst=2, **changes):
    """The first name is the baseline. Parameters and channels shrink by four and two from model to model."""
    folder.mkdir(parents=True, exist_ok=True)
    values = dict(enumerate(labels, 1))
    scores, worst_cases = [], []
    for case in range(cases):
        truth = reference(case, values)
        files: dict[str, str] = {}
        means: dict[str, float | None] = {}
        image = np.random.default_rng(case).normal(100 * (truth > 0), 20).astype(np.float32)
        for index, name in enumerate(names):
            predicted = prediction(truth, index)
            files[name] = write(folder / f"case{case}_{index}.nii.gz", predicted)
            by_label = {label: float(dice(predicted, truth, value)) for value, label in values.items()}
            means[name] = by_label[FOREGROUND] = fmean(by_label.values())
            scores += [
                Score(name, "0", None, f"case{case}", label, _of_metrics(score, 10 * (1 - score), score))
                for label, score in by_label.items()
            ]
        image_file = write(folder / f"case{case}.nii.gz", image)
        truth_file = write(folder / f"case{case}_truth.nii.gz", truth)
        worst_cases.append(WorstCase(f"case{case}", image_file, truth_file, files, means))
    parts = {
        "dataset": "Dataset901_Tiny", "baseline": names[0], "labels": values,
        "models": [_model(name, index) for index, name in enumerate(names)], "scores": scores,
        "summaries": [_summary(scores, n, label, m) for n in names for label in (*labels, FOREGROUND) for m in METRICS],
        "tests": [
            _test(scores, n, names[0], label, m) for label in (*labels, FOREGROUND) for m in METRICS for n in names[1:]
        ],
        "learning": [_learning(name, index) for index, name in enumerate(names)],
        "worst": worst_cases[:worst], "notes": ["Only fold 0."], "left_out": {names[-1]: ["case98", "case99"]},
        "margins": {"dice": 0.01}, "versions": {"nnunetv2": "2.8.1"}, "command": "lunet compare -d 901",
    }  # fmt: skip
    return Comparison(**{**parts, **changes})


def _of_metrics(*values):
    return dict(zip(METRICS, values, strict=True))


def _model(name, index):
    size, width = 4_000_000 // 4**index + 1, max(1, 64 // 2**index)
    channels = [width, 2 * width, 4 * width] if index == 0 else [width] * 3
    cost = Cost(NetworkCost(size, size * 1000, size * 100, channels), 8.0 / (index + 1), 2_000_000_000)
    return Model(name, name, "nnUNetPlans", "3d_fullres", [("0", None)], cost)


def _learning(name, index):
    """Twenty epochs; each further model learns faster in time, slower in epochs."""
    dice = [0.9 * epoch / (epoch + 2 + index) for epoch in range(1, 21)]
    return LearningCurve(name, "0", None, [8 / (index + 1) * epoch for epoch in range(1, 21)], dice)


def _values(scores, model, label, metric):
    return [s.values[metric] for s in scores if (s.model, s.label) == (model, label)]


def _summary(scores, model, label, metric):
    values = _values(scores, model, label, metric)
    return Summary(model, label, metric, fmean(values), stdev(values), None, None, len(values), len(values), 0)


def _test(scores, model, baseline, label, metric):
    pairs = zip(_values(scores, model, label, metric), _values(scores, baseline, label, metric), strict=True)
    values = [mine - other for mine, other in pairs]
    low, high = min(values), max(values)
    side = 1 if METRICS[metric].more_is_better else -1
    wins, losses = (sum(side * sign * value > 0 for value in values) for sign in (1, -1))
    test = Test(
        model, baseline, label, metric, len(values), 3, 3, fmean(values), low, high, 0.02, 0.04, 0.03,
        1.0 if low > 0 else -1.0, wins, len(values) - wins - losses, losses, df=2.5, variance_cases=2e-6,
        variance_seeds=1e-6, variance_rest=1e-6, half_width_twice_seeds=0.02, half_width_twice_cases=0.03,
    )  # fmt: skip
    if metric != "dice":
        return test
    verdict = Verdict.NON_INFERIOR if low > -0.01 else Verdict.INFERIOR if high < -0.01 else Verdict.INCONCLUSIVE
    return replace(test, margin=0.01, p_margin=0.1, p_margin_holm=0.2, verdict=verdict)
