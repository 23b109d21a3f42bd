"""STAMP's targeted dropout: layers whose channels rank low lose whole channels at random while training."""

from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor, nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

from nnunet_lunet.pruning.groups import Group
from nnunet_lunet.pruning.strategies import FIRST_DROPOUT


class TargetedDropout:
    """Channel dropout behind every prunable convolution, before its norm, with a probability for each group.

    :param probabilities: by group, see :func:`nnunet_lunet.pruning.strategies.dropout_probabilities`; None gives all
        :data:`nnunet_lunet.pruning.strategies.FIRST_DROPOUT`
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
