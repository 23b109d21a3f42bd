"""Which importance tells what a channel is worth: rank correlation with the true rise of the loss without it.

A trained fold's network stays as it is. On patches that nnU-Net draws and augments for training, each importance is
collected as the pruning trainer collects it; then every channel is set to zero in turn, behind norm and nonlinearity
and in all coupled convolutions at once, and the loss is computed on the same patches again.

python -m benchmarks.importance_correlation $nnUNet_results/Dataset004_Hippocampus/UNetTrainer_w8*/fold_0 > rows.jsonl
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nnunetv2.run.run_training import get_trainer_from_args
from scipy.stats import spearmanr
from torch import Tensor, nn

from nnunet_lunet.host import checkpoints
from nnunet_lunet.pruning import groups, places
from nnunet_lunet.pruning.importance import ImportanceStatistics
from nnunet_lunet.pruning.scores import IMPORTANCES

#: Those of which others are a quotient are left out: their truth is another, the rise by what a channel costs.
COMPARED = [name for name, importance in IMPORTANCES.items() if importance.cost is None]


def trained(fold: Path) -> Any:
    """nnU-Net's trainer of a fold, with its final weights, on the CPU.

    :param fold: ``…/TRAINER__PLANS__CONFIGURATION/fold_N``
    """
    trainer_name, plans, configuration = fold.parent.name.split("__")
    number = int(fold.name.removeprefix("fold_"))
    dataset = fold.parent.parent.name
    trainer = get_trainer_from_args(dataset, configuration, number, trainer_name, plans, device=torch.device("cpu"))
    trainer.initialize()
    trainer.load_checkpoint(str(fold / checkpoints.FINAL))
    return trainer


def patches(trainer: Any, count: int) -> list[dict[str, Any]]:
    """Batches as the trainer draws them for training; the same for every call."""
    os.environ["nnUNet_n_proc_DA"] = "0"  # noqa: SIM112  (in this process, where the seeds are)
    torch.manual_seed(0)
    np.random.seed(0)
    loader, _ = trainer.get_dataloaders()
    return [next(loader) for _ in range(count)]


def collected(trainer: Any, found: Sequence[groups.Group], batches: Sequence[dict[str, Any]], kind: str) -> np.ndarray:
    """Importance of all channels as it is measured, not divided by layer, group after group."""
    network = trainer.network
    statistics = ImportanceStatistics(network, found, kind, by_layer=False)
    for batch in batches:
        statistics.begin_step(len(batch["data"]))
        network.zero_grad(set_to_none=True)
        trainer.loss(network(batch["data"]), batch["target"]).backward()
        statistics.end_step()
    statistics.end_of_epoch()
    statistics.close()
    importance = statistics.importance(np.random.default_rng(0))
    return np.concatenate([importance[group.name] for group in found])


@torch.no_grad()
def loss(trainer: Any, batches: Sequence[dict[str, Any]]) -> float:
    """Mean training loss over the batches."""
    return float(np.mean([trainer.loss(trainer.network(batch["data"]), batch["target"]).item() for batch in batches]))


def without(network: nn.Module, group: groups.Group, channel: int, measure: Callable[[], float]) -> float:
    """What ``measure`` gives while a channel is absent."""

    def silence(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        silent = output.clone()
        silent[:, channel] = 0
        return silent

    places_behind = dict.fromkeys(places.behind_block(network, layer) for layer in group.layers)
    handles = [network.get_submodule(place).register_forward_hook(silence) for place in places_behind]
    try:
        return measure()
    finally:
        for handle in handles:
            handle.remove()


def correlations(importance: np.ndarray, rise: np.ndarray, layers: np.ndarray) -> dict[str, float]:
    """Spearman's, over all channels without and with division by layer, and within layers (mean by channels)."""
    divided = np.empty_like(importance)
    within, weights = [], []
    for layer in np.unique(layers):
        here = layers == layer
        divided[here] = importance[here] / np.sqrt((importance[here] ** 2).sum())
        if here.sum() > 2:
            within.append(spearmanr(importance[here], rise[here])[0])
            weights.append(int(here.sum()))
    return {
        "raw": float(spearmanr(importance, rise)[0]),
        "by_layer": float(spearmanr(divided, rise)[0]),
        "within_layers": float(np.average(np.nan_to_num(within), weights=weights)),
    }


def examine(fold: Path, n_collected: int, n_silenced: int) -> dict[str, Any]:
    """One row: what was trained, how many channels, and the correlations by importance."""
    with redirect_stdout(sys.stderr):
        trainer = trained(fold)
        batches = patches(trainer, n_collected)
    network = trainer.network.train()
    for module in network.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0  # what is asked is what a channel is worth, not what chance does
    found = groups.find_groups(network)
    measured = {kind: collected(trainer, found, batches, kind) for kind in COMPARED}
    few = batches[:n_silenced]
    before = loss(trainer, few)
    measure = partial(loss, trainer, few)
    silenced = [(group, channel) for group in found for channel in range(group.channels)]
    rises = []
    for index, (group, channel) in enumerate(silenced):
        rises.append(without(network, group, channel, measure) - before)
        print(f"\r{fold.parent.name}: channel {index + 1} of {len(silenced)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    layers = np.concatenate([np.full(group.channels, index) for index, group in enumerate(found)])
    rise = np.array(rises)
    return {
        "trained": fold.parent.name,
        "channels": len(rises),
        "loss": round(before, 4),
        "rise": {name: round(float(np.quantile(rise, q)), 6) for name, q in (("median", 0.5), ("highest", 1.0))},
        "batches": {"collected": n_collected, "silenced": n_silenced},
        "spearman": {
            kind: {name: round(value, 4) for name, value in correlations(values, rise, layers).items()}
            for kind, values in measured.items()
        },
    }


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folds", nargs="+", type=Path, metavar="FOLD", help="a trained fold")
    parser.add_argument("--collected", type=int, default=16, help="batches that importances are collected on")
    parser.add_argument("--silenced", type=int, default=4, help="batches that the rise of the loss is measured on")
    given = parser.parse_args(argv)
    for fold in given.folds:
        print(json.dumps(examine(fold, given.collected, given.silenced)), flush=True)


if __name__ == "__main__":
    main()
