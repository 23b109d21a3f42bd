"""What a study compares of the trainings that are done: their validations, and what they predicted of a folder."""

import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from nnunet_lunet.compare.record import Comparison
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import training_state
from nnunet_lunet.study import steps
from nnunet_lunet.study.matrix import Training
from nnunet_lunet.study.request import Study
from nnunet_lunet.study.steps import Settings

#: Dataset, configuration, and what the comparison is of: validations, or what was predicted.
_Place = tuple[str, str, str]

#: Beside the name of a comparison of what was predicted.
_PREDICTED = "predicted"


def compare(study: Study, done: Sequence[Training], settings: Settings, console: Console) -> None:
    """Comparisons of each dataset and configuration, of all that is done; the first network is the baseline.

    ``comparison-DATASET-CONFIGURATION`` is of the validations. ``comparison-DATASET-CONFIGURATION-predicted`` is of the
    folder that the study predicts, where it names references. ``comparison-over-datasets`` puts those of several
    datasets together. What cannot be compared is told; ``lunet compare`` can still do it by hand.
    """
    found: dict[_Place, Comparison | None] = {}
    for dataset, configuration in dict.fromkeys((training.dataset, training.configuration) for training in done):
        of_both = [
            training for training in done if (training.dataset, training.configuration) == (dataset, configuration)
        ]
        both = {
            "groups": settings.groups_file(dataset), "margins": study.margin, "margin_reason": study.margin_reason or ""
        }  # fmt: skip
        asked = {**_validations(study, of_both), **both}
        found[dataset, configuration, ""] = _compare([dataset, configuration], asked, settings, console)
        if (predict := settings.predict) is not None and predict.labels is not None:
            asked = {
                "predictions": [_prediction(training, settings) for training in of_both],
                "references": settings.inside_raw(dataset, predict.labels),
                "images": settings.inside_raw(dataset, predict.images),
                **both,
            }
            names = [dataset, configuration, _PREDICTED]
            found[dataset, configuration, _PREDICTED] = _compare(names, asked, settings, console)
    for kind, places in over_datasets({place: each for place, each in found.items() if each is not None}).items():
        _together(kind, places, settings, console)


def over_datasets(found: Mapping[_Place, Comparison]) -> dict[tuple[str, ...], dict[_Place, Comparison]]:
    """What is put together, by the names that tell it from others: a dataset counts once in each.

    Configurations are kept apart where a dataset has several; else they may differ, as some datasets have only ``2d``.
    """
    groups: dict[tuple[str, ...], dict[_Place, Comparison]] = {}
    twice = any(times > 1 for times in Counter((dataset, kind) for dataset, _, kind in found).values())
    for (dataset, configuration, kind), comparison in found.items():
        names = tuple(filter(None, (configuration if twice else "", kind)))
        groups.setdefault(names, {})[dataset, configuration, kind] = comparison
    return {names: places for names, places in groups.items() if len(places) > 1}


def _together(names: Sequence[str], found: Mapping[_Place, Comparison], settings: Settings, console: Console) -> None:
    """Those of one baseline, if two datasets have two models in common."""
    baseline, _ = Counter(comparison.baseline for comparison in found.values()).most_common(1)[0]
    chosen = {place: comparison for place, comparison in found.items() if comparison.baseline == baseline}
    models = Counter(model.name for comparison in chosen.values() for model in comparison.models)
    for dataset, *_ in found.keys() - chosen.keys():
        _tell(f"{dataset} is not compared over datasets: its baseline is not {baseline}", console)
    if sum(times > 1 for times in models.values()) < 2:
        return
    try:
        from nnunet_lunet.compare import files
        from nnunet_lunet.compare.over import run

        pages = {place[0]: f"../{_folder(list(filter(None, place)), settings).name}/{files.PAGE}" for place in chosen}
        of_dataset = {dataset: comparison for (dataset, *_), comparison in chosen.items()}
        folder = settings.output / "-".join([run.FOLDER.name, *names])
        run.together(of_dataset, folder, console, command=_typed(), pages=pages)
    except UserError as error:
        _tell(f"{' '.join(['over datasets', *names])}: not compared: {error.message}", console)


def _validations(study: Study, trainings: Sequence[Training]) -> dict[str, Any]:
    models = dict.fromkeys(
        f"{training.label}={training.trainer}:{training.plans}:{training.configuration}" for training in trainings
    )
    return {"models": list(models), "folds": [str(fold) for fold in study.folds]}


def _prediction(training: Training, settings: Settings) -> str:
    """What nnU-Net predicts with where it is not told a checkpoint, and the folder of it."""
    checkpoint = steps.fold_folder(training) / training_state.CHECKPOINTS[0]
    return f"{training.label}={checkpoint}={settings.predictions(training)}"


def _compare(names: Sequence[str], asked: dict[str, Any], settings: Settings, console: Console) -> Comparison | None:
    """:param names: of the data set, the configuration, and what else tells this comparison from others
    :param asked: of :class:`nnunet_lunet.compare.request.Request`
    """
    try:
        from nnunet_lunet.compare import run
        from nnunet_lunet.compare.request import Request

        request = Request(names[0], overwrite=True, command=_typed(), **asked)
        return run.run(request, _folder(names, settings), console)
    except (UserError, ImportError) as error:
        why = error.message if isinstance(error, UserError) else str(error)
        _tell(f"{' '.join(names)} is not compared: {why}", console)
        return None


def _folder(names: Sequence[str], settings: Settings) -> Path:
    return settings.output / "-".join(["comparison", *names])


def _typed() -> str:
    return shlex.join(["lunet", *sys.argv[1:]])


def _tell(line: str, console: Console) -> None:
    console.print(line, style="yellow", soft_wrap=True, markup=False, highlight=False)
