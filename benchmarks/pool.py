"""One comparison of the runs that several machines trained of the same networks on the same fold.

python -m benchmarks.pool benchmarks/data/table2/parts/*.json.gz --output pooled
python -m benchmarks.pool benchmarks/data/table2/parts/*.json.gz --output pair -m 'U-Net 2' -m 'LUnet 12 (as U-Net 2)'

Each part is a comparison.json (or .json.gz) of `lunet study --compare`. Means, intervals and tests are made anew from
all scores by the first part's margins, as `lunet compare` makes them; -m keeps these networks alone, the first as the
baseline. Seconds are left out: they are of different machines.
"""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median_low

from benchmarks import packed
from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.compare import evaluation, files
from nnunet_lunet.compare.page import drawing, figures
from nnunet_lunet.compare.record import Comparison, Model
from nnunet_lunet.errors import UserError

PICTURES = ("dice_against_parameters", "differences")


def pooled(parts: Sequence[Comparison], names: Sequence[str]) -> Comparison:
    """All runs of the parts as one comparison.

    :param names: of networks, the baseline first; none for all that the first part has, in its order
    :raises UserError: a run is there twice, or a network lacks cases that others have
    """
    names = names or [model.name for model in parts[0].models]
    models = [model_of_all(name, parts) for name in names]
    scores = [score for part in parts for score in part.scores if score.model in names]
    runs = {(score.model, score.fold, score.seed, score.case, score.label) for score in scores}
    if len(runs) != len(scores):
        raise UserError("two parts have the same run")
    for name in names:
        if {score.case for score in scores if score.model == name} != {score.case for score in scores}:
            raise UserError(f"{name} lacks cases that others have")
    counts = {model.name: len(model.runs) for model in models}
    uneven = [f"Not all have the same number of seeds: {counts}."] if len(set(counts.values())) > 1 else []
    general = [note for note in parts[0].notes if not note.startswith("Not all models")]
    return evaluation.evaluated(
        replace(
            parts[0],
            baseline=names[0],
            models=models,
            scores=scores,
            learning=[run for part in parts for run in part.learning if run.model in names],
            worst=[],
            notes=["Runs of several machines; seconds are left out.", *uneven, *general],
            left_out_scores=[score for part in parts for score in part.left_out_scores if score.model in names],
            diagonals={case: length for part in parts for case, length in part.diagonals.items()},
        )
    )


def model_of_all(name: str, parts: Sequence[Comparison]) -> Model:
    """A network with the runs of all parts; its cost is that of the part with the median number of parameters."""
    same = [model for part in parts for model in part.models if model.name == name]
    if len({(model.trainer, model.plans, model.configuration) for model in same}) != 1:
        raise UserError(f"{name} is nowhere, or is not the same network in all parts")
    middle = median_low(model.cost.network.parameters or 0 for model in same)
    cost = next(model.cost for model in same if (model.cost.network.parameters or 0) == middle)
    memory = max((model.cost.peak_memory or 0 for model in same), default=0) or None
    runs = [run for model in same for run in model.runs]
    return replace(same[0], runs=runs, cost=replace(cost, seconds_per_epoch=None, peak_memory=memory))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", type=Path)
    parser.add_argument("-m", dest="models", action="append", default=[], metavar="NAME")
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args(argv)
    chosen = [part for name in given.models for part in ("-m", name)]
    command = shlex.join(["python", "-m", "benchmarks.pool", *map(str, given.parts), *chosen])
    parts = [packed.read(file) for file in given.parts]
    comparison = replace(pooled(parts, given.models), command=command)
    files.write(comparison, given.output, overwrite=True)
    for name in PICTURES:
        figure = drawing.figure(figures.ALL[name], comparison)
        if figure is not None:
            with atomic_write(given.output / f"{name}.png") as new:
                new.write(drawing.png(figure))


if __name__ == "__main__":
    main()
