"""Of ``docs/results/recipe.md``."""

import re
from collections.abc import Iterator
from decimal import Decimal

from result_pages import data
from result_pages.markdown import row

NETWORKS = {
    "U-Net 32": "UNetTrainer",
    "flat 32": "LUnetTrainer",
    "flat 16": "LUnetTrainer_w16",
    "flat 8": "LUnetTrainer_w8",
}
#: The columns of the short schedule by network, as the page explains: the default rate was 3e-3 when some were run.
SHORT = {
    "U-Net 32": ("UNetTrainer_sgd", None, "UNetTrainer_adamw"),
    "flat 32": (None, "RecipeW32Lr3e3", "LUnetTrainer_adamw"),
    "flat 16": ("LUnetTrainer_w16_sgd", "LUnetTrainer_w16_adamw", "RecipeW16Lr1e2"),
    "flat 8": ("LUnetTrainer_w8_sgd", "LUnetTrainer_w8_adamw", "RecipeW8Lr1e2"),
}
SGD, SLOW, FAST = range(3)


def runs(file: str) -> dict[str, dict]:
    return {each["trainer"]: each for each in data.read(f"recipe/{file}.json")}


def rounded(value: float) -> str:
    """To three digits. The file has four, which were rounded themselves, so that half goes to the even digit."""
    return str(Decimal(str(value)).quantize(Decimal("0.001")))


def shown(run: dict) -> str:
    return f"{rounded(run['foreground_dice'])} ± {rounded(run['standard_deviation_over_cases'])}"


def short(network: str, column: int) -> dict | None:
    """The run of 200 steps in a column of the table; None where there is none."""
    name = SHORT[network][column]
    return (
        None if name is None else runs("hippocampus")[name if name.startswith("Recipe") else f"{name}_10epochs_20iters"]
    )


def dice(network: str, column: int) -> float:
    run = short(network, column)
    assert run
    return run["foreground_dice"]


def long(network: str, steps: int, sgd: bool = False) -> dict:
    """The run of one of the longer schedules."""
    return runs("hippocampus")[f"{NETWORKS[network]}{'_sgd' if sgd else ''}_{steps // 20}epochs_20iters"]


def short_schedule() -> Iterator[str]:
    for network in SHORT:
        columns = [short(network, column) for column in (SGD, SLOW, FAST)]
        [parameters] = {run["parameters"] for run in columns if run}
        yield row(network, f"{parameters:,}", *(shown(run) if run else "not run" for run in columns))


def longer_schedules() -> Iterator[str]:
    for network, name in NETWORKS.items():
        for trainer, run in runs("hippocampus").items():
            named = re.fullmatch(rf"{name}(_sgd)?_\d+epochs_20iters", trainer)
            if named and run["epochs"] > 10:
                labels = (rounded(run["dice_by_label"][label]) for label in ("1", "2"))
                optimiser = "SGD 1e-2" if named[1] else "AdamW 1e-2"
                yield row(network, f"{run['parameters']:,}", 20 * run["epochs"], optimiser, shown(run), *labels)


def membranes() -> Iterator[str]:
    for trainer, run in sorted(runs("neuron_membranes").items(), reverse=True):
        optimiser = "SGD 1e-2" if trainer.startswith("UNet") else "AdamW 1e-2"
        yield row(f"`{trainer}`", f"{run['parameters']:,}", optimiser, shown(run))


def follows() -> Iterator[str]:
    assert dice("flat 8", SGD) == dice("flat 16", SGD) == 0
    yield "leaves the flat networks of width 8 and 16 at a Dice of 0"
    sgd, adamw = (dice("U-Net 32", column) for column in (SGD, FAST))
    yield f"does learn from it ({sgd:.3f}), but it also gains from AdamW ({adamw:.3f})"
    yield (
        f"SGD reaches {long('flat 16', 800, sgd=True)['foreground_dice']:.3f} after 800 steps, "
        f"AdamW {dice('flat 16', FAST):.3f} after 200"
    )
    gains = [dice(network, FAST) - dice(network, SLOW) for network in ("flat 8", "flat 16", "flat 32")]
    behind = long("flat 16", 600)["foreground_dice"] - long("flat 32", 600)["foreground_dice"]
    yield (
        f"1e-2 beats 3e-3 at width 8 (by {gains[0]:.3f}) and at width 16 (by {gains[1]:.3f}) in the "
        "short schedule. At width "
        f"32 it is {-gains[2]:.3f} below 3e-3, and after 600 steps flat 32 is {behind:.3f} below flat 16"
    )
    with_adamw = [dice(network, FAST) for network in SHORT]
    assert max(with_adamw) - min(with_adamw) < 0.03
    yield "are within 0.03 of each other after 200 steps"


TABLES = [short_schedule, longer_schedules, membranes]
SENTENCES = [follows]
SETTINGS = [
    "AdamW was still 3e-3", "for 3e-3 at width 32", "Nesterov momentum 0.99", "200 of its 260 training cases",
    "batch 7), fold 0: 160 cases for training, 40 for validation", "Epochs of 20 training iterations",
    "over the 40 validation cases", "200 steps (10 epochs)", "Within 200 steps", "tell 0.01 from chance",
    "at most 1000 steps", "has 250,000 steps", "beyond 200 steps", "ISBI 2012", "24 slices of",
    "(19 for training, 5 for validation)", "batch 2, eight stages), 200 steps",
]  # fmt: skip
