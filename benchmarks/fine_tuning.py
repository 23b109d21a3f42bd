"""How a trained model fares in the first steps of going on: Dice of the whole validation set, before and on the way.

python -m benchmarks.fine_tuning DATASET -tr LUnetPruningTrainer_w8_finetune -pretrained_weights checkpoint_final.pth

Of trainers with _finetune, the share of the learning rate and the warm-up can be varied. Prints one line of JSON a run.
"""

import argparse
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.run.run_training import get_trainer_from_args, maybe_load_checkpoint

from nnunet_lunet.profile import measure
from nnunet_lunet.trainers.recipes import FINE_TUNING, FineTuning


def dice(trainer: Any) -> float:
    """Mean Dice of cases and labels on the preprocessed validation cases, without mirroring."""
    trainer.set_deep_supervision_enabled(False)
    trainer.network.eval()
    predictor = nnUNetPredictor(use_mirroring=False, device=trainer.device, allow_tqdm=False)
    predictor.manual_initialization(
        trainer.network, trainer.plans_manager, trainer.configuration_manager, None, trainer.dataset_json, "", None
    )
    _, cases = trainer.get_tr_and_val_datasets()
    scores = []
    for case in cases.identifiers:
        data, segmentation, _, _ = cases.load_case(case)
        logits = predictor.predict_sliding_window_return_logits(torch.from_numpy(data[:].copy()))
        predicted = trainer.label_manager.convert_logits_to_segmentation(logits.float()).numpy()
        for label in trainer.label_manager.foreground_labels:
            one, other = predicted == label, segmentation[:][0] == label
            if either := one.sum() + other.sum():
                scores.append(2 * (one & other).sum() / either)
    trainer.network.train()
    trainer.set_deep_supervision_enabled(trainer.enable_deep_supervision)
    return float(np.mean(scores))


def run(trainer: Any, steps: Sequence[int]) -> Iterator[float]:
    """Dice after each of these numbers of steps of the first epoch."""
    trainer.on_train_start()
    trainer.on_epoch_start()
    trainer.on_train_epoch_start()
    for before, after in zip([0, *steps], steps, strict=False):
        for _ in range(after - before):
            trainer.train_step(next(trainer.dataloader_train))
        yield dice(trainer)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("-tr", nargs="+", required=True, help="trainers")
    parser.add_argument("-p", default="nnUNetPlans", help="plans")
    parser.add_argument("-c", default="3d_fullres", help="configuration")
    parser.add_argument("-pretrained_weights", required=True, help="checkpoint; the trainers look for this option, too")
    parser.add_argument("--shares", type=float, nargs="+", default=[FINE_TUNING.share], help="of the learning rate")
    parser.add_argument("--warm-ups", type=int, nargs="+", default=[FINE_TUNING.warm_up_steps], help="in steps")
    parser.add_argument("--steps", type=int, nargs="+", default=[0, 20, 100, 250], help="where Dice is taken")
    given = parser.parse_args(argv)
    torch.set_num_threads(1)
    for name in given.tr:
        varied = [FineTuning(*each) for each in itertools.product(given.shares, given.warm_ups)]
        for recipe in varied if "_finetune" in name else [None]:
            trainer: Any = get_trainer_from_args(given.dataset, given.c, 0, name, given.p, device=torch.device("cpu"))
            trainer.disable_checkpointing = True
            if recipe is not None:
                trainer.fine_tuning = recipe
            maybe_load_checkpoint(trainer, False, False, given.pretrained_weights)
            found = [round(score, 4) for score in run(trainer, given.steps)]
            row = {
                "weights": Path(given.pretrained_weights).name,
                "trainer": name, "fine_tuning": recipe and asdict(recipe),
                "steps": given.steps, "dice": found, "machine": measure.machine(),
            }  # fmt: skip
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
