"""Of ``docs/results/presets.md``."""

from collections.abc import Iterator

from result_pages import data
from result_pages.markdown import row

FILE = "presets/presets.csv"


def presets() -> dict[str, dict[str, str]]:
    return {each["name"]: each for each in data.rows_of(FILE)}


def ratio(name: str, other: str, key: str) -> float:
    return float(presets()[name][key]) / float(presets()[other][key])


def times_the_unets_step() -> list[float]:
    return [ratio(name, "UNetTrainer", "seconds_per_training_step") for name in presets()]


def cost() -> Iterator[str]:
    for (name, each), times in zip(presets().items(), times_the_unets_step(), strict=True):
        seconds, shape = float(each["seconds_per_training_step"]), each["patch_size"].replace(" ", "×")
        yield row(
            "the plans' own U-Net" if name == "UNetTrainer" else f"`{name}`", shape, f"{int(each['parameters']):,}",
            f"{int(each['multiply_adds']) / 1e9:.2f}", f"{int(each['activation_bytes']) / 1e6:.0f}", f"{seconds:.2f}",
            f"{times:.2f}×",
        )  # fmt: skip


def parameters_and_time() -> Iterator[str]:
    step = "seconds_per_training_step"
    yield (
        f"`LUnetShared32` has {ratio('UNetTrainer', 'LUnetShared32', 'parameters'):.0f} times fewer than the U-Net and "
        f"takes {ratio('LUnetShared32', 'UNetTrainer', step):.2f} of its time, `lunet_small_4f` "
        f"{ratio('UNetTrainer', 'lunet_small_4f', 'parameters'):.0f} times fewer and takes as long as "
        "`unet_small_4f` with "
        f"{ratio('unet_small_4f', 'lunet_small_4f', 'parameters'):.0f} times more"
    )
    assert abs(ratio("lunet_small_4f", "unet_small_4f", step) - 1) < 0.05
    yield f"takes {ratio('MedNeXtS', 'UNetTrainer', step):.1f} times as long here"
    assert 0.4 < ratio("MedNeXtS", "UNetTrainer", "multiply_adds") < 0.6
    yield "MedNeXt has half of the U-Net's multiply-adds"


def start_values() -> Iterator[str]:
    """Running statistics of PyTorch's batch norm keep 1 - momentum of themselves, 0.9, at each step."""
    yield (
        f"After ten steps, 0.9¹⁰ = {100 * 0.9**10:.0f} % of its batch norms' running statistics are still start values"
    )


TABLES = [cost]
SENTENCES = [parameters_and_time, start_values]
SETTINGS = [
    "medians of 3 rounds after 2 that warm up", "batch 2, two cores",
    "20 hippocampus cases for training, 4 others for prediction",
]  # fmt: skip
