"""``LUnetTrainer`` and its baseline ``UNetTrainer``: nnU-Net's trainer with another width."""

import errno
import os
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from nnunetv2.utilities.plans_handling.plans_handler import ConfigurationManager, PlansManager
from torch import nn
from torch._dynamo import OptimizedModule
from torch.nn.parallel import DistributedDataParallel

from nnunet_lunet.architectures.registry import lean_class_name
from nnunet_lunet.errors import UserError
from nnunet_lunet.trainers import checkpointing, names, precision, recipes
from nnunet_lunet.trainers.by_recipe import RecipeTrainer


@contextmanager
def _plain_errors(plans: dict, configuration: str) -> Iterator[None]:
    """Say in one line what nnU-Net's constructor says in a traceback."""
    name = plans.get("plans_name", "?")
    try:
        yield
    except KeyError as error:
        raise UserError(
            f"plans {name!r}, configuration {configuration!r}: entry {error} is missing (an 'architecture' is needed); "
            "plan the dataset again with nnUNetv2_plan_experiment"
        ) from error
    except OSError as error:
        raise UserError(
            f"results folder {error.filename}: {error.strerror}; set nnUNet_results to a folder you can write to"
        ) from error


class WidthTrainer(checkpointing.SafeCheckpoints, RecipeTrainer):
    """nnU-Net's trainer whose name says the width, the recipe and the length of training.

    Everything that the name leaves open is nnU-Net's: data, augmentation, loss, schedule, validation.
    """

    options: names.TrainerOptions
    #: Narrow networks hardly learn from nnU-Net's SGD in short runs, see docs/results/recipe.md.
    default_recipe = recipes.DEFAULT
    #: In place of the recipe's, where not None.
    learning_rate: float | None = None
    #: Of the initial weights, and of whatever else this process draws, where not None.
    seed: int | None = None

    def __init__(
        self,
        plans: dict,
        configuration: str,
        fold: int,
        dataset_json: dict,
        device: torch.device = torch.device("cuda"),  # noqa: B008  (nnU-Net reads this signature by name)
    ) -> None:
        with _plain_errors(plans, configuration):
            super().__init__(plans, configuration, fold, dataset_json, device)
            if self.output_folder is not None and not os.access(self.output_folder, os.W_OK):
                raise PermissionError(errno.EACCES, "not writable", self.output_folder)
        if self.options.epochs is not None:
            self.num_epochs = self.options.epochs
        if self.options.iters is not None:
            self.num_iterations_per_epoch = self.options.iters
            self.num_val_iterations_per_epoch = max(1, self.options.iters // 5)
        if self.options.seed is not None:
            self.seed = self.options.seed
        self.recipe = recipes.RECIPES[self.options.recipe or self.default_recipe]
        self.enable_deep_supervision = self.options.deep_supervision and self.recipe.deep_supervision
        self.initial_lr = self.recipe.learning_rate if self.learning_rate is None else self.learning_rate

    def initialize(self) -> None:
        if self.seed is not None:
            # Ranks start from equal weights and load different data.
            torch.manual_seed(self.seed)
            np.random.seed([self.seed, self.local_rank])
            random.seed(f"{self.seed} {self.local_rank}")
        super().initialize()
        self.arrange_weights()
        if self.options.bf16:
            # It needs no scale: its range is that of single precision.
            self.grad_scaler = None
            self.loss = precision.InSinglePrecision(self.loss)  # type: ignore[has-type]

    def on_train_start(self) -> None:
        super().on_train_start()
        if self.options.bf16 and not precision.is_fast(self.device):
            self.print_to_log_file(f"_bf16: this {self.device.type} only imitates bfloat16: expect it to be slower")

    def train_step(self, batch: dict) -> dict:
        with self._precision():
            return super().train_step(batch)

    def validation_step(self, batch: dict) -> dict:
        with self._precision():
            return super().validation_step(batch)

    def _precision(self) -> AbstractContextManager[None]:
        return precision.bfloat16(self.device) if self.options.bf16 else nullcontext()

    @property
    def bare_network(self) -> nn.Module:
        """The network without wrappers."""
        network = self.network
        if isinstance(network, DistributedDataParallel):
            network = network.module
        return network._orig_mod if isinstance(network, OptimizedModule) else network

    def arrange_weights(self) -> None:
        """Channels last on a CPU, unless full resolution has a multiple of 16 channels.

        oneDNN has blocked kernels for those; others are faster so (docs/results/step_time.md).
        """
        if self.device.type != "cpu":
            return
        is_3d = len(self.configuration_manager.patch_size) == 3
        convolution = nn.Conv3d if is_3d else nn.Conv2d
        widths = [layer.out_channels for layer in self.network.modules() if isinstance(layer, convolution)]
        channels_last = torch.channels_last_3d if is_3d else torch.channels_last
        is_blocked = not widths or widths[0] % 16 == 0
        self.network.to(memory_format=torch.contiguous_format if is_blocked else channels_last)

    def run_training(self) -> None:
        threads = os.environ.get("OMP_NUM_THREADS", "")
        if self.device.type == "cpu" and threads.isdecimal() and int(threads) > 0:
            # nnU-Net takes all cores whatever this says, and several trainings then slow each other.
            torch.set_num_threads(int(threads))
        super().run_training()

    @classmethod
    def build_network_architecture(
        cls,
        plans_manager: PlansManager,
        configuration_manager: ConfigurationManager,
        num_input_channels: int,
        num_output_channels: int,
        enable_deep_supervision: bool = True,
    ) -> nn.Module:
        """The plans' network at the widths that this trainer's name asks for.

        :raises UserError: plans whose network class is neither ours nor has a lean twin, or cannot have these widths
        """
        class_name = configuration_manager.network_arch_class_name
        try:
            lean_name = lean_class_name(class_name)
        except KeyError:
            raise UserError(
                f"plans {plans_manager.plans_name!r}: {cls.__name__} cannot change the widths of network class "
                f"{class_name!r}; use plans with PlainConvUNet or ResidualEncoderUNet"
            ) from None
        try:
            network: Any = get_network_from_plans(
                lean_name,
                cls.arch_kwargs(configuration_manager.network_arch_init_kwargs),
                configuration_manager.network_arch_init_kwargs_req_import,
                num_input_channels,
                num_output_channels,
                allow_init=True,
                deep_supervision=enable_deep_supervision,
            )
        except ValueError as error:
            raise UserError(f"plans {plans_manager.plans_name!r}, {cls.__name__}: {error}") from error
        if not enable_deep_supervision:
            # DistributedDataParallel waits for the gradient of every parameter that wants one.
            network.decoder.seg_layers[:-1].requires_grad_(False)
        assert isinstance(network, nn.Module)
        return network

    @classmethod
    def arch_kwargs(cls, planned: dict) -> dict:
        """The plans' ``arch_kwargs`` with the widths that this trainer's name asks for in place of theirs."""
        width, profile = cls.options.width, cls.options.profile
        if profile == names.PLANNED:
            if width is None:
                return dict(planned)
            profile = "doubling"
        features = planned.get("features_per_stage")
        first = features[0] if isinstance(features, list | tuple) else features
        # A class without a choice of widths has no such argument, and refuses the profile itself.
        own = {} if first is None else {"features_per_stage": width or int(first)}
        return {**planned, **own, "width_profile": profile}


class LUnetTrainer(WidthTrainer):
    """Trains the plans' U-Net with the channel count of its first stage at every stage (arXiv 2512.03834)."""

    options = names.parse("LUnetTrainer")


class UNetTrainer(WidthTrainer):
    """Trains the plans' own U-Net by the same machinery and recipe: the baseline differs in its widths alone."""

    options = names.parse("UNetTrainer")
