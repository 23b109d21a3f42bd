"""Tables of what models are, cost and score, as plain rows."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from statistics import fmean

from nnunet_lunet import numbers
from nnunet_lunet.compare import pruning_runs, words
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.compare.record import FOREGROUND, Comparison, Cost, Model, Summary


@dataclass(frozen=True)
class Table:
    """Rows of text; the first column has names, the others numbers."""

    title: str
    header: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class OverRuns:
    """A mean over runs: as text, what stands below it (a remark; the lowest and the highest), and as a number."""

    text: str
    below: list[str]
    sort: float | None


@dataclass(frozen=True)
class CostColumn:
    """A number that models cost.

    :param title: with room; ``heading`` without
    :param value: of a model, None where it is not known
    :param less: what a smaller number is: fewer, or less
    """

    heading: str
    title: str
    value: Callable[[Cost], float | None]
    show: Callable[[float | None], str]
    less: str


def cost_columns(comparison: Comparison) -> list[CostColumn]:
    """Those that some model has a number in. Peak memory is the process' on a CPU and the allocator's on a GPU, which
    nobody can compare: each kind of device has a column of its own."""
    devices = list(dict.fromkeys(model.cost.device for model in comparison.models if model.cost.peak_memory))
    columns = [
        CostColumn("parameters", "parameters", lambda cost: cost.network.parameters, numbers.whole, "fewer"),
        CostColumn("multiply-adds", "multiply-adds", lambda cost: cost.network.multiply_adds, numbers.scaled, "fewer"),
        CostColumn("activations", "activation memory", lambda cost: cost.network.activation_bytes, _bytes, "less"),
        CostColumn("s/epoch", "seconds an epoch", lambda cost: cost.seconds_per_epoch, numbers.significant, "less"),
        *(_peak(device, alone=len(devices) == 1) for device in devices),
    ]
    return [column for column in columns if any(column.value(model.cost) is not None for model in comparison.models)]


def _peak(device: str | None, *, alone: bool) -> CostColumn:
    name = "peak memory" if alone else f"peak memory, {device or 'device not told'}"
    return CostColumn(name, name, lambda cost: cost.peak_memory if cost.device == device else None, _bytes, "less")


def _bytes(size: float | None) -> str:
    return numbers.scaled(size, "B")


def costs(comparison: Comparison) -> Table:
    """What each model is and costs."""
    columns = cost_columns(comparison)
    has_channels = any(model.cost.network.channels_per_level for model in comparison.models)
    header = ["model", "runs", *(column.heading for column in columns), *["channels per level"] * has_channels]
    rows = [
        [
            model.name, _runs(model), *(column.show(column.value(model.cost)) for column in columns),
            *[", ".join(map(str, model.cost.network.channels_per_level or [])) or numbers.MISSING] * has_channels,
        ]
        for model in comparison.models
    ]  # fmt: skip
    return Table("Models", header, rows)


def pruning(comparison: Comparison) -> Table:
    """Of each pruning model the best pseudo Dice along the way, and that of the last epoch, with the sizes there."""
    header = [
        "model", "best pseudo Dice", "parameters there", "multiply-adds there", "last pseudo Dice",
        "parameters at the end", "multiply-adds at the end",
    ]  # fmt: skip
    rows = [
        [name, *(f"{cell.text} ({'; '.join(cell.below)})" if cell.below else cell.text for cell in cells)]
        for name, cells in pruning_cells(comparison).items()
    ]
    return Table("Pruning runs: pseudo Dice, of random patches during training", header, rows)


def pruning_cells(comparison: Comparison) -> dict[str, list[OverRuns]]:
    """Row by model: pseudo Dice, parameters and multiply-adds of the best epoch, then of the last."""
    return {
        name: [*_network(found.best, _epoch(found.best)), *_network(found.last, "")]
        for name, found in pruning_runs.moments(comparison).items()
    }


def _network(moments: Sequence[pruning_runs.Moment], when: str) -> list[OverRuns]:
    dice = [moment.pseudo_dice for moment in moments if moment.pseudo_dice is not None]
    share = f"{numbers.significant(100 * fmean(moment.share for moment in moments))} %" if moments else ""
    return [
        _over_runs(dice, lambda value: words.score(value, "dice"), when),
        _over_runs([moment.parameters for moment in moments], numbers.whole, share),
        _over_runs([moment.multiply_adds for moment in moments], numbers.scaled, ""),
    ]


def _epoch(moments: Sequence[pruning_runs.Moment]) -> str:
    """``epoch 80 to 158 of 300``."""
    found, lengths = ({getattr(moment, name) for moment in moments} for name in ("epoch", "epochs"))
    if not found:
        return ""
    return f"epoch {_from_to(found, numbers.whole)} of {_from_to(lengths, numbers.whole)}"


def _over_runs(values: Sequence[float], show: Callable[[float | None], str], remark: str) -> OverRuns:
    if not values:
        return OverRuns(numbers.MISSING, [], None)
    spread = _from_to(values, show)
    below = [line for line in (remark, spread if " to " in spread else "") if line]
    return OverRuns(show(fmean(values)), below, fmean(values))


def _from_to(values: Collection[float], show: Callable[[float | None], str]) -> str:
    lowest, highest = show(min(values)), show(max(values))
    return lowest if lowest == highest else f"{lowest} to {highest}"


def scores(comparison: Comparison, metric: str) -> Table:
    """Mean ± standard deviation over cases (or groups) for each label, and the spread over folds and seeds."""
    kind = METRICS[metric]
    labels = _labels(comparison)
    by_label = {(entry.model, entry.label): entry for entry in comparison.summaries if entry.metric == metric}
    rows = []
    for model in comparison.models:
        mean = by_label[model.name, FOREGROUND]
        rows.append(
            [
                model.name, *(spread(by_label[model.name, label]) for label in labels),
                words.score(mean.over_folds, metric), words.score(mean.over_seeds, metric),
            ]
        )  # fmt: skip
    title = (
        f"{kind.heading}, {'more' if kind.more_is_better else 'less'} is better: mean ± standard deviation over "
        f"{comparison.unit}"
    )
    return Table(title, ["model", *labels, "sd of folds", "sd of seeds"], rows)


def _labels(comparison: Comparison) -> list[str]:
    return list(dict.fromkeys(entry.label for entry in comparison.summaries))


def _runs(model: Model) -> str:
    folds = sorted({fold for fold, _ in model.runs if fold is not None})
    seeds = sorted({seed for _, seed in model.runs if seed is not None})
    told = [f"fold {', '.join(folds)}"] * bool(folds) + [f"seed {', '.join(map(str, seeds))}"] * bool(seeds)
    return "; ".join(told) or "predictions"


def spread(entry: Summary) -> str:
    """``0.853 ± 0.031 (3 of 120 undefined)``."""
    undefined = f" ({entry.undefined} of {entry.runs} undefined)" if entry.undefined else ""
    over_cases = "" if entry.over_cases is None else f" ± {words.score(entry.over_cases, entry.metric)}"
    return words.score(entry.mean, entry.metric) + over_cases + undefined
