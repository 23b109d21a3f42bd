"""Scores of all models on all common cases."""

import inspect
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import torch
from nnunetv2.evaluation.evaluate_predictions import region_or_label_to_mask
from nnunetv2.imageio.base_reader_writer import BaseReaderWriter

from nnunet_lunet.compare import kept, metrics, parallel
from nnunet_lunet.compare.metrics import METRICS, Measures
from nnunet_lunet.compare.record import FOREGROUND, Score
from nnunet_lunet.compare.selection import Candidate
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import label_maps, results


@dataclass(frozen=True)
class Prediction:
    model: str
    fold: str | None
    seed: int | None
    file: Path


@dataclass(frozen=True)
class Case:
    """A reference and all predictions of it."""

    name: str
    reference: Path
    predictions: list[Prediction]

    @property
    def files(self) -> list[Path]:
        """Of the reference, then of the predictions."""
        return [self.reference, *(prediction.file for prediction in self.predictions)]


@dataclass(frozen=True)
class Measured:
    """What is known of one case.

    :param diagonal: of its image, mm
    :param edge: the shortest of its voxels, mm
    :param predictions: of each file, its measures by label
    """

    diagonal: float
    edge: float
    predictions: Mapping[Path, Mapping[str, Measures]]


@dataclass(frozen=True)
class Protocol:
    """How label maps are read and compared.

    :param tolerances: of surface Dice, by label, mm
    """

    labels: results.Labels
    reader: type[BaseReaderWriter]
    tolerances: Mapping[str, float]


@dataclass(frozen=True)
class Scored:
    """What scoring found.

    :param scores: of all labels and their mean, in the order of the cases
    :param diagonals: of each case's image, mm
    :param edges: the shortest edge of each case's voxels, mm
    """

    scores: list[Score]
    diagonals: dict[str, float]
    edges: dict[str, float]


def cases(candidates: Sequence[Candidate], references: dict[str, Path]) -> list[Case]:
    """:param references: of the cases to score, by name"""
    return [
        Case(
            name,
            reference,
            [
                Prediction(candidate.name, run.fold, run.seed, run.label_maps[name])
                for candidate in candidates
                for run in candidate.runs
                if name in run.label_maps
            ],
        )
        for name, reference in references.items()
    ]


def score(
    cases: Sequence[Case],
    protocol: Protocol,
    earlier: kept.Scores,
    processes: int | None = None,
    on_case: Callable[[], None] = lambda: None,
) -> Scored:
    """Scores of all cases.

    :param earlier: scores of earlier comparisons; what is not among them is scored, and added
    :param processes: that score; if not given, :func:`parallel.usable` ones where that is faster than this one alone
    :param on_case: called after each case
    :raises UserError: a label map that cannot be read or compared
    """
    digests = kept.digests(file for case in cases for file in case.files)
    found: dict[str, Measured] = {}
    jobs = {}
    for case in cases:
        entry = earlier.read(digests[case.reference])
        before = entry.predictions if entry else {}
        known = {file: before[digests[file]] for file in case.files[1:] if digests.get(file) in before}
        found[case.name] = Measured(*((entry.diagonal, entry.edge) if entry else (math.nan, math.nan)), known)
        new = [file for file in case.files[1:] if file not in known]
        if entry and not new:
            on_case()
        else:
            jobs[case.name] = (case.reference, new, protocol)
    try:
        for name, new_ones in parallel.each(measure, jobs, processes):
            found[name] = replace(new_ones, predictions={**found[name].predictions, **new_ones.predictions})
            _keep(jobs[name][0], new_ones, digests, earlier)
            on_case()
        if jobs:
            earlier.tidy()
    except label_maps.LabelMapError as error:
        raise UserError(str(error)) from error
    return Scored(
        [score for case in cases for score in _scores(case, found[case.name])],
        {case.name: found[case.name].diagonal for case in cases},
        {case.name: found[case.name].edge for case in cases},
    )


def basis(protocol: Protocol, versions: Mapping[str, str]) -> str:
    """All that the scores of two files depend on: how they are read and compared, and by what.

    The metrics are in it with their source: a change of what they mean cannot go unnoticed.

    :param versions: of packages
    """
    rows = {sys.modules[metric.score.__module__] for metric in METRICS.values()}
    sources = sorted({inspect.getsource(module) for module in {sys.modules[__name__], metrics, label_maps, *rows}})
    return repr((protocol, list(METRICS), sources, dict(versions)))


def measure(reference: Path, predictions: Sequence[Path], protocol: Protocol) -> Measured:
    """:raises LabelMapError: a label map that cannot be read or compared"""
    with _one_thread():
        return _measure(reference, predictions, protocol)


def _measure(reference: Path, predictions: Sequence[Path], protocol: Protocol) -> Measured:
    labels, reader = protocol.labels, protocol.reader()
    expected = label_maps.read(reader, reference)
    ignorable = frozenset() if labels.ignore is None else frozenset({labels.ignore})
    label_maps.check_values(expected, labels.allowed | ignorable)
    ignored = expected.array == labels.ignore if ignorable else None
    masks = {name: region_or_label_to_mask(expected.array, values) for name, values in labels.foreground.items()}
    measures = {}
    for file in predictions:
        found = label_maps.read(reader, file)
        label_maps.check_same_space(found, expected)
        label_maps.check_values(found, labels.allowed)
        measures[file] = {
            name: metrics.measure(
                masks[name],
                region_or_label_to_mask(found.array, values),
                expected.spacing,
                protocol.tolerances[name],
                ignored,
            )
            for name, values in labels.foreground.items()
        }
    lengths = (voxels * mm for voxels, mm in zip(expected.array.shape, expected.spacing, strict=True))
    # A 2D image is a single slice, whose thickness says nothing.
    edges = [mm for voxels, mm in zip(expected.array.shape, expected.spacing, strict=True) if voxels > 1]
    return Measured(math.hypot(*lengths), min(edges, default=0.0), measures)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums over several threads differ in their last digits, and processes beside each other need one thread each."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _keep(reference: Path, found: Measured, digests: Mapping[Path, str], earlier: kept.Scores) -> None:
    """What was scored is what the digests are of only if the files are the same before and after."""
    after = kept.digests([reference, *found.predictions])
    same = {file for file, digest in after.items() if digest and digest == digests[file]}
    if reference in same:
        new = {digests[file]: measures for file, measures in found.predictions.items() if file in same}
        earlier.add(digests[reference], kept.Entry(found.diagonal, found.edge, new))


def _scores(case: Case, found: Measured) -> Iterator[Score]:
    for prediction in case.predictions:
        run = (prediction.model, prediction.fold, prediction.seed, case.name)
        of_labels = [
            Score(*run, label, measures.values, measures.note)
            for label, measures in found.predictions[prediction.file].items()
        ]
        yield from (*of_labels, foreground(of_labels))


def foreground(labels: Sequence[Score]) -> Score:
    """Mean over the labels of one case that have a value."""
    first = labels[0]
    means = {metric: _mean(score.values[metric] for score in labels) for metric in METRICS}
    note = "; ".join(f"{score.label}: {score.note}" for score in labels if score.note)
    return Score(first.model, first.fold, first.seed, first.case, FOREGROUND, means, note)


def _mean(values: Iterable[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return fmean(defined) if defined else None
