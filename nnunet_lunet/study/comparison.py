"""What a study compares when its trainings are done: their validations, and their predictions of a folder."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints
from nnunet_lunet.study import steps
from nnunet_lunet.study.matrix import Training
from nnunet_lunet.study.request import Study
from nnunet_lunet.study.steps import Settings

if TYPE_CHECKING:
    from nnunet_lunet.compare.run import Request


def compare(study: Study, done: Sequence[Training], settings: Settings, console: Console) -> None:
    """Comparisons for each dataset and configuration, of all that is done; the first network is the baseline.

    ``comparison-DATASET-CONFIGURATION`` is of the validations. ``comparison-DATASET-CONFIGURATION-predicted`` is of
    what each training's network predicted of the study's folder, where the study names references of it. What cannot
    be compared is told; ``lunet compare`` can still do it by hand.
    """
    for dataset, configuration in dict.fromkeys((training.dataset, training.configuration) for training in done):
        of_both = [
            training for training in done if (training.dataset, training.configuration) == (dataset, configuration)
        ]
        kinds = {"": _validations, "-predicted": _predictions}
        if settings.predict is None or settings.predict.labels is None:
            del kinds["-predicted"]
        for kind, request in kinds.items():
            try:
                from nnunet_lunet.compare import run

                run.run(
                    request(study, of_both, settings),
                    settings.output / f"comparison-{dataset}-{configuration}{kind}",
                    console,
                )
            except (UserError, ImportError) as error:
                why = error.message if isinstance(error, UserError) else str(error)
                line = f"{dataset} {configuration}{kind} is not compared: {why}"
                console.print(line, style="yellow", soft_wrap=True, markup=False, highlight=False)
