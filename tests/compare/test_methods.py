"""The paragraph to paste into a paper: it says what was done, and nothing else."""

from dataclasses import replace

import comparisons
import pytest

from nnunet_lunet.compare import methods, notes
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import FOREGROUND, Sensitivity, Verdict


@pytest.fixture
def comparison(tmp_path):
    made = comparisons.make(tmp_path, worst=0)
    return replace(made, models=[replace(m, runs=[("0", s) for s in range(3)]) for m in made.models])


def alone(tests, models):
    return [
        replace(test, df=None, verdict=None, seeds=1, baseline_seeds=1) if test.model in models else test
        for test in tests
    ]


def test_data_runs_and_versions(comparison):
    text = methods.statistical_analysis(comparison)
    assert "LUnet 16 and LUnet 8 were compared with the baseline UNet on 5 cases of Dataset901_Tiny" in text
    assert "(labels: front, back)" in text
    assert "Of each model, predictions of 3 seeds (0, 1, 2) in 1 fold (0) were scored." in text
    assert "nnU-Net v2 (Isensee et al., Nature Methods 2021) 2.8.1" in text


def test_models_with_other_runs_are_named(comparison):
    models = [*comparison.models[:2], replace(comparison.models[2], runs=[("0", None), ("1", None)])]
    text = methods.statistical_analysis(replace(comparison, models=models))
    assert "of UNet, LUnet 16 predictions of 3 seeds (0, 1, 2) in 1 fold (0)" in text
    assert "of LUnet 8 predictions of no named seed in 2 folds (0, 1)" in text


def test_seeds_and_single_trainings_are_told_apart(comparison):
    every = methods.statistical_analysis(comparison)
    assert "Satterthwaite" in every and "bootstrap" not in every and "non-inferior where" in every
    none = methods.statistical_analysis(replace(comparison, tests=alone(comparison.tests, {"LUnet 16", "LUnet 8"})))
    assert "Satterthwaite" not in none and "9,999 resamples" in none and "these trained networks" in none
    # Without a verdict there is no word of them, nor of a margin.
    assert "non-inferior" not in none and "margin" not in none
    some = methods.statistical_analysis(replace(comparison, tests=alone(comparison.tests, {"LUnet 8"})))
    assert "For LUnet 16, the 95 %" in some and "For LUnet 8, the 95 %" in some


def test_margin_its_reason_and_the_correction(comparison):
    text = methods.statistical_analysis(comparison)
    assert "margin of non-inferiority is 1 point of Dice; no reason was given" in text
    assert "2 for the primary endpoint" in text
    reason = replace(comparison, margin_reason="raters differ by it.", margins={"dice": 0.02, "hausdorff95": 1.0})
    told = methods.statistical_analysis(reason)
    assert "is 2 points of Dice, 1 mm of HD95 (raters differ by it)." in told


def test_groups_are_what_it_is_over(comparison):
    groups = {f"case{n}": f"patient{n // 2}" for n in range(5)}
    tests = [replace(test, unit="groups") for test in comparison.tests]
    text = methods.statistical_analysis(replace(comparison, groups=groups, tests=tests))
    assert "5 cases of Dataset901_Tiny in 3 groups" in text and "table of seeds by groups" in text


def test_failures_are_counted(comparison):
    clean = methods.statistical_analysis(replace(comparison, left_out={}))
    assert "not defined" not in clean and "without a prediction" not in clean and "sensitivity" not in clean
    failed = [
        replace(s, undefined=2) if (s.metric, s.label, s.model) == ("hausdorff95", "front", "LUnet 8") else s
        for s in comparison.summaries
    ]
    row = Sensitivity("LUnet 8", FOREGROUND, "hausdorff95", 5, 2, 0, 9.0, 1.0, 0.5, 1.5)
    text = methods.statistical_analysis(replace(comparison, summaries=failed, sensitivity=[row]))
    # Three models, two labels, five cases.
    assert "HD95 is not defined for 2 of 30 predictions of a label" in text and "Dice is not defined" not in text
    assert "2 cases without a prediction of every model were left out" in text and "the diagonal of the image" in text


def test_metrics_are_those_of_the_notes(comparison):
    from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO

    told = notes.of_metrics("2.5 mm", False, SimpleITKIO)
    text = methods.statistical_analysis(replace(comparison, notes=[*told, "Only fold 0."]))
    assert all(metric.about.format(tolerance="2.5 mm") in text for metric in METRICS.values())
    assert "within 2.5 mm" in text and "Only fold 0." not in text


def test_a_single_model_is_scored_alone(tmp_path):
    text = methods.statistical_analysis(comparisons.make(tmp_path, names=["UNet"], worst=0))
    assert text.startswith("UNet was scored on 5 cases") and "Holm" not in text and Verdict.INFERIOR.value not in text
