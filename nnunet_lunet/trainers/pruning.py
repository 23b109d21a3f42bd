"""``LUnetPruningTrainer``: nnU-Net's trainer that takes channels out of the network while it trains."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch._dynamo import OptimizedModule
from torch.nn.parallel import DistributedDataParallel

from nnunet_lunet.architectures import cost
from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints
from nnunet_lunet.pruning import groups as coupling
from nnunet_lunet.pruning import schedule, scores, strategies, surgery
from nnunet_lunet.pruning.dropout import TargetedDropout, dropout_probabilities
from nnunet_lunet.pruning.history import Epoch, History
from nnunet_lunet.pruning.importance import ImportanceStatistics
from nnunet_lunet.trainers import names
from nnunet_lunet.trainers.lunet import WidthTrainer


class LUnetPruningTrainer(WidthTrainer):
    """Starts as the plans' U-Net and loses channels until the wanted percentage is left (STAMP and its random twins).

    Channels leave at the beginning of an epoch, so that its training, validation and checkpoints share one network.
    """

    options = names.parse("LUnetPruningTrainer")
    #: Percentage of prunable channels that remain, and epochs between two removals, where the name does not say.
    default_keep, default_recovery_epochs = 25, 1
    #: Channels that every layer keeps.
    floor = 1
    network: Any

    def initialize(self) -> None:
        """:raises UserError: the name's goal is out of reach with this network and number of epochs"""
        super().initialize()
        self.unpruned = coupling.find_groups(self.bare_network)
        try:
            self.schedule = schedule.plan(
                sum(group.channels for group in self.unpruned),
                len(self.unpruned),
                self.options.keep or self.default_keep,
                self.num_epochs,
                self.options.recover or self.default_recovery_epochs,
                self.floor,
            )
        except schedule.ScheduleError as error:
            raise UserError(f"{type(self).__name__}: {error}") from error
        self.history = History()
        # The same seed and fold draw the same channels from the same importances.
        self.rng = np.random.default_rng([self.seed or 0, self.fold if isinstance(self.fold, int) else 0])
        self.save_every = 1  # what was removed since the last checkpoint would have to be removed again
        self._watch(self.unpruned)
        self.print_to_log_file(self.schedule.describe())

    @property
    def bare_network(self) -> nn.Module:
        """The network without wrappers."""
        network = self.network
        if isinstance(network, DistributedDataParallel):
            network = network.module
        return network._orig_mod if isinstance(network, OptimizedModule) else network

    def on_train_epoch_start(self) -> None:
        removed = []
        if count := self.schedule.channels_per_step.get(self.current_epoch):
            removed = self._prune(count)
        self.history.epochs.append(self._describe(removed))
        super().on_train_epoch_start()

    def on_train_epoch_end(self, train_outputs: list[dict]) -> None:
        self.statistics.end_of_epoch()
        super().on_train_epoch_end(train_outputs)

    def on_validation_epoch_end(self, val_outputs: list[dict]) -> None:
        super().on_validation_epoch_end(val_outputs)
        self.history.epochs[-1].pseudo_dice = float(self.logger.get_value("mean_fg_dice", step=-1))
        if self.local_rank == 0:
            folder = Path(self.output_folder)
            with atomic_write(folder / "pruning_history.json") as file:
                self.history.write_json(file)
            with atomic_write(folder / "pruning_progress.png") as file:
                self.history.draw(file)

    def checkpoint_state(self) -> dict[str, Any]:
        pruning = {
            "statistics": self.statistics.state_dict(),
            "random_state": self.rng.bit_generator.state,
            "history": self.history.to_list(),
            "dropout": self.dropout.probabilities if self.dropout else None,
        }
        return {**super().checkpoint_state(), "pruning": pruning}

    def prepare_for(self, checkpoint: dict[str, Any]) -> None:
        """Give network and optimiser the widths of the checkpoint, and take up its statistics and history."""
        if not self.was_initialized:
            self.initialize()
        try:
            state = checkpoints.own_state(checkpoint)["pruning"]
            history = History.from_list(state["history"])
        except (KeyError, TypeError) as error:
            raise RuntimeError(f"its record of pruning is missing or damaged ({error})") from error
        self._unwatch()
        self.bare_network.load_state_dict(checkpoint["network_weights"])
        self.arrange_weights()
        present = coupling.find_groups(self.bare_network)
        if not history.fits(self.unpruned, present):
            raise RuntimeError("its pruning history does not lead to the widths of its weights")
        # The optimiser that initialize() made holds the parameters of the unpruned network.
        self.optimizer, self.lr_scheduler = self.configure_optimizers()
        self._wrap_again()
        self._watch(present, state["dropout"])
        self.statistics.load_state_dict(state["statistics"])
        self.rng.bit_generator.state = state["random_state"]
        self.history = history

    def _watch(self, present: list[coupling.Group], dropout: dict[str, float] | None = None) -> None:
        self.groups = present
        self.statistics = ImportanceStatistics(self.bare_network, present, self.options.importance or scores.DEFAULT)
        self.dropout = TargetedDropout(self.bare_network, present, dropout) if self.options.drop else None

    def _unwatch(self) -> None:
        self.statistics.close()
        if self.dropout:
            self.dropout.close()

    def _prune(self, count: int) -> list[strategies.Removal]:
        importance = {name: scores.tolist() for name, scores in self.statistics.normalised().items()}
        unknown = [name for name, scores in importance.items() if np.isnan(scores).any()]
        if all(np.isnan(scores).all() for scores in importance.values()):
            raise UserError(
                f"{type(self).__name__}: no importance was collected before epoch {self.current_epoch}: taylor and "
                "fisher need training steps with gradients, and all need finite activations"
            )
        if unknown:
            self.print_to_log_file(
                f"importance is not a number for channels of {', '.join(unknown)}: they are not taken for unimportant"
            )
        levels = {group.name: group.level for group in self.groups}
        strategy = self.options.strategy or strategies.DEFAULT
        try:
            removals = strategies.choose(importance, levels, count, strategy, self.rng, self.floor)
        except ValueError as error:
            raise UserError(f"{type(self).__name__}: {error}") from error
        if self.is_ddp:
            # The statistics are the same on all ranks; rounding must not decide that they choose alike.
            shared = [removals]
            dist.broadcast_object_list(shared, src=0)
            removals = shared[0]
        leaving: dict[str, list[int]] = {}
        for removal in removals:
            leaving.setdefault(removal.group, []).append(removal.channel)
        self._unwatch()
        surgery.remove_channels(self.bare_network, leaving, self.optimizer)
        self.arrange_weights()
        self._wrap_again()
        present = [replace(group, channels=group.channels - len(leaving.get(group.name, []))) for group in self.groups]
        remaining = {name: np.delete(scores, leaving.get(name, [])).tolist() for name, scores in importance.items()}
        self._watch(present, dropout_probabilities(remaining))
        return removals

    def _wrap_again(self) -> None:
        """Compile anew and tell DistributedDataParallel of the new parameters, where these wrappers are in use."""
        wrapped = self.network
        network: Any = self.bare_network
        compiled = wrapped.module if isinstance(wrapped, DistributedDataParallel) else wrapped
        if isinstance(compiled, OptimizedModule):
            torch._dynamo.reset()
            network = torch.compile(network)
        if isinstance(wrapped, DistributedDataParallel):
            network = DistributedDataParallel(network, device_ids=wrapped.device_ids)
        self.network = network

    def _describe(self, removed: list[strategies.Removal]) -> Epoch:
        levels = [0] * (1 + max(group.level for group in self.groups))
        for group in self.groups:
            levels[group.level] += group.channels
        before = self.history.epochs[-1] if self.history.epochs else None
        return Epoch(
            epoch=self.current_epoch,
            removed=removed,
            strategy=self.options.strategy or strategies.DEFAULT,
            channels_per_layer={layer: group.channels for group in self.groups for layer in group.layers},
            channels_per_level=levels,
            parameters=cost.parameters(self.bare_network),
            multiply_adds=before.multiply_adds
            if before and not removed
            else cost.multiply_adds(self.bare_network, self.num_input_channels, self.configuration_manager.patch_size),
        )
