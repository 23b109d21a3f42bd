"""How important each channel is: statistics that forward hooks collect during ordinary training steps."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from dynamic_network_architectures.building_blocks.simple_conv_blocks import ConvDropoutNormReLU
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from nnunet_lunet.pruning.groups import Group
from nnunet_lunet.pruning.scores import IMPORTANCES


class ImportanceStatistics:
    """Importance of every prunable channel: mean over the samples of all batches since this was made.

    :mod:`nnunet_lunet.pruning.scores` has the importances.

    :param network: the network itself, not its wrapper
    :param kind: name of the importance
    """

    def __init__(self, network: nn.Module, groups: Sequence[Group], kind: str) -> None:
        if kind not in IMPORTANCES:
            raise ValueError(f"importance {kind!r} is unknown: use one of {', '.join(IMPORTANCES)}")
        self.groups = list(groups)
        self.importance = IMPORTANCES[kind]
        device = next(network.parameters()).device
        self._epoch = {
            layer: torch.zeros(group.channels, device=device) for group in self.groups for layer in group.layers
        }
        self._samples = {layer: torch.zeros((), dtype=torch.int64, device=device) for layer in self._epoch}
        self._total = {layer: torch.zeros(len(sums), dtype=torch.float64) for layer, sums in self._epoch.items()}
        self._total_samples = dict.fromkeys(self._epoch, 0)
        self._handles: list[RemovableHandle] = []
        self.open(network)

    def open(self, network: nn.Module) -> None:
        """Put the hooks on the network."""
        look_at = _seen_by_next if self.importance.needs_gradient else nn.Module.get_submodule
        self._handles = [
            look_at(network, layer).register_forward_hook(partial(self._on_forward, layer)) for layer in self._epoch
        ]

    def close(self) -> None:
        """Take the hooks off the network."""
        for handle in self._handles:
            handle.remove()

    def _on_forward(self, layer: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        if not module.training:
            return None
        activation = output.detach()
        if not self.importance.needs_gradient:
            self._add(layer, self.importance.score(activation, None), len(activation))
            return None
        if not output.requires_grad:
            return None
        # A residual block adds to what its last convolution and norm give, in place: that changes the activation, and
        # on the view that instance norm returns it would lose the hook. Elsewhere a copy would only cost memory.
        passed_on = output if hasattr(module, "nonlin") else output.clone()
        passed_on.register_hook(partial(self._on_gradient, layer, activation))
        return passed_on

    def _on_gradient(self, layer: str, activation: Tensor, gradient: Tensor) -> None:
        values = self.importance.score(activation, gradient)
        # Mixed precision scales the loss up until a gradient overflows, and skips that step; so do we.
        finite = values.isfinite().all(1, keepdim=True)
        self._add(layer, torch.where(finite, values, 0), finite.sum())

    @torch.no_grad()
    def _add(self, layer: str, values: Tensor, samples: int | Tensor) -> None:
        self._epoch[layer] += values.sum(0)
        self._samples[layer] += samples

    def end_of_epoch(self) -> None:
        """Add this epoch's sums over all ranks to the totals; every rank must call it."""
        for layer, sums in self._epoch.items():
            samples = self._samples[layer]
            both = torch.cat([sums, samples.to(sums.dtype).reshape(1)])
            if dist.is_available() and dist.is_initialized():
                dist.all_reduce(both)
            self._total[layer] += both[:-1].cpu().double()
            self._total_samples[layer] += int(both[-1])
            sums.zero_()
            samples.zero_()

    def normalised(self) -> dict[str, np.ndarray]:
        """Importance of each channel by group, each layer divided by its own root of summed squares.

        For coupled layers the mean over them. Not a number where the layer saw no batch; zero where all its channels
        are zero, as those before a residual addition are until the first step (nnU-Net's initialisation).
        """
        by_layer = {layer: self._normalised(layer) for layer in self._total}
        return {group.name: np.mean([by_layer[layer] for layer in group.layers], axis=0) for group in self.groups}

    def _normalised(self, layer: str) -> np.ndarray:
        if not self._total_samples[layer]:
            return np.full(len(self._total[layer]), np.nan)
        mean = self._total[layer].numpy() / self._total_samples[layer]
        mean = np.where(np.isfinite(mean), mean, np.nan)
        # A channel that is not a number must not spoil the others of its layer.
        norm = np.sqrt(np.nansum(mean**2))
        return mean / norm if norm > 0 else mean

    def state_dict(self) -> dict[str, Any]:
        """Totals, of tensors and numbers only."""
        return {"sums": {k: v.clone() for k, v in self._total.items()}, "samples": dict(self._total_samples)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """:raises ValueError: statistics of other layers or other widths"""
        shapes = {layer: len(sums) for layer, sums in state["sums"].items()}
        if shapes != {layer: len(sums) for layer, sums in self._total.items()}:
            raise ValueError("importance statistics are of a network with other layers or widths")
        self._total = {layer: sums.double().cpu().clone() for layer, sums in state["sums"].items()}
        self._total_samples = dict(state["samples"])


def _seen_by_next(network: nn.Module, layer: str) -> nn.Module:
    """The block that ends with the layer's norm and nonlinearity; the layer itself where there is none."""
    parent = network.get_submodule(layer.rpartition(".")[0])
    return parent if isinstance(parent, ConvDropoutNormReLU) else network.get_submodule(layer)
