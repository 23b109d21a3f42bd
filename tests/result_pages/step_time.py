"""Of ``docs/results/step_time.md``."""

from collections.abc import Iterator

from nnunet_lunet.profile import measure
from result_pages import data
from result_pages.markdown import row

LARGE = ("h100_large", "h100_large_compiled")


def networks(run: str):
    return data.read(f"step_time/{run}.json")["networks"]


def less_time(run: str) -> list[float]:
    """How many times less than the U-Net, the first, each network takes on a CPU."""
    seconds = [network["median_seconds"] for network in networks(run).values()]
    return [seconds[0] / each for each in seconds]


def ratios_on_a_gpu(trainer: str) -> tuple[list[float], list[float]]:
    """A training step of large patches to the first network's, without and with compiling: medians of the rounds'
    ratios, and ratios of the medians."""
    of_rounds, of_medians = [], []
    for run in LARGE:
        first, *_ = rows = networks(run)
        [own] = [each["seconds_per_training_step"] for each in rows if each["trainer"] == trainer]
        base = first["seconds_per_training_step"]
        of_rounds.append(measure.ratios(own["values"], base["values"]).median)
        of_medians.append(own["median"] / base["median"])
    return of_rounds, of_medians


def memory_on_a_gpu(trainer: str) -> str:
    """Of training, to the first network's; the same without and with compiling."""
    shares = set()
    for run in LARGE:
        first, *_ = rows = networks(run)
        shares |= {
            f"{each['peak_training_bytes'] / first['peak_training_bytes']:.2f}"
            for each in rows
            if each["trainer"] == trainer
        }
    [share] = shares
    return share


def on_a_cpu() -> Iterator[str]:
    default, kept = networks("default"), networks("keep_memory")
    largest = default["U-Net 32"]["parameters"]
    for (name, each), less in zip(default.items(), less_time("keep_memory"), strict=True):
        times = ("{median_seconds:.2f} ({min_seconds:.2f}–{max_seconds:.2f})".format(**of) for of in (each, kept[name]))
        gain = each["median_seconds"] / kept[name]["median_seconds"]
        fewer = largest / each["parameters"]
        yield row(name, f"{each['parameters']:,}", f"{fewer:.1f}×", *times, f"{less:.1f}×", f"{gain:.2f}×")


def memory_formats() -> Iterator[str]:
    for name, each in networks("memory_format").items():
        times = (f"{each[f'{layout}_seconds']:.2f}" for layout in ("contiguous", "channels_last"))
        ratio = "{:.2f} ({:.2f}–{:.2f})".format(*each["ratio"])
        yield row(name.replace("LUnet", "flat"), *times, ratio)


def milliseconds(spread: dict) -> str:
    return "{:.1f} ({:.1f}–{:.1f})".format(*(1000 * spread[key] for key in ("median", "low_quartile", "high_quartile")))


def small_patches() -> Iterator[str]:
    for each in [*networks("h100_stock"), *networks("h100_small")]:
        yield row(
            f"`{each['trainer']}`", each["batch_size"], f"{each['parameters']:,}",
            f"{each['multiply_adds'] / 1e9:.3g}",
            milliseconds(each["seconds_per_training_step"]), milliseconds(each["seconds_per_inference_patch"]),
            f"{each['peak_training_bytes'] / 1e6:.3g}", f"{each['peak_inference_bytes'] / 1e6:.3g}",
        )  # fmt: skip


def large_patches() -> Iterator[str]:
    for run, compiled in zip(LARGE, ("no", "yes"), strict=True):
        first, *_ = rows = networks(run)
        for each in rows:
            cells = [f"`{each['trainer']}`", f"{each['parameters']:,}", f"{each['multiply_adds'] / 1e9:.3g}", compiled]
            for kind in ("seconds_per_training_step", "seconds_per_inference_patch"):
                ratio = measure.ratios(each[kind]["values"], first[kind]["values"]).median
                cells += [milliseconds(each[kind]), f"{ratio:.2f}"]
            peak = each["peak_training_bytes"]
            yield row(*cells, f"{peak / 1e9:.2f}", f"{peak / first['peak_training_bytes']:.2f}")


def a_factor() -> Iterator[str]:
    kept = networks("keep_memory")
    fewer = kept["U-Net 32"]["parameters"] / kept["flat 32"]["parameters"]
    yield f"a factor of {fewer:.0f} in parameters here and {less_time('keep_memory')[1]:.1f} in time"


def small_patches_save_memory() -> Iterator[str]:
    first, *_, narrow = networks("h100_stock")
    fewer, adds = (first[key] / narrow[key] for key in ("parameters", "multiply_adds"))
    yield f"with up to {fewer:.0f} times fewer parameters and {adds:.0f} times fewer multiply-adds"
    peak = narrow["peak_training_bytes"] / first["peak_training_bytes"]
    yield f"is memory ({peak:.2f} of the peak for width 8)"


def large_patches_save_a_little() -> Iterator[str]:
    first, flat, narrow, _ = networks("h100_large")
    fewer, adds = (
        [first["parameters"] / each["parameters"], each["multiply_adds"] / first["multiply_adds"]]
        for each in (flat, narrow)
    )
    (rounds, medians), (narrow_rounds, narrow_medians) = map(ratios_on_a_gpu, ("LUnetTrainer", "LUnetTrainer_w16"))
    shown = ["{:.2f} and {:.2f}".format(*each) for each in (medians, narrow_medians)]
    yield f"The ratio of the medians is larger: {shown[0]} for width 32, {shown[1]} for width 16"
    saved = data.span([100 * (1 - ratio) for ratio in rounds], 0)
    yield (
        f"**{fewer[0]:.0f} times fewer parameters and {fewer[1]:.2f} of the multiply-adds save {saved} % "
        "of a step's time"
    )
    yield (
        f"Width 16, with {adds[0]:.0f} times fewer parameters and {adds[1]:.2f} of the multiply-adds, takes "
        f"{data.span(narrow_rounds, 2)} of the time and {memory_on_a_gpu('LUnetTrainer_w16')} of the memory"
    )
    compiled = networks("h100_large_compiled")[0]["seconds_per_training_step"]["median"]
    gain = compiled / first["seconds_per_training_step"]["median"]
    yield f"`torch.compile` gains more than any width ({gain:.2f} of the time of the U-Net's step)"


TABLES = [on_a_cpu, memory_formats, small_patches, large_patches]
SENTENCES = [a_factor, small_patches_save_memory, large_patches_save_a_little]
SETTINGS = [
    "median of 7 after one warm-up", "batch 7, four", "NVIDIA H100 80GB", "no multiple of 16", "in blocks of 16",
    "batch 2, deep supervision", "median over 7 rounds", "quartiles of 7 rounds", "the fingerprint of 200 cases",
    "batch 2, six stages, widths 32 to 320", "with 7 rounds in turn",
]  # fmt: skip
