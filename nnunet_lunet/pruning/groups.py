"""Which channels can only leave together: Torch-Pruning's dependency graph over nnU-Net's U-Nets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.instancenorm import _InstanceNorm

from nnunet_lunet.architectures import feature_maps, registry, shapes
from nnunet_lunet.errors import UserError

*_FIRST, _LAST = registry.names_in_plans(prunable=True)
PRUNABLE = f"plans with {', '.join(_FIRST)} or {_LAST}"


@dataclass(frozen=True)
class Group:
    """Convolutions whose output channels are coupled (by residual additions), so that channel ``i`` leaves all of them.

    :param layers: names of the convolutions, as ``network.get_submodule`` takes them, in the order of the network;
        the first one names the group. One without residual additions is a group of its own.
    :param channels: output channels that each of them has
    :param levels: resolution level of each of them; 0 is full resolution, the largest is the bottleneck
    :param consumers: of each layer that reads these channels, how many of its input channels one of them is
    """

    layers: tuple[str, ...]
    channels: int
    levels: tuple[int, ...]
    consumers: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.layers[0]

    @property
    def depth(self) -> float:
        """Mean level of its convolutions: a stream through all levels is no layer of the first."""
        return sum(self.levels) / len(self.levels)


def channels_per_level(groups: Sequence[Group]) -> list[int]:
    """Output channels of all convolutions of the groups, each at its own level, full resolution first."""
    levels = [0] * (1 + max(level for group in groups for level in group.levels))
    for group in groups:
        for level in group.levels:
            levels[level] += group.channels
    return levels


def find_groups(network: nn.Module) -> list[Group]:
    """Every group of prunable channels: those of all convolutions but transposed ones and segmentation heads.

    :param network: a U-Net as :func:`nnunet_lunet.architectures.shapes.follow_state_dict` takes it
    :raises UserError: a network whose layers cannot lose a channel alone, or that Torch-Pruning cannot trace
    """
    _check_layers_have_channels_of_their_own(network)
    twin, graph = traced_copy(network)
    levels = _levels(twin)
    names = {id(twin.get_submodule(name)): name for name in prunable_layers(network)}
    convolutions = {id(module): name for name, module in twin.named_modules() if isinstance(module, _ConvNd)}
    groups, found = [], set()
    for name in prunable_layers(network):
        if name not in found:
            root: Any = twin.get_submodule(name)
            coupled = pruning_group(graph, root, [0])
            members = {names[id(module)] for module in _pruned_outputs(graph, coupled) if id(module) in names}
            found |= members
            layers = tuple(layer for layer in names.values() if layer in members)
            consumers = {convolutions[key]: count for key, count in _pruned_inputs(graph, coupled).items()}
            groups.append(Group(layers, root.out_channels, tuple(levels[layer] for layer in layers), consumers))
    return groups


def _check_layers_have_channels_of_their_own(network: nn.Module) -> None:
    convolutions = [module for module in network.modules() if isinstance(module, _ConvNd)]
    shared = len({id(convolution.weight) for convolution in convolutions}) < len(convolutions)
    if shared or any(convolution.groups > 1 for convolution in convolutions):
        what = "share their weights" if shared else "are of several groups"
        raise UserError(
            f"{type(network).__name__} cannot be pruned: its convolutions {what}, so none can lose a channel alone; "
            f"use {PRUNABLE}"
        )


def _levels(network: nn.Module) -> dict[str, int]:
    """Resolution level of what each convolution gives; 0 is full resolution."""
    size = shapes.example_input(network, 1, "meta").shape[2:]
    voxels = {name: shape[2:].numel() for name, shape in feature_maps.shapes_of(network, size).items()}
    ranked = sorted(set(voxels.values()), reverse=True)
    return {name: ranked.index(count) for name, count in voxels.items()}


def prunable_layers(network: Any) -> list[str]:
    """Names of the convolutions whose output channels may leave, each layer once, in the order of the network."""
    heads = {id(head) for head in network.decoder.seg_layers}
    return [
        name
        for name, module in network.named_modules()
        if isinstance(module, _ConvNd) and not isinstance(module, _ConvTransposeNd) and id(module) not in heads
    ]


def _dependency_graph(network: nn.Module, example: tuple[Tensor]) -> Any:
    import torch_pruning

    return torch_pruning.DependencyGraph().build_dependency(network, example_inputs=example)


def traced_copy(
    network: nn.Module, trace: Callable[[nn.Module, tuple[Tensor]], Any] = _dependency_graph
) -> tuple[nn.Module, Any]:
    """A copy of ``network`` without memory (meta device), and Torch-Pruning's ``DependencyGraph`` of the copy.

    :param trace: makes another object of Torch-Pruning's, of the copy and its input, in place of the graph
    :raises UserError: Torch-Pruning cannot trace the network
    """
    twin: Any = feature_maps.without_memory(network)
    # The heads of the lower resolutions are consumers too, and only deep supervision runs them.
    twin.decoder.deep_supervision = True
    example = shapes.example_input(twin, feature_maps.input_channels(twin), "meta")
    try:
        # nnU-Net's validation runs without gradients, and the tracer follows the graph of gradients.
        with torch.inference_mode(False), torch.enable_grad(), _cloned_norm_outputs(twin):
            graph = trace(twin, (example,))
    except (RuntimeError, TypeError, ValueError, AttributeError, KeyError, AssertionError) as error:
        raise UserError(
            f"Torch-Pruning cannot trace {type(network).__name__} ({type(error).__name__}: {error}): use {PRUNABLE}"
        ) from error
    return twin, graph


def pruning_group(graph: Any, layer: nn.Module, channels: list[int]) -> Any:
    """Torch-Pruning's group for taking output ``channels`` out of ``layer``."""
    return graph.get_pruning_group(layer, graph.get_pruner_of_module(layer).prune_out_channels, idxs=channels)


def _pruned_outputs(graph: Any, coupled: Any) -> Iterator[nn.Module]:
    """Convolutions that lose their output channel 0 with the group."""
    for dependency, channels in coupled:
        layer = dependency.target.module
        if isinstance(layer, _ConvNd) and graph.is_out_channel_pruning_fn(dependency.handler):
            if list(channels) != [0]:
                raise UserError(f"channels of coupled layers do not correspond one to one ({dependency}): cannot prune")
            yield layer


def _pruned_inputs(graph: Any, coupled: Any) -> dict[int, int]:
    """By the identity of each convolution, how many input channels it loses with the group."""
    lost: dict[int, set[int]] = {}
    for dependency, channels in coupled:
        layer = dependency.target.module
        if isinstance(layer, _ConvNd) and graph.is_in_channel_pruning_fn(dependency.handler):
            lost.setdefault(id(layer), set()).update(channels)
    return {key: len(channels) for key, channels in lost.items()}


@contextmanager
def _cloned_norm_outputs(network: nn.Module) -> Iterator[None]:
    """Instance norm returns a view; what works on it in place hides norm and convolution from the tracer."""

    def clone(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output.clone()

    handles = [module.register_forward_hook(clone) for module in network.modules() if isinstance(module, _InstanceNorm)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
