"""How important each channel is: statistics that forward hooks collect during ordinary training steps."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from nnunet_lunet.pruning import places
from nnunet_lunet.pruning.groups import Group
from nnunet_lunet.pruning.scores import ACTIVATION, CHANGE, IMPORTANCES, NOTHING

#: Spread of the importance that carries no information, whose mean is 1.
NOISE = 0.3


class ImportanceStatistics:
    """Importance of every prunable channel: mean over the samples of all steps since this was made.

    :mod:`nnunet_lunet.pruning.scores` has the importances. Around each training step stand :meth:`begin_step` and
    :meth:`end_step`; what runs outside of them does not count. The hooks are part of one graph under torch.compile.

    :param network: the network itself, not its wrapper
    :param kind: name of the importance
    :param by_layer: whether each layer is divided by the root of its summed squares; None is the importance's own
    """

    def __init__(self, network: nn.Module, groups: Sequence[Group], kind: str, *, by_layer: bool | None = None) -> None:
        if kind not in IMPORTANCES:
            raise ValueError(f"importance {kind!r} is unknown: use one of {', '.join(IMPORTANCES)}")
        self.groups = list(groups)
        self.kind = IMPORTANCES[kind]
        self.by_layer = self.kind.is_by_layer(by_layer)
        self.device = next(network.parameters()).device
        self._watched = {group.name: self._places(network, group) for group in self.groups}
        channels = {name: group.channels for group in self.groups for name in self._watched[group.name]}
        self._step = {name: torch.zeros(count, device=self.device) for name, count in channels.items()}
        self._epoch = {name: torch.zeros_like(sums) for name, sums in self._step.items()}
        self._samples = {name: torch.zeros((), device=self.device) for name in channels}
        self._total = {name: torch.zeros(count, dtype=torch.float64) for name, count in channels.items()}
        self._total_samples = dict.fromkeys(channels, 0)
        self._probes: dict[str, Tensor] = {}
        self._batch_size = 0  # of the step that runs; none runs at 0
        self._handles: list[RemovableHandle] = []
        self.open(network)

    def _places(self, network: nn.Module, group: Group) -> list[str]:
        """Keys of a group's sums: each place where an activation is ranked, or the group itself."""
        if self.kind.of == ACTIVATION:
            return list(dict.fromkeys(places.after_nonlinearity(network, layer) for layer in group.layers))
        return [group.name] if self.kind.of == CHANGE else []

    def open(self, network: nn.Module) -> None:
        """Put the hooks on the network."""
        hooks: dict[str, Any] = {}
        if self.kind.of == ACTIVATION:
            hooks = {name: partial(self._on_activation, name) for name in self._step}
        elif self.kind.of == CHANGE:
            hooks = {
                places.behind_block(network, layer): partial(self._pass_probe, group.name)
                for group in self.groups
                for layer in group.layers
            }
        self._handles = [network.get_submodule(name).register_forward_hook(hook) for name, hook in hooks.items()]

    def close(self) -> None:
        """Take the hooks off the network."""
        for handle in self._handles:
            handle.remove()

    def begin_step(self, batch_size: int) -> None:
        """Count the forward and the backward pass that follow, of ``batch_size`` samples."""
        self._batch_size = batch_size
        for sums in self._step.values():
            sums.zero_()
        if self.kind.of == CHANGE:
            for group in self.groups:
                probe = self._probes.get(group.name)
                if probe is None or len(probe) != batch_size:
                    shape = (batch_size, group.channels)
                    self._probes[group.name] = torch.zeros(shape, device=self.device, requires_grad=True)
                else:
                    probe.grad = None

    def end_step(self, loss_scale: float = 1.0, *, counts: bool = True) -> None:
        """Add the step, or leave it out.

        :param loss_scale: factor of mixed precision on the loss, and so on all gradients
        :param counts: False for a step whose gradients overflowed, so that the optimiser skipped it
        """
        samples, self._batch_size = self._batch_size, 0
        if not counts:
            return
        for name, probe in self._probes.items():
            if probe.grad is not None:
                values = self.kind.score(probe.grad / loss_scale)
                finite = values.isfinite().all(1, keepdim=True)
                self._epoch[name] += torch.where(finite, values, 0).sum(0)
                self._samples[name] += finite.sum()
        if self.kind.of == ACTIVATION:
            for name, sums in self._step.items():
                self._epoch[name] += sums
                self._samples[name] += samples

    def _on_activation(self, name: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if self._batch_size:
            self._step[name] += self.kind.score(output.detach()).sum(0)

    def _pass_probe(self, group: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        if not self._batch_size:
            return None
        passed_on: Tensor = _SumOfProducts.apply(output, self._probes[group])
        # A residual block adds in place to what its last convolution and norm give; other layers only read.
        return passed_on if hasattr(module, "nonlin") else passed_on.clone()

    def end_of_epoch(self) -> None:
        """Add this epoch's sums over all ranks to the totals; every rank must call it."""
        for name, sums in self._epoch.items():
            both = torch.cat([sums, self._samples[name].reshape(1)])
            if dist.is_available() and dist.is_initialized():
                dist.all_reduce(both)
            self._total[name] += both[:-1].cpu().double()
            self._total_samples[name] += int(both[-1])
            sums.zero_()
            self._samples[name].zero_()

    def importance(self, rng: np.random.Generator, costs: Mapping[str, float] | None = None) -> dict[str, np.ndarray]:
        """Importance of each channel by group.

        Not a number where no step counted; zero where all channels of a layer are zero, as those before a residual
        addition are until the first step (nnU-Net's initialisation). A group whose activations are ranked at several
        places has their mean.

        :param rng: for the importance that is noise
        :param costs: what one channel of each group costs, for an importance that is divided by that
        """
        found = {}
        for group in self.groups:
            if self.kind.of == NOTHING:
                values = [np.abs(rng.normal(1, NOISE, group.channels))]
            else:
                values = [self._mean(name) for name in self._watched[group.name]]
            mean = np.mean([_by_root_of_squares(value) if self.by_layer else value for value in values], axis=0)
            found[group.name] = mean if costs is None else mean / costs[group.name]
        return found

    def _mean(self, name: str) -> np.ndarray:
        if not self._total_samples[name]:
            return np.full(len(self._total[name]), np.nan)
        mean = self._total[name].numpy() / self._total_samples[name]
        return np.where(np.isfinite(mean), mean, np.nan)

    def state_dict(self) -> dict[str, Any]:
        """Totals, of tensors and numbers only."""
        return {"sums": {k: v.clone() for k, v in self._total.items()}, "samples": dict(self._total_samples)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """:raises ValueError: statistics of other layers or other widths"""
        shapes = {name: len(sums) for name, sums in state["sums"].items()}
        if shapes != {name: len(sums) for name, sums in self._total.items()}:
            raise ValueError("importance statistics are of a network with other layers or widths")
        self._total = {name: sums.double().cpu().clone() for name, sums in state["sums"].items()}
        self._total_samples = dict(state["samples"])


def _by_root_of_squares(values: np.ndarray) -> np.ndarray:
    # A channel that is not a number must not spoil the others of its layer.
    norm = np.sqrt(np.nansum(values**2))
    return values / norm if norm > 0 else values


class _SumOfProducts(torch.autograd.Function):
    """Passes an activation ``(B, C, …)`` on; the gradient of its probe ``(B, C)`` is ``sum(a * g)`` over positions.

    Coupled convolutions share a probe, so autograd sums over them. It is the derivative of the loss with respect to
    a factor on the channel, at 1.
    """

    @staticmethod
    def forward(ctx: Any, activation: Tensor, probe: Tensor) -> Tensor:
        ctx.save_for_backward(activation)
        return activation.view_as(activation)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        (activation,) = ctx.saved_tensors
        # Sample by sample and as a dot product, no second map as large as the batch's is made.
        samples = zip(activation.flatten(2).unbind(), gradient.flatten(2).unbind(), strict=True)
        return gradient, torch.stack([torch.linalg.vecdot(a.float(), g.float()) for a, g in samples])
