"""``lunet compare``, from a request to files."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.compare import (
    analysis,
    costs,
    failures,
    files,
    grouping,
    kept,
    margins,
    notes,
    overview,
    pairing,
    predicted,
    pruning_runs,
    scoring,
    selection,
    tolerances,
    worst,
)  # fmt: skip
from nnunet_lunet.compare.predicted import Predictions
from nnunet_lunet.compare.record import FOREGROUND, PRIMARY_ENDPOINT, Comparison, Cost, Model
from nnunet_lunet.compare.request import Request
from nnunet_lunet.compare.selection import Candidate
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import folders, label_maps, references, results  # fmt: skip
from nnunet_lunet.host.references import Source


@dataclass(frozen=True)
class Prepared:
    """A comparison of which all is settled and nothing is scored yet.

    :param baseline: name, where the request says which it is
    :param notes: on what is not compared, or on fewer folds, seeds or cases than there are
    :param left_out: by model, cases that it lacks and another has
    """

    request: Request
    folder: Path
    source: Source
    protocol: scoring.Protocol
    candidates: Sequence[Candidate]
    baseline: str | None
    notes: Sequence[str]
    cases: Sequence[scoring.Case]
    left_out: dict[str, list[str]]
    margins: dict[str, float]
    groups: dict[str, str]


def run(request: Request, output: Path | None, console: Console) -> Comparison:
    """Compare, print the overview, and write tables, data and page.

    :param output: folder; ``comparison-DATASET`` if not given
    :raises UserError: see ``lunet compare --help``; nothing was written
    """
    prepared = prepare(request, output)
    declare(prepared)
    return finish(prepared, console)


def prepare(request: Request, output: Path | None) -> Prepared:
    """Settle what is compared; nothing is written or scored.

    :param output: folder; ``comparison-DATASET`` if not given
    :raises UserError: see ``lunet compare --help``
    """
    request.check()
    predictions = predicted.read(request.predictions)
    dataset = None if request.dataset is None else folders.dataset_name(request.dataset)
    source = references.find(
        dataset,
        request.references,
        [entry.folder for entry in predictions],
        request.images,
        of_training=request.references is None or bool(request.models) or request.names_none,
    )
    folder = output if output is not None else Path(f"comparison-{re.sub(r'[^0-9A-Za-z._-]+', '_', source.name)}")
    files.check_free(folder, request.overwrite)
    labels = _unambiguous(results.labels(source.description))
    candidates, baseline, said = _candidates(request, source, predictions)
    candidates, on_folds = pairing.on_common_folds(candidates)
    on_runs = [*pairing.uneven_seeds(candidates), *pairing.single_networks(candidates)]
    common, left_out, on_cases = pairing.common_cases(candidates, source.references)
    if request.references is not None:
        on_cases += pairing.unpredicted(candidates, source.references)
    if request.images is not None:
        on_cases += pairing.undrawn(source.without_image(common))
    reader = label_maps.reader_class(source.description, source.references[common[0]])
    lacking = sorted({case for lacked in left_out.values() for case in lacked})
    protocol = scoring.Protocol(labels, reader, tolerances.read(request.tolerances, labels.foreground))
    return Prepared(
        request, folder, source, protocol, candidates, baseline,
        [*said, *on_folds, *on_runs, *on_cases, *_lacking(left_out)],
        scoring.cases(candidates, {case: source.references[case] for case in [*common, *lacking]}), left_out,
        margins.read(request.margins),
        grouping.read(request.groups, [*common, *lacking]) if request.groups is not None else {},
    )  # fmt: skip


def declare(prepared: Prepared) -> None:
    """Write down what is compared, by which margin, and why.

    :raises UserError: the folder cannot be written
    """
    request = prepared.request
    declared = {
        "declared": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": request.command,
        "dataset": prepared.source.name,
        "models": [candidate.name for candidate in prepared.candidates],
        "baseline": request.baseline,
        "primary_endpoint": " ".join(PRIMARY_ENDPOINT),
        "margins": prepared.margins,
        "margin_reason": request.margin_reason,
        "tolerances": prepared.protocol.tolerances,
    }
    files.declare(prepared.folder, declared)


def finish(prepared: Prepared, console: Console) -> Comparison:
    """Score, print the overview, and write tables, data and page.

    :raises UserError: a file cannot be read or written
    """
    comparison = _compare(prepared, console)
    folder = prepared.folder
    files.write(comparison, folder, prepared.request.overwrite)
    _write_page(comparison, folder)
    for each in overview.overview(comparison):
        console.print(each)
    console.print(f"Tables: {folder / files.MARKDOWN}\nPage: {folder / files.PAGE}", markup=False, soft_wrap=True)
    return comparison


def _compare(prepared: Prepared, console: Console) -> Comparison:
    request, candidates, groups, limits = prepared.request, prepared.candidates, prepared.groups, prepared.margins
    protocol = prepared.protocol
    with _progress(console) as progress:
        step = _step(progress, "scoring cases", len(prepared.cases))
        earlier = kept.Scores(kept.folder(), scoring.basis(protocol, notes.versions()))
        scored = scoring.score(prepared.cases, protocol, earlier, request.processes, step)
        runs = sum(len(candidate.runs) for candidate in candidates)
        step = _step(progress, "reading checkpoints", runs)
        priced = [(candidate, *costs.cost(candidate, step)) for candidate in candidates]
    pruned, unread = pruning_runs.read(candidates)
    baseline = prepared.baseline or _largest({candidate.name: cost for candidate, cost, *_ in priced})
    lacking = {case for lacked in prepared.left_out.values() for case in lacked}
    scores = [score for score in scored.scores if score.case not in lacking]
    incomplete = [score for score in scored.scores if score.case in lacking]
    tests, untested = analysis.tests(scores, baseline, limits, groups)
    particular = [
        *prepared.notes, *(note for *_, told in priced for note in told), *unread, *untested,
        *notes.of_tests(tests), *tolerances.below_voxels(protocol.tolerances, scored.edges),
    ]  # fmt: skip
    for note in (*particular, *earlier.problems):
        console.print(Text(note, style="yellow"), soft_wrap=True)
    return Comparison(
        dataset=prepared.source.name,
        baseline=baseline,
        labels=protocol.labels.drawn,
        models=[_model(candidate, cost) for candidate, cost, *_ in sorted(priced, key=lambda p: p[0].name != baseline)],
        scores=scores,
        summaries=analysis.summaries(scores, groups),
        tests=tests,
        learning=[curve for *_, curves, _ in priced for curve in curves],
        worst=worst.cases(scores, prepared.cases, prepared.source),
        left_out=prepared.left_out,
        notes=[
            *particular,
            *notes.of_metrics(
                tolerances.told(protocol.tolerances), protocol.labels.ignore is not None, protocol.reader
            ),
            *notes.of_statistics(limits, request.margin_reason, tests, groups),
            *(notes.of_pruning() if pruned else []),
        ],
        versions=notes.versions(),
        command=request.command,
        pruning=pruned,
        left_out_scores=incomplete,
        diagonals=scored.diagonals,
        sensitivity=failures.sensitivity(scores, incomplete, scored.diagonals, baseline, groups),
        margins=limits,
        margin_reason=request.margin_reason,
        groups=groups,
    )


def _unambiguous(labels: results.Labels) -> results.Labels:
    """A label that is named as the mean over labels is gets another name."""
    if FOREGROUND not in labels.foreground:
        return labels
    other = f"{FOREGROUND} (label)"
    return replace(
        labels,
        foreground={other if name == FOREGROUND else name: value for name, value in labels.foreground.items()},
        drawn={value: other if name == FOREGROUND else name for value, name in labels.drawn.items()},
    )


def _candidates(
    request: Request, source: Source, predictions: Sequence[Predictions]
) -> tuple[list[Candidate], str | None, list[str]]:
    """Models, the name of the baseline where the request says which it is, and notes on what is not compared."""
    ending = source.description["file_ending"]
    trained: list[Candidate] = []
    said: list[str] = []
    if request.models or request.names_none:
        wanted = selection.Wanted(request.models, request.folds, request.plans, request.configuration)
        trained, said = selection.trained(source.name, ending, wanted)
    candidates = trained + predicted.candidates(predictions, trained, ending)
    selection.check_names(candidates)
    baseline = None
    if request.baseline is not None:
        baseline = selection.find(request.baseline, candidates, "--baseline").name
    if request.names_none:
        candidates, left_out = pairing.most_in_common(candidates, baseline)
        return candidates, baseline, said + left_out
    return candidates, baseline or candidates[0].name, said


def _lacking(left_out: dict[str, list[str]]) -> list[str]:
    return [
        f"Left out: {len(cases)} case{'s' * (len(cases) > 1)} without a prediction of {name}, such as {cases[0]}."
        for name, cases in left_out.items()
    ]


def _largest(prices: dict[str, Cost]) -> str:
    """The model with most parameters, of several the first by name."""
    return min(prices, key=lambda name: (-(prices[name].network.parameters or 0), name))


def _model(candidate: Candidate, cost: Cost) -> Model:
    runs = [(run.fold, run.seed) for run in candidate.runs]
    return Model(
        candidate.name, candidate.trainer, candidate.plans, candidate.configuration, runs, cost, candidate.checkpoint
    )


def _write_page(comparison: Comparison, folder: Path) -> None:
    """The page, and its figures as pictures; one that has nothing to show any more is removed."""
    from nnunet_lunet.compare.page import document, drawing, figures

    try:
        drawn = figures.drawn(comparison)
        with atomic_write(folder / files.PAGE) as new:
            document.write(comparison, new, drawn)
        for name in figures.ALL:
            if name not in drawn:
                (folder / f"{name}.png").unlink(missing_ok=True)
                continue
            with atomic_write(folder / f"{name}.png") as new:
                new.write(drawing.png(drawn[name]))
    except OSError as error:
        raise UserError(f"--output {folder}: {error.filename or folder}: {error.strerror}") from error


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    return Progress(*columns, TimeRemainingColumn(), console=console)


def _step(progress: Progress, what: str, total: int) -> Callable[[], None]:
    task = progress.add_task(what, total=total)
    return lambda: progress.advance(task)
