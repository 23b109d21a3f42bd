"""Predicts a folder of images: nnU-Net's preprocessing and network, several cases at a time."""

import io
import json
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor

from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import networks
from nnunet_lunet.inference import cases, engines, pipeline
from nnunet_lunet.inference.predictor import Predictor
from nnunet_lunet.inference.record import PredictedCase, Prediction
from nnunet_lunet.inference.request import Request
from nnunet_lunet.profile import measure
from nnunet_lunet.trainers import peak_memory


def run(request: Request, console: Console) -> Prediction:
    """Predict all cases; a line for each, and one for all.

    :raises UserError: nothing can be predicted, or, at the end, cases that failed
    """
    begun = time.perf_counter()
    settings = engines.choose(request.engine, request.device, request.precision)
    request.check()
    torch.set_num_threads(settings.threads)
    # What it is now, not what is put in its place to keep nnU-Net silent.
    console.file = console.file
    with _silent():
        model = Predictor(
            settings, tile_step_size=request.step_size, use_mirroring=request.mirroring,
            perform_everything_on_device=settings.device == "cuda",
        )  # fmt: skip
        networks.initialize(model, request.model, request.folds, request.checkpoint)
        chosen = _cases(request, model)
        done = [case for case in chosen if request.continued and _is_done(case, request, model)]
        prediction = Prediction(
            list(request.command), datetime.now().astimezone().isoformat("T", "seconds"), str(request.model),
            list(request.folds), request.checkpoint, asdict(settings), measure.machine(settings.device), len(done),
        )  # fmt: skip
        _describe(request, model)
        prediction.seconds_before = time.perf_counter() - begun
        try:
            _predict([case for case in chosen if case not in done], request, model, prediction, console)
        finally:
            prediction.peak_memory = peak_memory.of_training(torch.device(settings.device))
            if request.report is not None:
                prediction.write(request.report)
    console.print(prediction.line, markup=False, highlight=False, soft_wrap=True)
    if prediction.failures:
        raise UserError(
            f"{len(prediction.failures)} of {len(prediction.cases)} cases failed: {', '.join(prediction.failures)}; "
            "mend them and run it again with --continue_prediction"
        )
    return prediction


def _predict(
    todo: list[cases.Case], request: Request, model: Predictor, prediction: Prediction, console: Console
) -> None:
    begun = time.perf_counter()
    with _progress(console) as progress:
        task = progress.add_task("", total=len(todo))

        def network(case: cases.Case, loaded: cases.Loaded) -> tuple[Tensor, dict[str, Any]]:
            before = todo.index(case)
            progress.update(task, description=case.name)
            model.on_windows = lambda done, all_: progress.update(task, completed=before + done / all_)
            return model.predict_logits_from_preprocessed_data(loaded.image), loaded.properties

        def save(case: cases.Case, predicted: tuple[Tensor, dict[str, Any]]) -> None:
            cases.save(case, *predicted, model, request.probabilities)

        outcomes = pipeline.overlap(
            todo, partial(cases.load, model=model), network, save, request.loading, request.saving
        )
        try:
            for outcome in outcomes:
                case = _record(outcome, model)
                prediction.cases.append(case)
                progress.console.print(case.line, markup=False, highlight=False, soft_wrap=True)
        except BaseException:
            outcomes.close()
            cases.clear_up(todo)
            raise
        finally:
            prediction.seconds = time.perf_counter() - begun


def _record(outcome: pipeline.Outcome[cases.Case], model: Predictor) -> PredictedCase:
    case, error = outcome.case, outcome.error
    if error is None:
        return PredictedCase(case.name, outcome.seconds, str(case.file(model.dataset_json["file_ending"])))
    return PredictedCase(case.name, outcome.seconds, None, cases.in_one_line(error))


def _cases(request: Request, model: Predictor) -> list[cases.Case]:
    """Of this part.

    :raises UserError: there is none, or a cascade's previous stage is not there
    """
    stage = model.configuration_manager.previous_stage_name
    if stage is not None and request.previous is None:
        raise UserError(f"{request.model.name} is a cascade: give the folder of {stage}'s with -prev_stage_predictions")
    if stage is None and request.previous is not None:
        raise UserError(f"{request.model.name} is no cascade: leave -prev_stage_predictions out")
    found = cases.of_folder(request.images, model.dataset_json["file_ending"], request.output, request.previous)
    return found[request.part_id :: request.num_parts]


def _is_done(case: cases.Case, request: Request, model: Predictor) -> bool:
    return case.is_predicted(model.dataset_json["file_ending"], request.probabilities)


def _describe(request: Request, model: Predictor) -> None:
    """What nnU-Net's evaluation, ensembling and postprocessing ask a folder of predictions for."""
    for name, content in (("dataset.json", model.dataset_json), ("plans.json", model.plans_manager.plans)):
        try:
            with atomic_write(request.output / name) as file:
                file.write(json.dumps(content, indent=4).encode())
        except OSError as error:
            raise UserError(f"{request.output / name} cannot be written: {error.strerror}") from error


@contextmanager
def _silent() -> Iterator[None]:
    """What nnU-Net prints, in all threads, is not for whoever reads a line a case."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.1f}/{task.total} cases"),
        TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal,
        redirect_stdout=False, redirect_stderr=False, transient=True,
    )  # fmt: skip
