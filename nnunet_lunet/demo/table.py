"""What a demo prints: a table, a verdict, and what to type next."""

from collections.abc import Sequence
from math import isclose, isfinite

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from nnunet_lunet import numbers
from nnunet_lunet.demo.record import Row

#: Of the U-Net's minutes: trainings that differ by more are not said to have had equal time.
_TOLERANCE = 0.1
_CAPTION = "Steps and minutes by nnU-Net's own log. Dice: mean of the unseen cases."


def table(rows: Sequence[Row], labels: dict[int, str], title: str, console: Console) -> Table:
    """One line a network, as wide as the console at most: where labels are many, only their mean."""
    whole = _table(rows, labels, title, _CAPTION)
    room = console.options.update(max_width=10_000)
    if Measurement.get(console, room, whole).maximum <= console.width:
        return whole
    return _table(rows, {}, title, f"{_CAPTION} Each label's: in result.json.")


def _table(rows: Sequence[Row], labels: dict[int, str], title: str, caption: str) -> Table:
    listing = Table(title=Text(title), caption=caption)
    listing.add_column("network", no_wrap=True, vertical="bottom")
    for heading in ("parameters", "steps", "minutes", *(f"Dice\n{name}" for name in labels.values()), "Dice\nmean"):
        listing.add_column(Text(heading), justify="right", no_wrap=True)
    for row in rows:
        dice = [row.evaluation.mean_dice[value] for value in labels] + [row.evaluation.foreground_dice]
        listing.add_row(
            row.label, numbers.whole(row.fold.network.parameters), f"{row.steps:,}", f"{row.minutes:.1f}",
            *(f"{value:.3f}" for value in dice),
        )  # fmt: skip
    return listing


def verdict(baseline: Row, lean: Row) -> str:
    """What the two lines of the table say, in a sentence."""
    ahead = 100 * (lean.evaluation.foreground_dice - baseline.evaluation.foreground_dice)
    if not isfinite(ahead):
        return "No verdict: Dice is not defined, a label is in no unseen case."
    is_equal = isclose(lean.minutes, baseline.minutes, rel_tol=_TOLERANCE)
    time = "At equal time" if is_equal else f"In {lean.minutes:.1f} minutes against {baseline.minutes:.1f},"
    points = numbers.fixed(abs(ahead), 1)
    place = "as good" if points == "0.0" else f"{points} points of Dice {'ahead' if ahead > 0 else 'behind'}"
    fewer = numbers.ratio(lean.fold.network.parameters, baseline.fold.network.parameters).replace("×", " times")
    return f"{time} the lean network is {place}, with {fewer} parameters; one training each proves little."


def next_steps(trainer: str, configuration: str) -> str:
    """Commands for one's own data.

    :param trainer: of the lean network, without a length
    """
    return f"""\
With data of your own, as a raw data set in nnU-Net's format:

lunet doctor
nnUNetv2_plan_and_preprocess -d NUMBER -c {configuration}
nnUNetv2_train NUMBER {configuration} 0 -tr {trainer}
nnUNetv2_predict -d NUMBER -c {configuration} -f 0 -tr {trainer} -i IN -o OUT

lunet doctor says whether nnU-Net's folders are set, and how to set them.
NUMBER: 7 if the data are in nnUNet_raw/Dataset007_Name.
0: the fold, one of 0 to 4; each validates on another fifth of the cases.
IN, OUT: folders of new images and of what is predicted for them.
Training takes nnU-Net's 1000 epochs; {trainer}_100epochs takes 100."""
