"""Group sparsity (DepGraph, Fang et al., arXiv 2301.12900): Torch-Pruning's regulariser on nnU-Net's U-Nets."""

from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from nnunet_lunet.pruning import groups

#: Factor of the regulariser's gradient: Torch-Pruning's own.
STRENGTH = 1e-4


class GroupSparsity:
    """Adds the gradient of Torch-Pruning's ``GroupNormPruner.regularize`` to that of the loss.

    To each weight ``w`` that channel ``k`` of a group has in the group's convolutions and norms, and in the layers that
    read it, ``strength * 16 ** ((largest - I_k) / (largest - smallest)) * w``, where ``I_k`` is the root of the sum of
    the squares of those weights. Heads and transposed convolutions get it as readers of a channel alone; biases get
    none. Instance norms count as batch norms, which alone Torch-Pruning regularises. A group whose channels are equal,
    such as one of a single channel, gets none.

    :param network: a U-Net as :func:`nnunet_lunet.pruning.groups.find_groups` takes it, not inside a wrapper; once it
        has other widths, this is to be made anew
    :raises UserError: Torch-Pruning cannot trace the network
    """

    def __init__(self, network: Any, strength: float = STRENGTH) -> None:
        _, self._pruner = groups.traced_copy(network, _pruner)
        self._pruner.reg = strength
        self._transposed: list[tuple[Any, Any]] = []
        for name, layer in self._pruner.model.named_modules():
            real = network.get_submodule(name)
            if isinstance(layer, _ConvTransposeNd):
                self._transposed.append((layer, real))
            else:
                # The copy was traced; its tensors are the network's own from here on.
                layer._parameters = real._parameters

    @property
    def groups(self) -> list[Any]:
        """Torch-Pruning's groups, of all channels each."""
        return list(self._pruner._groups)

    def add_gradients(self) -> None:
        """To be called between the backward pass and the optimiser's step; weights without a gradient get none."""
        for layer, real in self._transposed:
            # Torch-Pruning's regulariser takes the first axis for output channels everywhere.
            layer.transposed = False
            layer.weight = nn.Parameter(real.weight.detach().transpose(0, 1), requires_grad=False)
            layer.weight.grad = None if real.weight.grad is None else real.weight.grad.transpose(0, 1)
        self._pruner.regularize(self._pruner.model)


def _pruner(twin: Any, example: tuple[torch.Tensor]) -> Any:
    import torch_pruning
    from torch_pruning.pruner import function

    class Pruner(torch_pruning.pruner.GroupNormPruner):
        def estimate_importance(self, group: Any) -> Any:
            importance = super().estimate_importance(group)
            # It would divide by the difference; not-a-number is what it leaves out.
            return importance if importance.max() > importance.min() else torch.full_like(importance, torch.nan)

    transposed = [layer for layer in twin.modules() if isinstance(layer, _ConvTransposeNd)]
    norms = {type(layer) for layer in twin.modules() if isinstance(layer, _NormBase)}
    return Pruner(
        twin,
        example,
        torch_pruning.importance.GroupMagnitudeImportance(target_types=[_ConvNd, _NormBase]),
        ignored_layers=[*transposed, *twin.decoder.seg_layers],
        customized_pruners=dict.fromkeys(norms, function.PrunerBox[torch_pruning.ops.OPTYPE.BN]),
    )
