"""The cases to look at: those of the lowest Dice, with their files."""

from collections.abc import Sequence

from nnunet_lunet.compare import analysis, scoring
from nnunet_lunet.compare.record import FOREGROUND, PRIMARY_ENDPOINT, Score, WorstCase
from nnunet_lunet.host.references import Source

#: So many are shown.
_SHOWN = 6


def cases(scores: Sequence[Score], scored: Sequence[scoring.Case], source: Source) -> list[WorstCase]:
    """:param scored: what ``scores`` are of, and perhaps more"""
    by_name = {case.name: case for case in scored}
    worst = []
    for name in analysis.hardest(scores, _SHOWN):
        shown = {prediction.model: prediction for prediction in reversed(by_name[name].predictions)}
        dice = {
            score.model: score.values[PRIMARY_ENDPOINT[1]]
            for score in scores
            if (score.case, score.label) == (name, FOREGROUND)
            and (score.fold, score.seed) == (shown[score.model].fold, shown[score.model].seed)
        }
        image = source.image(name)
        worst.append(
            WorstCase(
                case=name,
                image=None if image is None else str(image.absolute()),
                reference=str(by_name[name].reference.absolute()),
                files={model: str(prediction.file.absolute()) for model, prediction in shown.items()},
                dice=dice,
            )
        )
    return worst
