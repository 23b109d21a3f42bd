"""Training that goes on from trained weights: heads, learning rate, warm-up."""

import sys
from typing import Any

import torch
from torch import Tensor

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints, command_lines
from nnunet_lunet.trainers import recipes
from nnunet_lunet.trainers.lunet import WidthTrainer


class FineTuningTrainer(WidthTrainer):
    """With ``_finetune`` in its name, goes on from ``-pretrained_weights`` where that training stopped.

    nnU-Net loads all weights but the segmentation heads, since it expects another task. Here the heads come along where
    the labels are the same; the learning rate is a share of the recipe's and rises to it by steps.
    """

    fine_tuning = recipes.FINE_TUNING
    _steps_of_epoch = 0
    _first_weight: Tensor | None = None

    def initialize(self) -> None:
        """:raises UserError: the file of weights cannot be read"""
        if self.options.finetune:
            self.initial_lr *= self.fine_tuning.share
        super().initialize()
        if self.options.finetune:
            # nnU-Net tells trainers of the file only by loading it, without the heads, once this has returned.
            file = command_lines.pretrained_weights(sys.argv[1:])
            if file is not None:
                self._take_heads(checkpoints.read(file, "give -pretrained_weights a checkpoint of nnU-Net"))
            self._first_weight = next(self.bare_network.parameters()).detach().clone()

    def _take_heads(self, checkpoint: dict[str, Any]) -> None:
        weights = checkpoint["network_weights"]
        heads = {key: head for key, head in self.bare_network.state_dict().items() if ".seg_layers." in key}
        trained_for = checkpoint.get("init_args", {}).get("dataset_json", {}).get("labels")
        fits = all(key in weights and weights[key].shape == head.shape for key, head in heads.items())
        if not fits or trained_for != self.dataset_json["labels"]:
            self.print_to_log_file(f"heads start anew: -pretrained_weights were trained for labels {trained_for}")
            return
        for key, head in heads.items():
            head.copy_(weights[key])
        self.print_to_log_file("heads are those of -pretrained_weights, whose labels are the same")

    def on_train_start(self) -> None:
        """:raises UserError: there are no trained weights to go on from"""
        super().on_train_start()
        first, now = self._first_weight, next(self.bare_network.parameters())
        if first is not None and self.current_epoch == 0 and torch.equal(first, now):
            raise UserError(
                f"{type(self).__name__}: no trained weights were loaded: add -pretrained_weights <checkpoint> for "
                "_finetune to go on from, or leave _finetune out"
            )

    def on_train_epoch_start(self) -> None:
        super().on_train_epoch_start()
        self._steps_of_epoch = 0

    def train_step(self, batch: dict) -> dict:
        if self.options.finetune:
            self._warm_up()
        result: dict = super().train_step(batch)
        return result

    def _warm_up(self) -> None:
        done = self.current_epoch * self.num_iterations_per_epoch + self._steps_of_epoch
        self._steps_of_epoch += 1
        if done < self.fine_tuning.warm_up_steps:
            (rate,) = set(self.lr_scheduler.get_last_lr())
            for group in self.optimizer.param_groups:
                group["lr"] = rate * (done + 1) / self.fine_tuning.warm_up_steps
