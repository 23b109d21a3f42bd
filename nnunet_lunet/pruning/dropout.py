"""STAMP's targeted dropout: layers whose channels rank low lose whole channels at random while training."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd
from torch.utils.hooks import RemovableHandle

from nnunet_lunet.pruning import places
from nnunet_lunet.pruning.groups import Group

#: Probability of the layer with most low-ranked channels, and of all before the first removal.
HIGHEST_DROPOUT, FIRST_DROPOUT = 0.1, 0.005


class TargetedDropout:
    """Channel dropout behind norm and nonlinearity, where a dropped channel is an absent one.

    Each group has its own probability, and one mask for each sample and pass, so that coupled convolutions drop the
    same channels. What is kept is scaled up, as in PyTorch's dropout. It takes the place of the network's own dropout,
    which is turned off, as in STAMP.

    :param probabilities: by group, see :func:`nnunet_lunet.pruning.dropout.dropout_probabilities`; None gives all
        :data:`nnunet_lunet.pruning.dropout.FIRST_DROPOUT`
    """

    def __init__(
        self, network: nn.Module, groups: Sequence[Group], probabilities: Mapping[str, float] | None = None
    ) -> None:
        self.probabilities = {group.name: (probabilities or {}).get(group.name, FIRST_DROPOUT) for group in groups}
        self._groups = list(groups)
        self._masks: dict[str, Tensor] = {}
        self._handles: list[RemovableHandle] = []
        self.open(network)

    def open(self, network: nn.Module) -> None:
        """Put the hooks on the network."""
        for module in network.modules():
            if isinstance(module, _DropoutNd):
                module.p = 0.0
        behind = {places.behind_block(network, layer): group for group in self._groups for layer in group.layers}
        self._handles = [
            network.register_forward_pre_hook(self._draw),
            *(
                network.get_submodule(name).register_forward_hook(partial(self._drop, group.name))
                for name, group in behind.items()
            ),
        ]

    def close(self) -> None:
        """Take the hooks off the network."""
        for handle in self._handles:
            handle.remove()

    def _draw(self, network: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if network.training:
            # A new dictionary each time: torch.compile would look into an old one, and compile anew for what it holds.
            self._masks = {group.name: self._mask(inputs[0], group) for group in self._groups}

    def _mask(self, x: Tensor, group: Group) -> Tensor:
        kept = 1 - self.probabilities[group.name]
        return (torch.rand(len(x), group.channels, device=x.device) < kept) / kept

    def _drop(self, group: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        if not module.training:
            return None
        mask = self._masks[group].to(output.dtype)
        return output * mask.reshape(*mask.shape, *[1] * (output.ndim - 2))


def dropout_probabilities(importance: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """STAMP's targeted dropout: the lower the channels of a layer rank among all channels, the more it drops.

    A channel's rank is 1 for the least important of all and 0 for the most important; a layer's probability is the
    mean over its channels, scaled so that the highest is :data:`HIGHEST_DROPOUT`. A channel whose importance is not
    a number counts as the most important.
    """
    names = [(group, channel) for group, scores in importance.items() for channel in range(len(scores))]
    values = np.nan_to_num([importance[group][channel] for group, channel in names], nan=np.inf, posinf=np.inf)
    ranks = np.empty(len(names))
    ranks[np.argsort(values, kind="stable")] = np.linspace(1, 0, len(names))
    by_group: dict[str, list[float]] = {group: [] for group in importance}
    for (group, _), rank in zip(names, ranks, strict=True):
        by_group[group].append(float(rank))
    means = {group: float(np.mean(values)) for group, values in by_group.items()}
    highest = max(means.values())
    return {group: HIGHEST_DROPOUT * mean / highest if highest > 0 else 0.0 for group, mean in means.items()}
