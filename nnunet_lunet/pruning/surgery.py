"""Takes channels out of a network and its optimiser. The only place that does."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from nnunet_lunet.pruning import groups


def remove_channels(
    network: nn.Module, channels: Mapping[str, Sequence[int]], optimizer: torch.optim.Optimizer | None = None
) -> None:
    """Take output channels out of layers, and out of all that is coupled to them; the rest stays bit for bit.

    Torch-Pruning's dependency graph cuts a copy of the network whose weights are the positions of the weights. The
    positions that are left say what to keep of every weight, statistic and buffer of the optimiser; the network
    then takes the shapes of what is left as it takes those of a checkpoint. Whatever fails, fails before that.

    :param network: a U-Net of this package, not inside a wrapper
    :param channels: for the name of each group (:class:`nnunet_lunet.pruning.groups.Group`) the channels that leave
    :param optimizer: its state is cut along, its parameters are replaced in their order
    :raises ValueError: a channel that does not exist, twice the same, or all channels of a layer
    :raises UserError: see :func:`nnunet_lunet.pruning.groups.find_groups`
    """
    twin, graph = groups.traced_copy(network)
    _write_positions(twin)
    for name, leaving in channels.items():
        layer = twin.get_submodule(name)
        _check(name, layer, leaving)
        if leaving:
            groups.pruning_group(graph, layer, sorted(leaving)).prune()
    _follow_weight(twin)
    old = dict(network.named_parameters())
    # dynamic-network-architectures gives a tensor up to four names: each is cut once.
    before, positions = network.state_dict(keep_vars=True), twin.state_dict()
    first_names: dict[int, str] = {}
    names = {key: first_names.setdefault(id(tensor), key) for key, tensor in before.items()}
    kept = {key: positions[key].long() for key in first_names.values()}
    taken = {key: _take(before[key], position) for key, position in kept.items()}
    network.load_state_dict({key: taken[first] for key, first in names.items()})
    if optimizer is not None:
        _replace_parameters(optimizer, old, dict(network.named_parameters()), kept)


def _check(name: str, layer: nn.Module, leaving: Sequence[int]) -> None:
    present = layer.out_channels
    assert isinstance(present, int)
    if len(set(leaving)) != len(leaving) or not all(0 <= channel < present for channel in leaving):
        raise ValueError(f"layer {name} has channels 0 to {present - 1}, each once: cannot remove {list(leaving)}")
    if len(leaving) >= present:
        raise ValueError(f"layer {name} would lose its last channel")


def _write_positions(twin: nn.Module) -> None:
    """Each element of each tensor becomes its own position; double precision holds every one exactly."""
    for layer in twin.modules():
        for name, tensor in [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]:
            positions = torch.arange(tensor.numel(), dtype=torch.float64).reshape(tensor.shape)
            setattr(layer, name, nn.Parameter(positions) if isinstance(tensor, nn.Parameter) else positions)


def _follow_weight(twin: nn.Module) -> None:
    """Torch-Pruning leaves the running statistics of instance norm as they are."""
    for layer in twin.modules():
        if isinstance(layer, _NormBase) and layer.weight is not None:
            for name in ("running_mean", "running_var"):
                if getattr(layer, name) is not None:
                    setattr(layer, name, layer.weight.detach().clone())


def _take(tensor: Tensor, positions: Tensor) -> Tensor:
    return tensor.detach().flatten()[positions.flatten().to(tensor.device)].reshape(positions.shape)


def _replace_parameters(
    optimizer: torch.optim.Optimizer,
    old: Mapping[str, nn.Parameter],
    new: Mapping[str, nn.Parameter],
    kept: Mapping[str, Tensor],
) -> None:
    names = {id(parameter): name for name, parameter in old.items()}
    for group in optimizer.param_groups:
        for index, parameter in enumerate(group["params"]):
            name = names[id(parameter)]
            state = optimizer.state.pop(parameter, None)
            group["params"][index] = new[name]
            if state is not None:
                optimizer.state[new[name]] = {
                    key: _take(value, kept[name])
                    if isinstance(value, Tensor) and value.shape == parameter.shape
                    else value
                    for key, value in state.items()
                }
