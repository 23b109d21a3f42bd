"""``LUnetPruningTrainer``: nnU-Net's trainer that takes channels out of the network while it trains."""

import copy
import math
import secrets
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from nnunet_lunet.architectures import cost
from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints
from nnunet_lunet.pruning import groups as coupling
from nnunet_lunet.pruning import schedule, scores, strategies, surgery
from nnunet_lunet.pruning.channel_costs import COSTS
from nnunet_lunet.pruning.dropout import TargetedDropout, dropout_probabilities
from nnunet_lunet.pruning.history import Epoch, History
from nnunet_lunet.pruning.importance import ImportanceStatistics
from nnunet_lunet.pruning.sparsity import GroupSparsity
from nnunet_lunet.trainers import names
from nnunet_lunet.trainers.fine_tuning import FineTuningTrainer

#: Percentages of prunable channels whose networks are kept as ``checkpoint_keep<percentage>.pth``.
MARKS = (75, 50, 25, 10, 5)


class LUnetPruningTrainer(FineTuningTrainer):
    """Starts as the plans' U-Net and loses channels until the wanted percentage is left (STAMP and its random twins).

    Channels leave at the beginning of an epoch, so that its training, validation and checkpoints share one network.
    Where nnU-Net compiles the network, it is compiled once, after the last removal: each would compile it anew.
    """

    options = names.parse("LUnetPruningTrainer")
    #: Percentage of prunable channels that remain, and epochs between two removals, where the name does not say.
    default_keep, default_recovery_epochs = 25, 1
    #: Channels that every layer keeps.
    floor = 1
    #: Whether the last channel has left.
    has_ended = False
    network: Any
    statistics: ImportanceStatistics | None
    sparsity: GroupSparsity | None = None

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
        self.strategy = self.options.strategy or strategies.DEFAULT
        self.kind = self.options.importance or strategies.STRATEGIES[self.strategy].importance
        by_layer = scores.IMPORTANCES[self.kind].is_by_layer(self.options.by_layer)
        self.history = History(self._draw_seed() if self.seed is None else self.seed, self.kind, by_layer)
        # The same seed and fold draw the same channels from the same importances.
        self.rng = np.random.default_rng([self.history.seed, self.fold if isinstance(self.fold, int) else 0])
        self.save_every = 1  # what was removed since the last checkpoint would have to be removed again
        self._constant_costs = self._count_costs(are_constant=True)
        self.print_to_log_file(self.schedule.describe())
        self._watch(self.unpruned)

    def on_train_start(self) -> None:
        super().on_train_start()
        self.print_to_log_file(self._describe_time())

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, Any]:
        optimizer, scheduler = super().configure_optimizers()
        # Just before the step gradients are those of the loss itself: no longer scaled, averaged over ranks, clipped.
        optimizer.register_step_pre_hook(self._before_step)
        return optimizer, scheduler

    def _before_step(self, *_: Any) -> None:
        if self.sparsity is not None:
            self.sparsity.add_gradients()

    def _draw_seed(self) -> int:
        drawn = [secrets.randbelow(2**31)]
        if self.is_ddp:
            dist.broadcast_object_list(drawn, src=0)
        return drawn[0]

    def _describe_time(self) -> str:
        """What the removals to come will take, from one that is tried on a copy."""
        removals = [epoch for epoch in self.schedule.channels_per_step if epoch >= self.current_epoch]
        if not removals:
            return "the last channel has left"
        trial = copy.deepcopy(self.bare_network)
        start = time.perf_counter()
        surgery.remove_channels(trial, {max(self.groups, key=lambda group: group.channels).name: [0]})
        seconds = time.perf_counter() - start
        compiles = f", and torch.compile waits until epoch {max(removals)}" if super()._do_i_compile() else ""
        return f"{len(removals)} removals of about {seconds:.2f} s add {len(removals) * seconds / 60:.1f} min{compiles}"

    def _do_i_compile(self) -> bool:
        return self.has_ended and bool(super()._do_i_compile())

    def on_train_epoch_start(self) -> None:
        removed = []
        if count := self.schedule.channels_per_step.get(self.current_epoch):
            removed = self._prune(count)
        self.history.epochs.append(self._describe(removed))
        super().on_train_epoch_start()

    def train_step(self, batch: dict) -> dict:
        if self.statistics is None:
            return super().train_step(batch)
        scale = 1.0 if self.grad_scaler is None else self.grad_scaler.get_scale()
        self.statistics.begin_step(len(batch["data"]))
        result = super().train_step(batch)
        # The scaler lowers its scale where gradients overflowed and the optimiser did not step.
        is_skipped = self.grad_scaler is not None and self.grad_scaler.get_scale() < scale
        self.statistics.end_step(scale, counts=not is_skipped)
        return result

    def on_train_epoch_end(self, train_outputs: list[dict]) -> None:
        if self.statistics is not None:
            self.statistics.end_of_epoch()
        super().on_train_epoch_end(train_outputs)

    def on_validation_epoch_end(self, val_outputs: list[dict]) -> None:
        super().on_validation_epoch_end(val_outputs)
        self.history.epochs[-1].pseudo_dice = float(self.logger.get_value("mean_fg_dice", step=-1))

    def on_epoch_end(self) -> None:
        for mark in self._marks_reached():
            self.history.marks[str(mark)] = self.current_epoch
            self.save_checkpoint(str(Path(self.output_folder) / f"checkpoint_keep{mark}.pth"))
        if self.local_rank == 0:
            folder = Path(self.output_folder)
            with atomic_write(folder / "pruning_history.json") as file:
                self.history.write_json(file)
            with atomic_write(folder / "pruning_progress.png") as file:
                self.history.draw(file)
        super().on_epoch_end()

    def _marks_reached(self) -> list[int]:
        """Sizes that training has passed and recovered from: the next epoch removes more, or there is none."""
        following = self.current_epoch + 1
        if following not in self.schedule.channels_per_step and following != self.num_epochs:
            return []
        left, start = sum(group.channels for group in self.groups), self.schedule.channels_at_start
        return [mark for mark in MARKS if left <= math.ceil(start * mark / 100) and str(mark) not in self.history.marks]

    def checkpoint_state(self) -> dict[str, Any]:
        pruning = {
            "statistics": self.statistics.state_dict() if self.statistics else None,
            "random_state": self.rng.bit_generator.state,
            "history": self.history.to_dict(),
            "dropout": self.dropout.probabilities if self.dropout else None,
        }
        return {**super().checkpoint_state(), "pruning": pruning}

    def prepare_for(self, checkpoint: dict[str, Any]) -> None:
        """Give network and optimiser the widths of the checkpoint, and take up its statistics and history."""
        if not self.was_initialized:
            self.initialize()
        try:
            state = checkpoints.own_state(checkpoint)["pruning"]
            history = History.from_dict(state["history"])
        except (KeyError, TypeError) as error:
            raise RuntimeError(f"its record of pruning is missing, damaged or of an older version ({error})") from error
        self._unwatch()
        self.bare_network.load_state_dict(checkpoint["network_weights"])
        self.arrange_weights()
        present = coupling.find_groups(self.bare_network)
        if not history.fits(self.unpruned, present):
            raise RuntimeError("its pruning history does not lead to the widths of its weights")
        # The optimiser that initialize() made holds the parameters of the unpruned network.
        self.optimizer, self.lr_scheduler = self.configure_optimizers()
        self.history = history
        self.has_ended = self._is_at_goal(present)
        self._wrap_again()
        self._watch(present, state["dropout"])
        if self.statistics is not None:
            self.statistics.load_state_dict(state["statistics"])
        self.rng.bit_generator.state = state["random_state"]

    def _is_at_goal(self, present: list[coupling.Group]) -> bool:
        return sum(group.channels for group in present) == self.schedule.channels_at_end

    def _watch(self, present: list[coupling.Group], dropout: dict[str, float] | None = None) -> None:
        self.groups, network = present, self.bare_network
        self.statistics = None
        if not self.has_ended:
            self.statistics = ImportanceStatistics(network, present, self.kind, by_layer=self.history.by_layer)
        self.dropout = TargetedDropout(network, present, dropout) if self.options.drop else None
        self.sparsity = GroupSparsity(network) if self.options.sparse and not self.has_ended else None

    def _unwatch(self) -> None:
        if self.statistics is not None:
            self.statistics.close()
        if self.dropout is not None:
            self.dropout.close()

    def _count_costs(self, *, are_constant: bool) -> dict[str, float] | None:
        """What one channel of each group costs, if this importance is divided by it and it is of that kind."""
        name = scores.IMPORTANCES[self.kind].cost
        if name is None or COSTS[name].is_constant != are_constant:
            return None
        groups = self.unpruned if are_constant else self.groups
        return COSTS[name].count(self.bare_network, groups, self.configuration_manager.patch_size)

    def _importance(self) -> dict[str, list[float]]:
        assert self.statistics is not None
        costs = self._constant_costs or self._count_costs(are_constant=False)
        importance = {name: values.tolist() for name, values in self.statistics.importance(self.rng, costs).items()}
        unknown = [name for name, values in importance.items() if np.isnan(values).any()]
        if all(np.isnan(values).all() for values in importance.values()):
            raise UserError(
                f"{type(self).__name__}: no importance was collected before epoch {self.current_epoch}: taylor and "
                "fisher need training steps with gradients, and all need finite activations"
            )
        if unknown:
            self.print_to_log_file(
                f"importance is not a number for channels of {', '.join(unknown)}: they are not taken for unimportant"
            )
        return importance

    def _prune(self, count: int) -> list[strategies.Removal]:
        importance = self._importance()
        depths = {group.name: group.depth for group in self.groups}
        try:
            removals = strategies.choose(importance, depths, count, self.strategy, self.rng, self.floor)
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
        present = [replace(group, channels=group.channels - len(leaving.get(group.name, []))) for group in self.groups]
        self.has_ended = self._is_at_goal(present)
        self._wrap_again()
        remaining = {name: np.delete(values, leaving.get(name, [])).tolist() for name, values in importance.items()}
        self._watch(present, dropout_probabilities(remaining))
        return removals

    def _wrap_again(self) -> None:
        """Compile once pruning has ended, and tell DistributedDataParallel of the new parameters, where in use."""
        wrapped, network = self.network, self.bare_network
        if self._do_i_compile():
            torch._dynamo.reset()
            network = torch.compile(network)  # type: ignore[assignment]
        if isinstance(wrapped, DistributedDataParallel):
            network = DistributedDataParallel(network, device_ids=wrapped.device_ids)
        self.network = network

    def _describe(self, removed: list[strategies.Removal]) -> Epoch:
        before = self.history.epochs[-1] if self.history.epochs else None
        return Epoch(
            epoch=self.current_epoch,
            removed=removed,
            strategy=self.strategy,
            channels_per_layer={layer: group.channels for group in self.groups for layer in group.layers},
            channels_per_level=coupling.channels_per_level(self.groups),
            parameters=cost.parameters(self.bare_network),
            multiply_adds=before.multiply_adds
            if before and not removed
            else cost.multiply_adds(self.bare_network, self.num_input_channels, self.configuration_manager.patch_size),
        )
