"""Of ``docs/results/widths.md``."""

from collections.abc import Iterator
from statistics import median

from nnunet_lunet.compare import words
from nnunet_lunet.compare.record import Verdict
from nnunet_lunet.numbers import p_value
from result_pages import data

LONG, SHORT = "widths/comparison.json.gz", "widths_short/comparison.json.gz"


def three_seeds() -> Iterator[str]:
    yield from data.study(LONG)


def one_seed() -> Iterator[str]:
    yield from data.study(SHORT)


def cases() -> Iterator[str]:
    tests = data.tests(LONG)
    yield f'Dice: mean of both labels, {tests["LUnet 32"].cases} cases; "±"'
    yield (
        f"at a margin of {words.margin(tests['LUnet 32'].margin, 'dice')} and corrected for "
        f"{data.NUMBERS[len(tests)]} comparisons"
    )
    yield f"Dice: {data.tests(SHORT)['flat 32'].cases} cases; differences"


def level() -> Iterator[str]:
    tests, dice, cost = data.tests(LONG), data.dice(LONG), data.networks(LONG)
    pair = [tests[name] for name in ("LUnet 32", "LUnet 16")]
    fewer = [f"{cost['U-Net 32'].parameters / cost[test.model].parameters:.0f}" for test in pair]
    means = data.listed([words.mean_difference(test) for test in pair])
    seeds = data.listed([", ".join(data.by_seed(dice[test.model], dice["U-Net 32"])) for test in pair])
    yield (
        f"with {data.listed(fewer)} times fewer parameters, come out level with the U-Net**: {means} "
        f"points, by seed {seeds}."
    )
    data.all_are(Verdict.NON_INFERIOR, [test.verdict_alone for test in pair])
    yield (
        "Each interval alone excludes being worse by a point (one-sided p = "
        f"{data.listed([p_value(test.p_margin) for test in pair])}); **corrected for three comparisons "
        f"({p_value(one_value([test.p_margin_holm for test in pair]))} each, against 0.025) "
        "non-inferiority is not shown.**"
    )
    data.all_are(Verdict.INCONCLUSIVE, [test.verdict for test in pair])
    yield f"Neither is shown to be better or worse (p = {one_value([test.p_holm for test in pair]):.2f}, Holm)"


def one_value(values) -> float:
    """That all of them are."""
    [value] = {*values}
    return value


def narrow() -> Iterator[str]:
    test, dice, cost = data.tests(LONG)["LUnet 8"], data.dice(LONG), data.networks(LONG)
    first, own = cost["U-Net 32"], cost["LUnet 8"]
    yield (
        f"Flat 8, with {first.parameters / own.parameters:.0f} times fewer parameters and "
        f"{first.multiply_adds / own.multiply_adds:.0f} times fewer multiply-adds, is "
        f"{data.unsigned(test.difference)} points below "
        f"({words.interval(test)}; p = {p_value(test.p)}, {p_value(test.p_holm)} corrected; by seed "
        f"{', '.join(data.by_seed(dice['LUnet 8'], dice['U-Net 32']))})"
    )


def distances() -> Iterator[str]:
    compared = data.comparison(LONG)
    found = [each.mean for each in compared.summaries if (each.label, each.metric) == ("foreground", "hausdorff95")]
    assert all(
        test.p_holm > 0.05 for test in compared.tests if (test.label, test.metric) == ("foreground", "hausdorff95")
    )
    yield f"95th-percentile Hausdorff distances do not differ significantly ({data.span(found, 2)} mm)"


def variance() -> Iterator[str]:
    tests = data.tests(LONG)
    cases, seeds = (
        data.span([float(words.sources(test)[part].removesuffix(" %")) for test in tests.values()], 0)
        for part in (0, 1)
    )
    yield f"of the variance of these differences, {seeds} % are of seeds and {cases} % of cases"
    flat = tests["LUnet 16"]
    now, seeds, cases = (
        words.half_width(width, "dice")
        for width in ((flat.high - flat.low) / 2, flat.half_width_twice_seeds, flat.half_width_twice_cases)
    )
    assert cases == now
    yield (
        f"Twice the seeds would bring the interval of flat 16 from {now} to about {seeds} points, twice "
        "the cases nothing"
    )


def seconds_an_epoch() -> Iterator[str]:
    seconds = [model.cost.seconds_per_epoch for model in data.comparison(LONG).models]
    assert max(seconds) < 1.05 * min(seconds)
    yield f"their seconds an epoch ({median(seconds):.1f}, all networks)"


def short_schedule() -> Iterator[str]:
    tests = data.tests(SHORT)
    with_adamw = [test for name, test in tests.items() if "SGD" not in name]
    largest = max(abs(test.difference) for test in with_adamw)
    yield f"With AdamW, these flat networks come within {100 * largest:.0f} points of the U-Net in the same steps"
    assert [test.model for test in with_adamw if words.finding(test) == "worse"] == ["flat 8"]
    yield f"flat 8 is worse (p = {p_value(tests['flat 8'].p_holm)}, Holm)"
    background = [name for name, dice in data.dice(SHORT).items() if max(dice) < 0.001]
    assert background == ["flat 16, SGD", "flat 8, SGD"]
    yield "flat 16 and 8 predict background"
    seconds = [model.cost.seconds_per_epoch for model in data.comparison(SHORT).models][:4]
    shown = "An epoch of the U-Net takes {:.1f} s, of flat 32 {:.1f} s, of flat 16 {:.1f} s and of flat 8 {:.1f} s"
    yield shown.format(*seconds)


TABLES = [three_seeds, one_seed]
SENTENCES = [cases, level, narrow, distances, variance, seconds_an_epoch, short_schedule]
SETTINGS = [
    "AdamW and SGD (1e-2 both)", "## Three seeds, 1500 steps The", "flat widths 32, 16 and 8, all",
    "Task04_Hippocampus (200 real cases)",
    "**1500 steps of batch 2** (nnU-Net's default: 250,000 of batch 7), seeds 0, 1 and 2",
    "NVIDIA H100 80GB, 16 cores, 12 trainings at a time", "points of 0.01, intervals", "1500 steps, one fold",
    "what 1000 epochs give", "one seed, 400 steps", "**400 steps, one seed each**", "what 400 steps teach",
    "points of 0.01. With", "(10 an epoch)", "Flat 32 and flat 16",
]  # fmt: skip
