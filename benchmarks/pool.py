"""One comparison of the runs that several machines trained of the same networks on the same fold.

python docs/results/pool.py docs/results/table2/parts/*.json.gz --output pooled
python docs/results/pool.py docs/results/table2/parts/*.json.gz --output pair -m 'U-Net 2' -m 'LUnet 12 (as U-Net 2)'

Each part is a comparison.json (or .json.gz) of `lunet study --compare`. Means, intervals and tests are made anew from
all scores, as `lunet compare` makes them; -m keeps these networks alone, the first as the baseline. Seconds are left
out: they are of different machines.
"""

import argparse
import gzip
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median_low

from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.compare import analysis, files
from nnunet_lunet.compare.page import drawing, figures
from nnunet_lunet.compare.record import Comparison, Model

MARGIN = 0.01
PICTURES = ("dice_against_parameters", "differences")


def read(file: Path) -> Comparison:
    """A part, packed or not."""
    if file.suffix != ".gz":
        return files.read_json(file)
    with tempfile.NamedTemporaryFile(suffix=".json") as unpacked:
        unpacked.write(gzip.decompress(file.read_bytes()))
        unpacked.flush()
        return files.read_json(Path(unpacked.name))


def pooled(parts: Sequence[Comparison], names: Sequence[str]) -> Comparison:
    """:param names: of networks, the baseline first; none for all that the first part has, in its order"""
    names = names or [model.name for model in parts[0].models]
    models = [model_of_all(name, parts) for name in names]
    scores = [score for part in parts for score in part.scores if score.model in names]
    runs = {(score.model, score.fold, score.seed, score.case, score.label) for score in scores}
    if len(runs) != len(scores):
        raise SystemExit("two parts have the same run")
    for name in names:
        if {score.case for score in scores if score.model == name} != {score.case for score in scores}:
            raise SystemExit(f"{name} lacks cases that others have")
    tests, untested = analysis.tests(scores, names[0], MARGIN)
    counts = {model.name: len(model.runs) for model in models}
    uneven = [f"Not all have the same number of seeds: {counts}."] if len(set(counts.values())) > 1 else []
    general = [note for note in parts[0].notes if not note.startswith(("Not all models", "No test of"))]
    return replace(
        parts[0],
        baseline=names[0],
        models=models,
        scores=scores,
        summaries=analysis.summaries(scores),
        tests=tests,
        trainings=[run for part in parts for run in part.trainings if run.model in names],
        worst=[],
        notes=["Runs of several machines; seconds are left out.", *uneven, *untested, *general],
    )


def model_of_all(name: str, parts: Sequence[Comparison]) -> Model:
    """A network with the runs of all parts; its cost is that of the part with the median number of parameters."""
    found = [model for part in parts for model in part.models if model.name == name]
    if len({(model.trainer, model.plans, model.configuration) for model in found}) != 1:
        raise SystemExit(f"{name} is nowhere, or is not the same network in all parts")
    middle = median_low(model.cost.parameters or 0 for model in found)
    cost = next(model.cost for model in found if model.cost.parameters == middle)
    memory = max((model.cost.peak_memory or 0 for model in found), default=0) or None
    runs = [run for model in found for run in model.runs]
    return replace(found[0], runs=runs, cost=replace(cost, seconds_per_epoch=None, peak_memory=memory))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", type=Path)
    parser.add_argument("-m", dest="models", action="append", default=[])
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    parts = [read(file) for file in given.parts]
    chosen = "".join(f" -m '{name}'" for name in given.models)
    command = f"python docs/results/pool.py docs/results/table2/parts/*.json.gz{chosen}"
    comparison = replace(pooled(parts, given.models), command=command)
    files.write(comparison, given.output, overwrite=True)
    for name in PICTURES:
        picture = drawing.png(figures.ALL[name], comparison)
        if picture is not None:
            with atomic_write(given.output / f"{name}.png") as new:
                new.write(picture)


if __name__ == "__main__":
    main()
