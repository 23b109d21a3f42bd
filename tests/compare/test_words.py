from dataclasses import replace

import pytest

from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.compare import record as data
from nnunet_lunet.compare import words
from nnunet_lunet.compare.record import FOREGROUND, Comparison, Cost, Model, Summary, Verdict


def model(name, parameters):
    return Model(name, name, None, None, [], Cost(NetworkCost(parameters)))


def against(name, difference=-0.011, low=-0.018, high=-0.004, p=0.01, margin=0.01, **changes):
    found = data.Test(
        name, "U", FOREGROUND, "dice", 40, 3, 3, difference, low, high, p, 2 * p, 0.3, -0.5, 10, 1, 29, margin,
        verdict=Verdict.NON_INFERIOR if low > -margin else Verdict.INCONCLUSIVE, df=5.0, variance_cases=6e-6,
        variance_seeds=3e-6, variance_rest=1e-6,
    )  # fmt: skip
    return replace(found, **changes)


ALONE = {"df": None, "verdict": None, "seeds": 1, "baseline_seeds": 1}


def comparison(*tests, sizes=None):
    sizes = sizes or {"U": 5_603_177, "A": 29_841, "B": 118_041}
    summaries = [Summary(name, FOREGROUND, "dice", 0.853, 0.03, None, None, 40, 40, 0) for name in sizes]
    return Comparison("D", "U", {1: "x"}, [model(*item) for item in sizes.items()], [], summaries, list(tests))


def test_a_finding_in_one_sentence():
    # 5,603,177 / 29,841 = 187.8.
    assert words.sentence(comparison(), against("A")) == (
        "A: 188 times fewer parameters; Dice 0.853, 1.1 points below U (95\u00a0% CI −1.8 to −0.4 points; p = 0.010, "
        "corrected 0.020, 40 cases, 3 seeds): inconclusive at a margin of 1 point; worse."
    )


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"difference": 0.02, "effect_size": 0.5, "low": 0.01, "high": 0.03}, "2.0 points above the baseline"),
        ({"difference": 0.0001, "low": -0.002, "high": 0.002}, "level with the baseline (95\u00a0% CI −0.2 to +0.2"),
        ({"p": 0.0001, "p_holm": 0.0002}, "p < 0.001, 40 cases"),
        ({"p": 0.0001, "p_holm": 0.002}, "p < 0.001, corrected 0.002, 40 cases"),
        ({"p": None, "p_holm": None}, "points; 40 cases, 3 seeds): inconclusive at a margin of 1 point."),
        ({"p_holm": 0.05}, "): inconclusive at a margin of 1 point."),
        ({"p_holm": 0.05, "margin": None, "verdict": None}, "): no difference shown."),
        ({"baseline_seeds": 2}, "40 cases, 3 and 2 seeds)"),
        ({"margin": None, "verdict": None}, "): worse."),
        (
            {"margin": 0.025, "verdict": Verdict.NON_INFERIOR},
            "): non-inferior at a margin of 2.5 points, though worse.",
        ),
        (
            {"p_holm": 0.05, "verdict_alone": Verdict.INFERIOR},
            "): inconclusive at a margin of 1 point (alone it would be inferior).",
        ),
        ({"verdict": Verdict.INFERIOR}, "): inferior at a margin of 1 point."),
        ({"difference": 0.02, "low": 0.01, "high": 0.03, "verdict": Verdict.SUPERIOR}, "): superior."),
        ({**ALONE}, "40 cases): of these trained networks alone, worse."),
        ({**ALONE, "p_holm": 0.0625, "cases": 5}, "5 cases): of these trained networks alone, too few cases to test."),
        ({**ALONE, "p_holm": 0.0625, "cases": 6}, "of these trained networks alone, no difference shown."),
        # A bootstrap and a permutation need not agree.
        ({**ALONE, "p_holm": 0.04, "high": 0.001}, "of these trained networks alone, no difference shown."),
        # What is small is not shown as nothing beside a small p.
        (
            {
                "difference": 0.00003,
                "low": 0.00002,
                "high": 0.00004,
                "p": 0.0001,
                "p_holm": 0.0001,
                "verdict": Verdict.SUPERIOR,
            },
            "0.003 points above the baseline (95\u00a0% CI +0.002 to +0.004 points; p < 0.001, 40 cases, 3 seeds): sup",
        ),
    ],
)
def test_parts_of_the_sentence(changes, part):
    assert part in words.sentence(comparison(), replace(against("A"), **changes), "the baseline")


@pytest.mark.parametrize(
    ("metric", "difference", "finding"), [("hausdorff95", 1.5, "worse"), ("surface_dice", 0.2, "better")]
)
def test_more_is_not_better_of_a_distance(metric, difference, finding):
    test = replace(against("A"), metric=metric, difference=difference, effect_size=0.9)
    assert words.finding(test) == finding


@pytest.mark.parametrize("low", [-0.001, -0.03, 0.01])
def test_of_one_seed_no_word_of_non_inferiority(low):
    text = words.sentence(comparison(), against("A", low=low, high=0.02, **ALONE))
    assert not any(verdict.value in text for verdict in Verdict)
    headline = words.headline(comparison(against("A", low=low, **ALONE), against("B", low=low, **ALONE)))
    assert headline is not None and headline[0] == "Nearest to the baseline"


def test_where_a_difference_comes_from():
    assert words.sources(against("A")) == ["60 %", "30 %", "10 %"]
    assert words.sources(against("A", variance_rest=None)) == []


def test_the_headline_is_about_the_smallest_model_that_is_non_inferior():
    good = against("B", -0.001, -0.004, 0.002)
    assert words.headline(comparison(against("A"), good)) == ("Smallest model that is non-inferior", good)
    both = replace(good, model="A")
    assert words.headline(comparison(good, both)) == ("Smallest model that is non-inferior", both)
    # One of unknown size is not the smallest.
    sizes = {"U": 9, "A": None, "B": 5}
    assert words.headline(comparison(good, both, sizes=sizes)) == ("Smallest model that is non-inferior", good)
    better = replace(both, difference=0.01)
    assert words.headline(comparison(good, better, sizes=dict.fromkeys("UAB"))) == ("Best mean", better)


def test_without_a_non_inferior_model_the_headline_is_about_the_best():
    near, far = against("A"), against("B", -0.2, -0.3, -0.1)
    assert words.headline(comparison(far, near)) == ("Nearest to the baseline", near)
    assert words.headline(comparison(far)) == ("", far)
    assert words.headline(comparison()) is None
    other_label = replace(near, label="x")
    assert words.headline(comparison(other_label)) is None


@pytest.mark.parametrize(
    ("function", "arguments", "text"),
    [
        (words.score, (0.8534, "dice"), "0.853"), (words.score, (1.854, "hausdorff95"), "1.85"),
        (words.difference, (0.0312, "surface_dice"), "+3.1"), (words.difference, (-0.42, "hausdorff95"), "−0.42"),
        (words.difference, (None, "dice"), "–"),
    ],
)  # fmt: skip
def test_values_of_metrics(function, arguments, text):
    assert function(*arguments) == text


@pytest.mark.parametrize(
    ("low", "high", "margin", "shown"),
    [
        # In points: with one decimal the first three would be 0.0 to 0.1, 0.0 to 0.0, and −1.0 to 0.5.
        (0.0001, 0.0012, 0.01, "+0.01 to +0.12"),
        (0.000012, 0.00003, 0.01, "+0.001 to +0.003"),
        (-0.0098, 0.005, 0.01, "−0.98 to +0.50"),
        (-0.0098, 0.005, None, "−1.0 to +0.5"),
        (-0.0001, 0.0012, 0.01, "0.0 to +0.1"),
        (-0.018, -0.004, 0.01, "−1.8 to −0.4"),
    ],
)
def test_an_interval_is_shown_on_its_side_of_0_and_of_the_margin(low, high, margin, shown):
    test = replace(against("A", (low + high) / 2, low, high), margin=margin)
    assert words.interval(test) == shown
    assert words.mean_difference(test).strip("0.") or low < 0 < high


def test_better_never_stands_beside_0():
    for exponent in range(1, 7):
        low = 3 * 10.0**-exponent
        test = against("A", 4 * low, low, 7 * low, p=0.0001)
        told = words.sentence(comparison(), test)
        assert words.finding(test) == "better" and "level with" not in told
        assert not {"0.0", "+0.0", "0.00"} & set(told.replace("(", " ").split())
