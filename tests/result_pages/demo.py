"""Of ``docs/results/demo.md``."""

from collections.abc import Iterator

from result_pages import data
from result_pages.markdown import row

LABELS = {"UNetTrainer": "U-Net 32", "LUnetTrainer_w16": "flat 16", "LUnetTrainer_w8": "flat 8"}


def runs(file: str) -> dict[str, dict]:
    """Networks of a demo, by name."""
    return {each["network"]: each for each in data.read(f"demo/{file}.json")["networks"]}


def one_run() -> Iterator[str]:
    for name, run in runs("quiet").items():
        dice = f"{run['foreground_dice']:.3f}"
        yield row(name, f"{run['parameters']:,}", f"{run['steps']:,}", f"{run['minutes']:.1f}", dice)


def tried() -> Iterator[str]:
    order = [*LABELS]
    for run in sorted(data.read("demo/tried.json"), key=lambda run: (order.index(run["trainer"]), run["steps"])):
        assert run["epochs"] * run["iterations_an_epoch"] == run["steps"]
        yield row(
            LABELS[run["trainer"]], f"{run['epochs']} × {run['iterations_an_epoch']}", f"{run['steps']:,}",
            f"{run['minutes']:.1f}", f"{run['foreground_dice_of_unseen_cases']:.3f}",
        )  # fmt: skip


def ahead() -> Iterator[str]:
    unet, flat = runs("quiet").values()
    by, fewer = flat["foreground_dice"] - unet["foreground_dice"], unet["parameters"] / flat["parameters"]
    yield (
        f"At equal time the lean network is {data.unsigned(by)} points of Dice ahead, "
        f"with {fewer:.0f} times fewer parameters"
    )


def a_step() -> Iterator[str]:
    tried = {(run["trainer"], run["steps"]): run for run in data.read("demo/tried.json")}
    unet, flat = tried["UNetTrainer", 170], tried["LUnetTrainer_w16", 280]
    key = "foreground_dice_of_unseen_cases"
    yield f"({unet['steps']} of them give it {unet[key]:.3f}, {flat['steps']} give flat 16 {flat[key]:.3f})"
    seconds = {
        lean: [run["seconds_an_iteration"] for run in tried.values() if run["trainer"].startswith("LUnet") == lean]
        for lean in (True, False)
    }
    low = min(seconds[False]) / max(seconds[True])
    high = max(seconds[False]) / min(seconds[True])
    yield f"takes {data.NUMBERS[round(low)]} to {data.NUMBERS[round(high)]} times as long"


def busy() -> Iterator[str]:
    first, second = (runs(f"busy_2min_{run}") for run in ("first", "second"))

    def both(network: str, key: str, digits: int) -> str:
        return data.listed([f"{run[network][key]:.{digits}f}" for run in (first, second)])

    yield (
        f"flat 8 trained {both('flat 8', 'minutes', 1)} minutes against {both('U-Net 32', 'minutes', 1)}, and scored "
        f"{both('flat 8', 'foreground_dice', 3)} against {both('U-Net 32', 'foreground_dice', 3)}"
    )


TABLES = [one_run, tried]
SENTENCES = [ahead, a_step, busy]
SETTINGS = ["a U-Net of nnU-Net's own width (32)"]
