"""nnU-Net's predictor with another engine: several windows at a time, and sums in single precision."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import prod
from typing import Any, TypeVar

import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.inference.sliding_window_prediction import compute_gaussian
from torch import Tensor, nn

from nnunet_lunet.errors import UserError
from nnunet_lunet.inference.engines import ENGINES, Settings

#: Voxels of the images that the network gets at a time. More at a time save calls where patches are small.
BATCH_VOXELS = 2**16
Entry = TypeVar("Entry")


class Folds(nn.Module):
    """The mean of what the networks of several folds give; of each window, so that one volume of logits is enough."""

    def __init__(self, runs: Sequence[Callable[[Tensor], Tensor]]) -> None:
        super().__init__()
        self.runs = list(runs)

    def forward(self, images: Tensor) -> Tensor:
        """``(N, C, …)`` to ``(N, classes, …)``."""
        logits = self.runs[0](images)
        for run in self.runs[1:]:
            logits += run(images)
        return logits / len(self.runs) if len(self.runs) > 1 else logits


class Predictor(nnUNetPredictor):
    """Predicts what nnU-Net's does for the same model and image, up to rounding, which is finer here.

    Window positions, their weights, padding, mirroring and the mean over folds are nnU-Net's.

    :param on_windows: called with the number of windows done and of all windows of the image
    :param options: of :class:`nnUNetPredictor`
    """

    network: Any
    list_of_parameters: list[Any]

    def __init__(
        self, settings: Settings, on_windows: Callable[[int, int], None] = lambda done, all_: None, **options: Any
    ) -> None:
        super().__init__(device=torch.device(settings.device), allow_tqdm=False, **options)
        self.settings = settings
        self.on_windows = on_windows

    def initialize_from_trained_model_folder(
        self, model_training_output_dir: str, use_folds: Any, checkpoint_name: str = "checkpoint_final.pth"
    ) -> None:
        """As nnU-Net's; each fold's network is prepared by the engine once.

        :raises UserError: the engine lacks a layer of the network
        """
        super().initialize_from_trained_model_folder(model_training_output_dir, use_folds, checkpoint_name)
        network = getattr(self.network, "_orig_mod", self.network).eval()
        runs = []
        for weights in self.list_of_parameters:
            network.load_state_dict(weights)
            runs.append(self._prepared(network))
        self.network, self.list_of_parameters = Folds(runs), []

    def _prepared(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        engine = self.settings.engine
        try:
            return ENGINES[engine].prepare(network, self.configuration_manager.patch_size, self.settings)
        except Exception as error:
            raise UserError(f"--engine {engine} cannot compute this network ({error}): use --engine torch") from error

    def predict_logits_from_preprocessed_data(self, data: Tensor) -> Tensor:
        """Logits ``(classes, X, Y, Z)`` of an image ``(C, X, Y, Z)``, in single precision."""
        logits: Tensor = self.predict_sliding_window_return_logits(data)
        return logits.cpu()

    @torch.inference_mode()
    def _internal_predict_sliding_window_return_logits(
        self, data: Tensor, slicers: Sequence[tuple[Any, ...]], do_on_device: bool = True
    ) -> Tensor:
        device = self.device if do_on_device else torch.device("cpu")
        data, patch_size = data.to(device), tuple(self.configuration_manager.patch_size)
        # Half precision rounds the weights, which single precision is to find the same.
        weights = compute_gaussian(patch_size, value_scaling_factor=10, device=device).float()
        weights = weights if self.use_gaussian else torch.ones_like(weights)
        logits = torch.zeros(self.label_manager.num_segmentation_heads, *data.shape[1:], device=device)
        sums = torch.zeros(data.shape[1:], device=device)
        done = 0
        for windows in _parts(slicers, self._images_at_a_time):
            images = torch.stack([data[window] for window in windows]).to(self.device)
            for window, found in zip(windows, self._internal_maybe_mirror_and_predict(images), strict=True):
                logits[window] += found.to(device) * weights
                sums[window[1:]] += weights
            done += len(windows)
            self.on_windows(done, len(slicers))
        logits /= sums
        if not torch.isfinite(logits).all():
            raise ValueError("the network gives values that are not finite")
        return logits

    @torch.inference_mode()
    def _internal_maybe_mirror_and_predict(self, x: Tensor) -> Tensor:
        axes = [axis + 2 for axis in self.allowed_mirroring_axes or ()] if self.use_mirroring else []
        mirrored = [flipped for number in range(len(axes) + 1) for flipped in combinations(axes, number)]
        total = None
        for part in _parts(mirrored, max(1, self._images_at_a_time // len(x))):
            copies = self.network(torch.cat([torch.flip(x, flipped) for flipped in part]))
            for flipped, found in zip(part, copies.split(len(x)), strict=True):
                back = torch.flip(found, flipped).float()
                total = back if total is None else total.add_(back)
        assert total is not None
        return total.div_(len(mirrored))

    @property
    def _images_at_a_time(self) -> int:
        return max(1, BATCH_VOXELS // prod(self.configuration_manager.patch_size))


def _parts(entries: Sequence[Entry], size: int) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(entries), size):
        yield entries[start : start + size]
