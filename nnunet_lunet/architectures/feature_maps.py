"""Sizes of the feature maps that convolutions give, from a pass without memory or arithmetic."""

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd


def input_channels(network: nn.Module) -> int:
    """Channels of the image: what the first convolution takes."""
    stem = next(module for module in network.modules() if isinstance(module, _ConvNd))
    return stem.in_channels


def without_memory(network: nn.Module) -> nn.Module:
    """A copy on the meta device that can be run without memory or arithmetic; it has no hooks of the network's.

    Its SyncBatchNorms are plain batch norms, see :func:`unsynchronise`.
    """
    twin = copy.deepcopy(network)
    clear_hooks(twin)
    unsynchronise(twin)
    return twin.to("meta")


def unsynchronise(twin: nn.Module) -> None:
    """Make plain batch norms of a copy's SyncBatchNorms, which run on a GPU alone; names and tensors stay.

    dynamic-network-architectures holds a norm under two names; PyTorch's conversion to SyncBatchNorm makes two modules
    of it that share their tensors. Here it is one again.
    """
    by_weight: dict[int, nn.Module] = {}
    for parent in list(twin.modules()):
        for name, child in parent._modules.items():
            if isinstance(child, nn.SyncBatchNorm):
                parent._modules[name] = by_weight.setdefault(id(child.weight), child)
    for norm in by_weight.values():
        norm.__class__ = _BatchNormOfAnyDimension


class _BatchNormOfAnyDimension(_BatchNorm):
    def _check_input_dim(self, input: Tensor) -> None:
        pass


def clear_hooks(network: nn.Module) -> None:
    """Take all hooks of the forward pass off a network."""
    for module in network.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()


def shapes_of(network: nn.Module, input_size: Sequence[int]) -> dict[str, torch.Size]:
    """Shape ``(1, C, …)`` of what each convolution gives, by its name, in the order in which they run.

    Transposed convolutions count as convolutions; heads that do not run, for want of deep supervision, are left out.

    :param input_size: of the image, without batch and channels
    :raises RuntimeError: a size that does not fit the strides of the network
    """
    twin = without_memory(network).eval()
    found: dict[str, torch.Size] = {}
    names: dict[nn.Module, str] = {module: name for name, module in twin.named_modules() if isinstance(module, _ConvNd)}

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found[names[module]] = output.shape

    for module in names:
        module.register_forward_hook(note)
    dtype = next(twin.parameters()).dtype
    with torch.inference_mode(False), torch.no_grad():
        twin(torch.empty(1, input_channels(twin), *input_size, dtype=dtype, device="meta"))
    return found


def count(network: nn.Module, input_size: Sequence[int]) -> int:
    """Numbers in all that the convolutions give for one image: nnU-Net's ``compute_conv_feature_map_size``.

    Norms, nonlinearities, poolings and concatenations are not counted, as in nnU-Net's own networks.
    """
    return sum(math.prod(shape) for shape in shapes_of(network, input_size).values())


def channels_per_level(network: nn.Module, input_size: Sequence[int]) -> list[int]:
    """Output channels of all convolutions of a resolution, highest resolution first.

    Transposed convolutions and heads are left out: pruning never narrows them. A convolution that runs at several
    levels (shared weights) counts at each.

    :param input_size: of the image, without batch and channels
    :raises RuntimeError: a size that does not fit the strides of the network
    """
    twin = without_memory(network).eval()
    found: list[Tensor] = []
    for module in twin.modules():
        if isinstance(module, _ConvNd) and not isinstance(module, _ConvTransposeNd):
            module.register_forward_hook(lambda module, inputs, output: found.append(output))
    dtype = next(twin.parameters()).dtype
    with torch.inference_mode(False), torch.no_grad():
        given = twin(torch.empty(1, input_channels(twin), *input_size, dtype=dtype, device="meta"))
    heads = [given] if isinstance(given, Tensor) else given
    levels: dict[int, int] = {}
    for output in found:
        if all(output is not head for head in heads):
            voxels = output.shape[2:].numel()
            levels[voxels] = levels.get(voxels, 0) + output.shape[1]
    return [levels[voxels] for voxels in sorted(levels, reverse=True)]
