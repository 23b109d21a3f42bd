"""A network takes the shapes of the state dict it loads.

Stock ``nnUNetv2_predict`` builds one network from the plans and loads one fold after the other into it. Folds whose
layers differ in width (pruned ones) load because the network first takes the shapes that the weights have.
"""

import copy
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import torch
from dynamic_network_architectures.building_blocks.helper import convert_conv_op_to_dim
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from nnunet_lunet.architectures import feature_maps


class StateDictMismatchError(RuntimeError):
    """Weights that do not make a working network of this architecture; says which layer. Nothing was loaded."""


def follow_state_dict(network: nn.Module) -> None:
    """Let ``network.load_state_dict`` first give every convolution and norm the shapes of the incoming weights.

    Transposed convolutions count as convolutions. It also works where the network sits in a wrapper
    (DistributedDataParallel, ``torch.compile``). Device, dtype and ``requires_grad`` stay. Layers whose shape does
    not change keep their parameter objects; the others get new ones, so an optimiser made before such a load must
    be made again.

    :param network: a U-Net of dynamic-network-architectures' form: an ``encoder`` that knows its ``conv_op`` and
        ``strides``, and a ``decoder`` that knows its ``num_classes``
    :raises StateDictMismatchError: from ``load_state_dict``, before anything is changed
    """
    channels = feature_maps.input_channels(network)
    network.register_load_state_dict_pre_hook(partial(_adopt_shapes, input_channels=channels))


def example_input(network: Any, channels: int, device: torch.device | str) -> Tensor:
    """The smallest input ``(1, C, …)`` that leaves two voxels an axis at the bottleneck (instance norm needs them)."""
    dim = convert_conv_op_to_dim(network.encoder.conv_op)
    sizes = [2] * dim
    for stride in network.encoder.strides:
        steps = [stride] * dim if isinstance(stride, int) else stride
        sizes = [size * step for size, step in zip(sizes, steps, strict=True)]
    return torch.zeros(1, channels, *sizes, device=device, dtype=next(network.parameters()).dtype)


def _adopt_shapes(
    network: nn.Module,
    state_dict: Mapping[str, Tensor],
    prefix: str,
    local_metadata: dict[str, Any],
    strict: bool,
    missing_keys: list[str],
    unexpected_keys: list[str],
    error_msgs: list[str],
    *,
    input_channels: int,
) -> None:
    own = network.state_dict()
    incoming = {key.removeprefix(prefix): value for key, value in state_dict.items() if key.startswith(prefix)}
    if strict:
        _check_keys(own, incoming)
    _check_other_names(network, incoming)
    wanted = {key: incoming[key].shape for key in own if key in incoming}
    changed = [key for key in wanted if wanted[key] != own[key].shape]
    if not changed:
        return
    _check_only_channels_change(network, own, wanted, changed)
    trial = _with_shapes(network, wanted, device="meta", in_place=False)
    _check_data_flow(trial, input_channels)
    _with_shapes(network, wanted, device=None, in_place=True)


def _check_keys(own: Mapping[str, Tensor], incoming: Mapping[str, Tensor]) -> None:
    missing = [key for key in own if key not in incoming]
    unexpected = [key for key in incoming if key not in own]
    if missing or unexpected:
        key, what = (missing[0], "has no weights") if missing else (unexpected[0], "does not exist in this network")
        raise StateDictMismatchError(
            f"layer {key.rpartition('.')[0]} {what} ({len(missing)} tensors missing, {len(unexpected)} unexpected): "
            "the weights belong to another architecture; use the plans and the trainer they were trained with"
        )


def _check_other_names(network: nn.Module, incoming: Mapping[str, Tensor]) -> None:
    """A tensor that the network has under several names must come as one: of several, the last would win unseen."""
    first_name: dict[int, str] = {}
    tensors = [*network.named_parameters(remove_duplicate=False), *network.named_buffers(remove_duplicate=False)]
    for key, tensor in tensors:
        twin = first_name.setdefault(id(tensor), key)
        if key == twin or key not in incoming or twin not in incoming:
            continue
        one, other = incoming[key], incoming[twin]
        if one.shape != other.shape:
            raise StateDictMismatchError(
                f"layer {key.rpartition('.')[0]}: weights of shape {tuple(one.shape)}, but the same layer has "
                f"{tuple(other.shape)} under its other name {twin}"
            )
        if one.data_ptr() != other.data_ptr() and not torch.allclose(one, other, rtol=0, atol=0, equal_nan=True):
            raise StateDictMismatchError(
                f"layer {key.rpartition('.')[0]}: its weights are not those of {twin}, and this network has one weight "
                "for both: they belong to another architecture"
            )


def _shaped_layers(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Every name of every layer that has channels; dynamic-network-architectures gives one layer several names."""
    for name, module in network.named_modules(remove_duplicate=False):
        if isinstance(module, _ConvNd | _NormBase):
            yield name, module


def _check_only_channels_change(
    network: nn.Module, own: Mapping[str, Tensor], wanted: Mapping[str, torch.Size], changed: list[str]
) -> None:
    layers = dict(_shaped_layers(network))
    for key in changed:
        name = key.rpartition(".")[0]
        layer = layers.get(name)
        same_kernel = wanted[key][2:] == own[key].shape[2:] and len(wanted[key]) == own[key].ndim
        if layer is None or not same_kernel or 0 in wanted[key] or getattr(layer, "groups", 1) != 1:
            raise StateDictMismatchError(
                f"layer {name}: weights of shape {tuple(wanted[key])} do not fit a layer of shape "
                f"{tuple(own[key].shape)}; only channel counts may differ"
            )


def _with_shapes(network: nn.Module, wanted: Mapping[str, torch.Size], device: str | None, in_place: bool) -> nn.Module:
    """``network`` with empty tensors of the wanted shapes: itself, or a copy on ``device`` that shares no memory."""
    # nnU-Net loads folds inside inference_mode; tensors born there could never be loaded into again outside it.
    with torch.inference_mode(False), torch.no_grad():
        replacements: dict[int, Tensor] = {}
        tensors = dict(network.named_parameters()) | dict(network.named_buffers())
        for key, old in tensors.items():
            shape = wanted.get(key, old.shape)
            if in_place and shape == old.shape:
                continue
            new = torch.empty(shape, dtype=old.dtype, device=device or old.device)
            if isinstance(old, nn.Parameter):
                new = nn.Parameter(new, requires_grad=old.requires_grad)
            replacements[id(old)] = new
        target = network if in_place else copy.deepcopy(network, dict(replacements))
        for _, layer in _shaped_layers(target):
            if in_place:
                tables: tuple[dict[str, Any], ...] = (layer._parameters, layer._buffers)
                for table in tables:
                    table.update(
                        {name: replacements[id(old)] for name, old in table.items() if id(old) in replacements}
                    )
            _set_channel_counts(layer)
    return target


def _set_channel_counts(layer: Any) -> None:
    if isinstance(layer, _ConvNd):
        first, second = layer.weight.shape[0], layer.weight.shape[1] * layer.groups
        transposed = isinstance(layer, _ConvTransposeNd)
        layer.in_channels, layer.out_channels = (first, second) if transposed else (second, first)
        return
    for tensor in (layer.weight, layer.running_mean):
        if tensor is not None:
            layer.num_features = tensor.shape[0]


def _check_data_flow(trial: Any, input_channels: int) -> None:
    """Run the network on the meta device, without memory or arithmetic, and name the first layer that does not fit."""
    entered = ["the input"]

    def check_input(name: str, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        expected = layer.in_channels if isinstance(layer, _ConvNd) else layer.num_features
        has_channels = isinstance(layer, _ConvNd) or layer.weight is not None or layer.running_mean is not None
        if has_channels and inputs[0].shape[1] != expected:
            raise StateDictMismatchError(
                f"layer {name}: its weights are for {expected} input channels, but {inputs[0].shape[1]} arrive from "
                f"{entered[-1]}"
            )
        bias = getattr(layer, "bias", None)
        channels_out = layer.out_channels if isinstance(layer, _ConvNd) else expected
        if bias is not None and bias.shape[0] != channels_out:
            raise StateDictMismatchError(
                f"layer {name}: its bias has {bias.shape[0]} channels, its weight {channels_out}"
            )
        entered.append(name)

    feature_maps.clear_hooks(trial)
    feature_maps.unsynchronise(trial)
    seen: set[int] = set()
    for name, layer in _shaped_layers(trial):
        if id(layer) not in seen:
            seen.add(id(layer))
            layer.register_forward_pre_hook(partial(check_input, name))
    trial.eval()
    trial.decoder.deep_supervision = True
    try:
        with torch.inference_mode(False), torch.no_grad():
            outputs = trial(example_input(trial, input_channels, "meta"))
    except StateDictMismatchError:
        raise
    except RuntimeError as error:
        raise StateDictMismatchError(
            f"layer {entered[-1]}: what it gives does not fit what follows ({error})"
        ) from error
    for head, output in zip(reversed(trial.decoder.seg_layers), outputs, strict=True):
        if output.shape[1] != trial.decoder.num_classes:
            name = next(name for name, layer in _shaped_layers(trial) if layer is head)
            raise StateDictMismatchError(
                f"layer {name}: weights for {output.shape[1]} classes, but the network has {trial.decoder.num_classes}"
            )
