"""What a study compares of the trainings that are done: their validations, and what they predicted of a folder."""

import shlex
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import training_state
from nnunet_lunet.study import steps
from nnunet_lunet.study.matrix import Training
from nnunet_lunet.study.request import Study
from nnunet_lunet.study.steps import Settings


def compare(study: Study, done: Sequence[Training], settings: Settings, console: Console) -> None:
    """Comparisons of each dataset and configuration, of all that is done; the first network is the baseline.

    ``comparison-DATASET-CONFIGURATION`` is of the validations. ``comparison-DATASET-CONFIGURATION-predicted`` is of the
    folder that the study predicts, where it names references. What cannot be compared is told; ``lunet compare`` can
    still do it by hand.
    """
    for dataset, configuration in dict.fromkeys((training.dataset, training.configuration) for training in done):
        of_both = [
            training for training in done if (training.dataset, training.configuration) == (dataset, configuration)
        ]
        both = {
            "groups": settings.groups_file(dataset), "margins": study.margin, "margin_reason": study.margin_reason or ""
        }  # fmt: skip
        _compare([dataset, configuration], {**_validations(study, of_both), **both}, settings, console)
        if (predict := settings.predict) is not None and predict.labels is not None:
            asked = {
                "predictions": [_prediction(training, settings) for training in of_both],
                "references": settings.inside_raw(dataset, predict.labels),
                "images": settings.inside_raw(dataset, predict.images),
                **both,
            }
            _compare([dataset, configuration, "predicted"], asked, settings, console)


def _validations(study: Study, trainings: Sequence[Training]) -> dict[str, Any]:
    models = dict.fromkeys(
        f"{training.label}={training.trainer}:{training.plans}:{training.configuration}" for training in trainings
    )
    return {"models": list(models), "folds": [str(fold) for fold in study.folds]}


def _prediction(training: Training, settings: Settings) -> str:
    """What nnU-Net predicts with where it is not told a checkpoint, and the folder of it."""
    checkpoint = steps.fold_folder(training) / training_state.CHECKPOINTS[0]
    return f"{training.label}={checkpoint}={settings.predictions(training)}"


def _compare(names: Sequence[str], asked: dict[str, Any], settings: Settings, console: Console) -> None:
    """:param names: of the data set, the configuration, and what else tells this comparison from others
    :param asked: of :class:`nnunet_lunet.compare.request.Request`
    """
    try:
        from nnunet_lunet.compare import run
        from nnunet_lunet.compare.request import Request

        typed = shlex.join(["lunet", *sys.argv[1:]])
        request = Request(names[0], overwrite=True, command=typed, **asked)
        run.run(request, settings.output / "-".join(["comparison", *names]), console)
    except (UserError, ImportError) as error:
        why = error.message if isinstance(error, UserError) else str(error)
        line = f"{' '.join(names)} is not compared: {why}"
        console.print(line, style="yellow", soft_wrap=True, markup=False, highlight=False)
