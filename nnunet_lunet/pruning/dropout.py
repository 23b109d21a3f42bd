"""STAMP's targeted dropout: layers whose channels rank low lose whole channels at random while training."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

from nnunet_lunet.pruning.groups import Group

#: Probability of the layer with most low-ranked channels, and of all before the first removal.
HIGHEST_DROPOUT, FIRST_DROPOUT = 0.1, 0.005


class TargetedDropout:
    """Channel dropout behind every prunable convolution, before its norm, with a probability for each group.

    :param probabilities: by group, see :func:`nnunet_lunet.pruning.dropout.dropout_probabilities`; None gives all
        :data:`nnunet_lunet.pruning.dropout.FIRST_DROPOUT`
    """

    def __init__(
        self, network: nn.Module, groups: Sequence[Group], probabilities: Mapping[str, float] | None = None
    ) -> None:
        self.probabilities = {group.name: (probabilities or {}).get(group.name, FIRST_DROPOUT) for group in groups}
        self._groups = list(groups)
        self._handles: list[RemovableHandle] = []
        self.open(network)

    def open(self, network: nn.Module) -> None:
        """Put the hooks on the network."""
        self._handles = [
            network.get_submodule(layer).register_forward_hook(partial(self._drop, group.name))
            for group in self._groups
            for layer in group.layers
        ]

    def close(self) -> None:
        """Take the hooks off the network."""
        for handle in self._handles:
            handle.remove()

    def _drop(self, group: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        drop = functional.dropout3d if output.ndim == 5 else functional.dropout2d
        return drop(output, self.probabilities[group], module.training)


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
