"""Of ``docs/results/planner.md``."""

from collections.abc import Iterator

from benchmarks import planner
from result_pages import data

FILE = "planner/planner.json"


def of(fingerprint: str, width: int | None) -> dict:
    """Plans for one of the fingerprints; nnU-Net's own for width None."""
    [found] = [
        row for row in data.read(FILE) if row["dataset"].endswith(f"_{fingerprint}") and row["width"] == width
    ]  # fmt: skip
    return found


def largest_gain(width: int) -> float:
    """Voxels of a batch to those of the stock plans."""
    return max(row["voxels_ratio"] for row in data.read(FILE) if row["width"] == width)


def plans() -> Iterator[str]:
    for row in data.read(FILE):
        yield planner.line(planner.Row(**row))


def fingerprints() -> Iterator[str]:
    shapes = {name.partition("_")[2]: shape for name, (shape, _) in planner.FINGERPRINTS.items()}
    spacings = {name.partition("_")[2]: spacing for name, (_, spacing) in planner.FINGERPRINTS.items()}
    small, uneven = ("×".join(map(str, shapes[name])) for name in ("Small", "Anisotropic"))
    spacing = "×".join(f"{each:g}" for each in spacings["Anisotropic"])
    yield (
        f"Three synthetic fingerprints of {planner.CASES} cases (one channel, three classes): small ({small} voxels of "
        f"{spacings['Small'][0]:g} mm), large ({shapes['Large'][0]}³ of {spacings['Large'][0]:g} mm) and anisotropic "
        f"({uneven} of {spacing} mm)"
    )


def gains() -> Iterator[str]:
    ratios = [row["voxels_ratio"] for row in data.read(FILE) if row["width"] in (16, 8) and row["voxels_ratio"] > 1]
    yield f"Width 16 and 8 turn the memory into {data.span(ratios, 2)} times the voxels a batch"
    largest = max(row["estimated_gigabytes"] for row in data.read(FILE))
    yield f"so an estimate may exceed the target ({largest:.2f} GB above)"


TABLES = [plans]
SENTENCES = [fingerprints, gains]
SETTINGS = ["target 8 GB for all", "at most 5 % of all voxels", "a card of exactly 8 GB"]
