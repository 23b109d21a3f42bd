"""Seconds of whole training iterations of a data set's networks, loading and augmentation in them, in turn.

nnUNet_n_proc_DA=0 OMP_NUM_THREADS=1 python -m benchmarks.training_time DATASET PLANS CONFIGURATION TRAINER[:PLANS] …

Prints one JSON object a network: median, quartiles and ratios to the first, and how many of its steps take as long as
``--steps`` of the first network do. Trains for a moment, into a folder that is gone afterwards.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence

import torch
from nnunetv2.run.run_training import get_trainer_from_args

from nnunet_lunet.profile import measure


def action(dataset: str, configuration: str, trainer: str, plans: str) -> Callable[[], object]:
    """One training iteration of a new network: the next batch, and a step with it."""
    made = get_trainer_from_args(dataset, configuration, 0, trainer, plans, device=torch.device("cpu"))
    made.on_train_start()
    made.on_epoch_start()
    made.on_train_epoch_start()
    return lambda: made.train_step(next(made.dataloader_train))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("plans")
    parser.add_argument("configuration")
    parser.add_argument("trainers", nargs="+", metavar="TRAINER[:PLANS]")
    parser.add_argument("--rounds", type=int, default=7, help="that count; two before them warm up")
    parser.add_argument("--steps", type=int, default=1000)
    given = parser.parse_args(argv)
    actions = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        os.environ["nnUNet_results"] = folder  # noqa: SIM112
        for name in given.trainers:
            trainer, _, plans = name.partition(":")
            actions[name] = action(given.dataset, given.configuration, trainer, plans or given.plans)
        taken = measure.interleaved(actions, given.rounds)
    first = taken[given.trainers[0]]
    for name, seconds in taken.items():
        ratio = measure.ratios(seconds, first)
        row = {
            "network": name,
            "seconds": dataclasses.asdict(measure.distribution(seconds)),
            "ratio": dataclasses.asdict(ratio),
            "steps": round(given.steps / ratio.median),
        }
        print(json.dumps(row), flush=True)
    print(json.dumps({"machine": measure.machine()}))


if __name__ == "__main__":
    main()
