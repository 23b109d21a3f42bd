"""Comparisons of several data sets with planted truths, of made scores: no label map is read."""

import numpy as np

from nnunet_lunet.compare import evaluation
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import FOREGROUND, Comparison, Cost, Model, Score


def comparison(
    dataset, effects, *, cases=40, seeds=(0, 1, 2), noise=0.01, of_seeds=0.0, margin=0.02, random=0,
    plans="nnUNetPlans", configuration="3d_fullres", names=None, groups=None, versions=None,
):  # fmt: skip
    """Each model's Dice is that of the case, plus its effect, plus that of its training, plus noise.

    :param effects: by trainer, the first is the baseline
    :param seeds: none: one run a model, of which no seed is told
    :param of_seeds: standard deviation of what a training adds
    :param names: of models that are not called as their trainer is
    """
    generator = np.random.default_rng([random, *dataset.encode()])
    own = generator.uniform(0.6, 0.8, cases)
    scores, models = [], []
    for trainer, effect in effects.items():
        name = (names or {}).get(trainer, trainer)
        runs: list[tuple[str | None, int | None]] = [("0", seed) for seed in seeds] or [("0", None)]
        for fold, seed in runs:
            dice = own + effect + generator.normal(0, of_seeds) + generator.normal(0, noise, cases)
            for index, value in enumerate(np.round(dice, 6)):
                values: dict[str, float | None] = {**dict.fromkeys(METRICS, 1.0), "dice": float(value)}
                scores.append(Score(name, fold, seed, f"case_{index:03}", FOREGROUND, values))
        models.append(Model(name, trainer, plans, configuration, runs, Cost()))
    return evaluation.evaluated(
        Comparison(
            dataset=dataset, baseline=models[0].name, labels={1: "front"}, models=models, scores=scores, summaries=[],
            tests=[], margins={"dice": margin}, margin_reason="raters differ by 2 points", groups=groups or {},
            versions=versions or {"scipy": "1"},
        )
    )  # fmt: skip


def several(*effects, **options):
    """A comparison for each of these, ``Dataset001_A``, ``Dataset002_B`` and so on."""
    names = [f"Dataset{index:03}_{letter}" for index, letter in enumerate("ABCDEFGHIJ"[: len(effects)], 1)]
    return {name: comparison(name, of_set, **options) for name, of_set in zip(names, effects, strict=True)}
