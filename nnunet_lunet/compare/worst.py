"""The cases to look at: those of the lowest Dice of each model, with their files."""

from collections.abc import Sequence

from nnunet_lunet.compare import analysis, scoring
from nnunet_lunet.compare.record import FOREGROUND, PRIMARY_ENDPOINT, Score, WorstCase
from nnunet_lunet.host.references import Source

#: So many of each model.
OF_EACH = 3
#: To draw a case, a label map of each model is read, which of large images takes a second: so many in all, and fewest
#: and most cases.
_LABEL_MAPS, _FEWEST, _MOST = 150, 4, 12


def of_models(scores: Sequence[Score]) -> dict[str, list[str]]:
    """By model its cases of the lowest mean foreground Dice, lowest first."""
    foreground: dict[str, list[Score]] = {}
    for score in scores:
        if score.label == FOREGROUND:
            foreground.setdefault(score.model, []).append(score)
    return {model: analysis.hardest(of_model, OF_EACH) for model, of_model in foreground.items()}


def drawn(scores: Sequence[Score]) -> list[str]:
    """Cases that are drawn: of every model the worst, then of every model the second, and so on, until it is enough.

    In the order of their mean Dice over all models, lowest first.
    """
    worst = of_models(scores)
    most = min(max(_LABEL_MAPS // max(1, len(worst)), _FEWEST), _MOST)
    hardest = analysis.hardest(scores, len({score.case for score in scores}))
    chosen: dict[str, None] = {}
    for rank in range(OF_EACH):
        of_rank = {cases[rank] for cases in worst.values() if rank < len(cases)}
        chosen |= dict.fromkeys(sorted(of_rank, key=hardest.index))
    return sorted(list(chosen)[:most], key=hardest.index)


def cases(scores: Sequence[Score], scored: Sequence[scoring.Case], source: Source) -> list[WorstCase]:
    """:param scored: what ``scores`` are of, and perhaps more"""
    by_name = {case.name: case for case in scored}
    worst = []
    for name in drawn(scores):
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
