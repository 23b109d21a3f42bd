"""Scores of all models on all common cases, in one process or several."""

import math
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from nnunetv2.evaluation.evaluate_predictions import region_or_label_to_mask
from nnunetv2.imageio.base_reader_writer import BaseReaderWriter

from nnunet_lunet.compare import metrics
from nnunet_lunet.compare.metrics import METRICS
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


@dataclass(frozen=True)
class Scored:
    """All scores of one case.

    :param diagonal: of its image, mm
    """

    scores: list[Score]
    diagonal: float


@dataclass(frozen=True)
class Protocol:
    """How label maps are read and compared.

    :param tolerance: of surface Dice, mm
    """

    labels: results.Labels
    reader: type[BaseReaderWriter]
    tolerance: float


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
    cases: Sequence[Case], protocol: Protocol, processes: int, on_case: Callable[[], None] = lambda: None
) -> tuple[list[Score], dict[str, float]]:
    """Scores of all labels and their mean, in the order of the cases; and the diagonal of each one's image, in mm.

    :param on_case: called after each case
    :raises UserError: a label map that cannot be read or compared
    """
    scores: dict[str, Scored] = {}
    try:
        for name, found in _each(cases, protocol, processes):
            scores[name] = found
            on_case()
    except label_maps.LabelMapError as error:
        raise UserError(str(error)) from error
    except BrokenProcessPool as error:
        raise UserError(f"--processes {processes}: one was killed, perhaps for its memory; use fewer") from error
    every = [found for case in cases for found in scores[case.name].scores]
    return every, {case.name: scores[case.name].diagonal for case in cases}


def score_case(case: Case, protocol: Protocol) -> Scored:
    """:raises LabelMapError: a label map that cannot be read or compared"""
    labels, reader = protocol.labels, protocol.reader()
    reference = label_maps.read(reader, case.reference)
    ignorable = frozenset() if labels.ignore is None else frozenset({labels.ignore})
    label_maps.check_values(reference, labels.allowed | ignorable)
    ignored = reference.array == labels.ignore if ignorable else None
    scores = []
    for prediction in case.predictions:
        found = label_maps.read(reader, prediction.file)
        label_maps.check_same_space(found, reference)
        label_maps.check_values(found, labels.allowed)
        of_labels = []
        for name, values in labels.foreground.items():
            expected, given = (region_or_label_to_mask(label_map.array, values) for label_map in (reference, found))
            measures = metrics.measure(expected, given, reference.spacing, protocol.tolerance, ignored)
            run = (prediction.model, prediction.fold, prediction.seed)
            of_labels.append(Score(*run, case.name, name, measures.values, measures.note))
        scores += [*of_labels, foreground(of_labels)]
    lengths = (voxels * mm for voxels, mm in zip(reference.array.shape, reference.spacing, strict=True))
    return Scored(scores, math.hypot(*lengths))


def foreground(labels: Sequence[Score]) -> Score:
    """Mean over the labels of one case that have a value."""
    first = labels[0]
    means = {metric: _mean(score.values[metric] for score in labels) for metric in METRICS}
    note = "; ".join(f"{score.label}: {score.note}" for score in labels if score.note)
    return Score(first.model, first.fold, first.seed, first.case, FOREGROUND, means, note)


def _mean(values: Iterable[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return fmean(defined) if defined else None


def _each(cases: Sequence[Case], protocol: Protocol, processes: int) -> Iterator[tuple[str, Scored]]:
    if processes == 1:
        for case in cases:
            yield case.name, score_case(case, protocol)
        return
    # As nnU-Net: torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(cases)), mp_context=context) as pool:
        waiting = {pool.submit(score_case, case, protocol): case.name for case in cases}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)
