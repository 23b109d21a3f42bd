"""What other pages quote of the results."""

from collections.abc import Iterator

from nnunet_lunet.compare import words
from result_pages import data, planner, presets, pruning_study, readme, recipe, step_time, table2


def of_deepest(runs: list[dict]) -> str:
    """Per cent of the channels taken that came from the two deepest levels, from the least to the most of the runs."""
    return data.span([100 * sum(run["taken"][-2:]) / sum(run["taken"]) for run in runs], 0)


def with_noise() -> list[dict]:
    return [run for run in pruning_study.halves() if pruning_study.strategy(run["trainer"]) == "no information"]


def flat_widths() -> Iterator[str]:
    stamp = table2.removals()["STAMP"]
    before = stamp[0]["before"]
    yield f"took {of_deepest(stamp)} % of them from the two widest levels"
    yield f"which held {100 * sum(before[-2:]) / sum(before):.0f} %"
    yield f"with noise for the importance it took {of_deepest(with_noise())} %"
    random = data.pair(f"{table2.PAIRS}/prune.csv")["random at the largest layer"]
    yield f"three seeds leave ±{50 * (float(random['high']) - float(random['low'])):.0f} points"
    with_skips, without = table2.one_channel_in_place_of_64()
    yield f"cost {with_skips} points with them and {without} without"
    yield f"about {round(table2.times_the_multiply_adds(), -1):.0f} times the multiply-adds"


def parameters() -> Iterator[str]:
    cpu, gpu = step_time.networks("keep_memory"), step_time.networks("h100_large")
    fewer = cpu["U-Net 32"]["parameters"] / cpu["flat 32"]["parameters"]
    _, *less = step_time.less_time("keep_memory")
    share = {width: f"{1 / times:.2f}" for width, times in zip((32, 16, 8), less, strict=True)}
    yield (
        f"the flat 32 network has {fewer:.1f} times fewer parameters than the U-Net. It takes {share[32]} of its time "
        "a training step"
    )
    many_fewer = gpu[0]["parameters"] / gpu[1]["parameters"]
    yield (
        f"yes: {fewer:.0f} times fewer at width 32 here, "
        f"{many_fewer:.0f} times on nnU-Net's default plans of six levels"
    )
    adds = data.networks(readme.WIDTHS)
    yield f"some: {adds['LUnet 32'].multiply_adds / adds['U-Net 32'].multiply_adds:.2f} at width 32 here"
    memory = [f"{each['peak_training_bytes'] / gpu[0]['peak_training_bytes']:.2f}" for each in gpu[1:]]
    yield "{} at width 32, {} at width 16, {} at width 8 (H100, patch 128³)".format(*memory)
    of_time = ", ".join(f"{time} at width {width}" for width, time in share.items())
    yield f"less than multiply-adds: {of_time}, with freed memory kept"
    rounds, medians = (data.span(ratios, 2) for ratios in step_time.ratios_on_a_gpu("LUnetTrainer"))
    yield f"little: {rounds} at width 32 with a patch of 128³ (ratio of medians: {medians})"
    yield f"gains {less[0]:.1f} times on a CPU at best"
    time = "seconds_per_training_step"
    shared = presets.ratio("UNetTrainer", "LUnetShared32", "parameters")
    yield (
        f"`LUnetShared32` has {shared:.0f} times fewer parameters than the U-Net and takes "
        f"{presets.ratio('LUnetShared32', 'UNetTrainer', time):.2f} of its time"
    )
    yield f"takes {presets.ratio('MedNeXtS', 'UNetTrainer', time):.1f} times as long on a CPU"


def pruning() -> Iterator[str]:
    before = with_noise()[0]["before"]
    yield f"with `none`, {of_deepest(with_noise())} % of what leaves"
    yield f"which hold {100 * sum(before[-2:]) / sum(before):.0f} %"


def trainer() -> Iterator[str]:
    fastest = min(each["ratio"][0] for each in step_time.networks("memory_format").values())
    yield f"up to {1 / fastest:.1f} times faster"


def choose_a_size() -> Iterator[str]:
    tests = data.tests(readme.WIDTHS)
    assert max(abs(tests[name].difference) for name in ("LUnet 32", "LUnet 16")) < 0.01
    low, high = words.interval(tests["LUnet 8"]).replace("−", "").split(" to ")
    yield f"width 8 by {high} to {low} points"
    gains = {round(planner.of(kind, 16)["voxels_ratio"]) for kind in ("Large", "Anisotropic")}
    assert gains == {3}
    yield "width 16 gets about three times the voxels a batch"


def get_started() -> Iterator[str]:
    yield f"mean foreground Dice of {recipe.dice('flat 8', recipe.FAST):.3f} in [one run]"


QUOTES = {
    "docs/concepts/flat-widths.md": flat_widths,
    "docs/concepts/parameters.md": parameters,
    "docs/concepts/pruning.md": pruning,
    "docs/concepts/trainer.md": trainer,
    "docs/get-started.md": get_started,
    "docs/how-to/choose-a-size.md": choose_a_size,
}
