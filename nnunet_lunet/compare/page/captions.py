"""What stands under each figure, and what it shows in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from matplotlib.figure import Figure

from nnunet_lunet import numbers
from nnunet_lunet.compare import table, words
from nnunet_lunet.compare.page import drawing, shown
from nnunet_lunet.compare.record import Comparison

_BEYOND = "Arrows: what lies beyond the end of the axis, of several cases the furthest."


@dataclass(frozen=True)
class Picture:
    """A figure with what it shows in words (``alt``) and how to read it (``caption``)."""

    svg: bytes
    alt: str
    caption: str


def pictures(comparison: Comparison, drawn: Mapping[str, Figure]) -> dict[str, Picture]:
    """The figures of :data:`nnunet_lunet.compare.page.figures.ALL`, by name, as the page shows them."""
    return {name: Picture(drawing.svg(figure), *_ABOUT[name](comparison)) for name, figure in drawn.items()}


def _about_parameters(comparison: Comparison) -> tuple[str, str]:
    points = shown.points(comparison)
    values = "; ".join(
        f"{name}: {numbers.whole(size)} parameters, Dice {words.score(dice, 'dice')}"
        for name, (size, dice) in points.items()
    )
    caption = (
        "Mean foreground Dice of each model over its number of parameters. Thin bars: standard deviation over cases; "
        "thick bars, where they are longer than the badge: over seeds or, with one seed, over folds. On the Pareto "
        f"front, where no smaller model is as good: {', '.join(shown.pareto_front(points))}."
    )
    missing = [model.name for model in comparison.models if model.name not in points]
    if missing:
        caption += f" Not shown, because its parameters or its Dice are not known: {', '.join(missing)}."
    return f"Scatter plot of mean foreground Dice against parameters. {values}.", caption


def _about_learning(comparison: Comparison) -> tuple[str, str]:
    values = "; ".join(
        f"{name}: {numbers.fixed(dice[-1], 3)} after {len(dice)} epochs and {numbers.whole(seconds[-1])} s"
        for name, (seconds, dice) in shown.learning(comparison).items()
    )
    return (
        f"Line plot of pseudo Dice against epochs and against time. {values}.",
        "nnU-Net’s pseudo Dice, of validation patches and not of whole cases, after each epoch: mean over folds and "
        "seeds of its exponential moving average. Right: over the time that the epochs took; models compare only as "
        "far as they trained on the same machine under the same load.",
    )


def _about_differences(comparison: Comparison) -> tuple[str, str]:
    rows = shown.differences(comparison)
    values = "; ".join(
        f"{name}: better in {sum(value > 0 for value in cases.values())} of {len(cases)} cases, mean difference "
        f"{words.difference(sum(cases.values()) / len(cases), 'dice')} points"
        for name, cases in rows.items()
    )
    caption = (
        "A dot is a case: foreground Dice of the model minus that of the baseline, right of the line where the model "
        "is better. Box: quartiles and median; diamond and thick line: mean with its 95 % confidence interval. "
        f"{_BEYOND}"
    )
    tests = words.main_tests(comparison)
    if any(test.verdict is not None for test in tests):
        caption += " Dotted: the margin of non-inferiority, which an interval has to stay right of."
    alone = [test.model for test in tests if not test.over_seeds]
    if alone:
        caption += f" Over {comparison.unit} alone, of these trained networks: {', '.join(alone)}."
    return f"Dot plot of foreground Dice minus the baseline's by case. {values}.", caption


def _about_distribution(comparison: Comparison) -> tuple[str, str]:
    values = "; ".join(
        f"{name}: {words.score(min(cases.values()), 'dice')} to {words.score(max(cases.values()), 'dice')}, "
        f"median {words.score(median(cases.values()), 'dice')}"
        for name, cases in shown.dice_by_case(comparison).items()
        if cases
    )
    return (
        f"Dot plot of foreground Dice by case. {values}.",
        "A dot is a case: foreground Dice of the model, the mean over its runs. Box: quartiles and median; diamond: "
        f"mean. {_BEYOND}",
    )


def _about_channels(comparison: Comparison) -> tuple[str, str]:
    values = "; ".join(
        f"{model.name}: {', '.join(map(str, model.cost.network.channels_per_level))}"
        for model in comparison.models
        if model.cost.network.channels_per_level
    )
    return (
        f"Bar charts of channels by level, full resolution first. {values}.",
        "Channels of all convolutions of a level (a resolution), full resolution on top; one scale for all models.",
    )


def _about_pruning(comparison: Comparison) -> tuple[str, str]:
    values = "; ".join(
        f"{name}: best pseudo Dice {best.text} at {size.text} parameters, in the last epoch {last.text} at {end.text}"
        for name, (best, size, _, last, end, _) in table.pruning_cells(comparison).items()
    )
    return (
        f"Curves of pseudo Dice against parameters and against multiply-adds along pruning. {values}.",
        "Lines: pseudo Dice, of random patches during training, of each network along pruning, in the last epoch "
        "before the next channels left (where these are many, means of neighbours); a line is a model, epoch by epoch "
        "the mean of its runs, and pruning goes from right to left. Dots: an epoch of one run; those below the axis "
        "are not shown. Squares: kept checkpoints, with the percentage of channels in their name. Numbered: validated "
        "Dice of whole cases, of every model whose size is known; another measure, so its height beside a line says "
        "little. Multiply-adds of a run count the lower heads, which training alone computes.",
    )


_ABOUT: dict[str, Callable[[Comparison], tuple[str, str]]] = {
    "dice_against_parameters": _about_parameters, "learning": _about_learning, "distribution": _about_distribution,
    "differences": _about_differences, "channels": _about_channels, "dice_along_pruning": _about_pruning,
}  # fmt: skip
