"""A network in the hands of nnU-Net's own trainer, fed with random numbers: reads no data, writes nowhere."""

import copy
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name
from torch import Tensor, autocast, nn
from torch._dynamo import OptimizedModule

from nnunet_lunet.architectures import feature_maps
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints
from nnunet_lunet.profile.targets import Target
from nnunet_lunet.trainers import checkpointing


@contextmanager
def elsewhere() -> Iterator[None]:
    """nnU-Net's folders for preprocessed data and results are temporary ones, and its loggers stay on this machine."""
    with tempfile.TemporaryDirectory(prefix="lunet-profile-") as folder:
        own = {
            "nnUNet_preprocessed": f"{folder}/preprocessed",
            "nnUNet_results": f"{folder}/results",
            "nnUNet_wandb_enabled": "0",
        }
        before = {name: os.environ.get(name) for name in own}
        os.environ.update(own)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


class Subject:
    """One network, ready for training steps and predictions. Make and use it inside :func:`elsewhere`.

    :param target: which network; with a checkpoint it has that one's weights
    :param device: ``cpu``, ``cuda`` or ``mps``
    :raises UserError: the trainer refuses the plans, or the weights do not fit them
    """

    def __init__(self, target: Target, device: str) -> None:
        self.target = target
        with redirect_stdout(io.StringIO()):
            self.trainer = _initialized(target, torch.device(device))
            if target.checkpoint is not None:
                _load(self.trainer, checkpoints.read(target.checkpoint), target)
        self.patch_size = [int(edge) for edge in self.trainer.configuration_manager.patch_size]
        self.batch_size = int(self.trainer.batch_size)
        self.input_channels = int(self.trainer.num_input_channels)

    @property
    def network(self) -> Any:
        """The network itself, where the trainer has it compiled."""
        network = self.trainer.network
        return network._orig_mod if isinstance(network, OptimizedModule) else network

    def prepare(self) -> None:
        """Make the batch and the patch that all steps use."""
        generator = torch.Generator().manual_seed(0)
        data = torch.randn(self.batch_size, self.input_channels, *self.patch_size, generator=generator)
        targets = [self._target(shape, generator) for shape in self._output_shapes()]
        self.batch = {"data": data, "target": targets if self.trainer.enable_deep_supervision else targets[0]}
        self.patch = data[:1].to(self.trainer.device)

    def train_step(self) -> None:
        """nnU-Net's own training step: forward with deep supervision, loss, backward, clipping, optimiser."""
        self.trainer.set_deep_supervision_enabled(self.trainer.enable_deep_supervision)
        self.trainer.network.train()
        self.trainer.train_step(self.batch)

    def predict_patch(self) -> None:
        """One pass of one patch as nnU-Net's predictor does it: not compiled, without mirroring and copying back."""
        self.trainer.set_deep_supervision_enabled(False)
        self.network.eval()
        device = self.trainer.device.type
        with torch.inference_mode(), autocast(device, enabled=device == "cuda"):
            self.network(self.patch)

    def _output_shapes(self) -> list[torch.Size]:
        self.trainer.set_deep_supervision_enabled(self.trainer.enable_deep_supervision)
        twin = feature_maps.without_memory(self.network)
        with torch.no_grad():
            outputs = twin(torch.empty(1, self.input_channels, *self.patch_size, device="meta"))
        return [output.shape[2:] for output in ([outputs] if isinstance(outputs, Tensor) else outputs)]

    def _target(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """Random labels in the form of nnU-Net's data loader; for regions, one map each and one of what is ignored."""
        labels = self.trainer.label_manager
        if labels.has_regions:
            maps = len(labels.foreground_regions) + labels.has_ignore_label
            return torch.randint(2, (self.batch_size, maps, *shape), generator=generator).bool()
        values = torch.tensor(labels.all_labels, dtype=torch.int16)
        return values[torch.randint(len(values), (self.batch_size, 1, *shape), generator=generator)]


def _initialized(target: Target, device: torch.device) -> Any:
    plans = copy.deepcopy(target.plans) | {"continue_training": False}
    trainer_class = recursive_find_trainer_class_by_name(target.trainer)
    try:
        trainer = trainer_class(plans, target.configuration, 0, copy.deepcopy(target.dataset), device)
        # initialize() asks the names of the preprocessed files how to read them, and nothing else.
        data = Path(trainer.preprocessed_dataset_folder)
        data.mkdir(parents=True, exist_ok=True)
        (data / "case.b2nd").touch()
        trainer.initialize()
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # the trainer may be anybody's
        raise UserError(f"{target.name} cannot be made: {type(error).__name__}: {error}") from error
    return trainer


def _load(trainer: Any, checkpoint: dict[str, Any], target: Target) -> None:
    """Weights of a checkpoint, and an optimiser for them; a pruned network also takes its widths."""
    try:
        if isinstance(trainer, checkpointing.SafeCheckpoints):
            trainer.prepare_for(checkpoint)
        network: nn.Module = trainer.network
        if isinstance(network, OptimizedModule):
            network = network._orig_mod
        network.load_state_dict(checkpoint["network_weights"])
    except RuntimeError as error:
        raise UserError(f"checkpoint {target.checkpoint} does not fit its plans: {error}") from error
    trainer.optimizer, trainer.lr_scheduler = trainer.configure_optimizers()
