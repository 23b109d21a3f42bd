"""What a network costs: parameters, multiply-adds, and nnU-Net's estimate of the memory that training takes."""

from collections.abc import Sequence
from typing import Any

import torch
from dynamic_network_architectures.building_blocks.residual_encoders import ResidualEncoder
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nnunet_lunet.architectures import feature_maps

#: Values of feature maps (``compute_conv_feature_map_size``) and batch size that fill ``REFERENCE_GB`` in training, by
#: dimensions: ``UNet_reference_val_…`` of nnU-Net's ``ExperimentPlanner``, and below of its ``ResEncUNetPlanner``.
REFERENCE_PLAIN = {2: (85_000_000, 12), 3: (560_000_000, 2)}
REFERENCE_RESIDUAL = {2: (135_000_000, 12), 3: (680_000_000, 2)}
REFERENCE_GB = 8


def parameters(network: nn.Module) -> int:
    """Number of parameters, those of all deep supervision heads among them."""
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_adds(network: nn.Module, input_channels: int, patch_size: Sequence[int]) -> int:
    """Multiply-adds of one pass of one patch ``(1, C, …)``, counted by torch without computing it.

    Convolutions are counted, norms and nonlinearities are not.

    :raises RuntimeError: a patch that does not fit the strides of the network
    """
    twin = feature_maps.without_memory(network)
    patch = torch.empty(1, input_channels, *patch_size, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        twin(patch)
    return counter.get_total_flops() // 2


def activation_memory(network: nn.Module, input_channels: int, patch_size: Sequence[int]) -> int:
    """Bytes that autograd keeps for the backward pass of one patch ``(1, C, …)``: what training memory grows with.

    Each storage that an operation saves is counted once, the patch itself among them, parameters are not; found
    through torch's hooks for saved tensors, without computing. It holds for the network's own precision: with
    autocast, as on a GPU, most of it takes half. What the loss and the libraries take is not in it.

    :raises RuntimeError: a patch that does not fit the strides of the network
    """
    twin = feature_maps.without_memory(network).train()
    parameters = {id(parameter.untyped_storage()) for parameter in twin.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}  # alive, so that no two have the same id

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[id(storage)] = storage
        return tensor

    patch = torch.empty(1, input_channels, *patch_size, device="meta")
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = twin(patch)
    del outputs
    return sum(storage.nbytes() for key, storage in kept.items() if key not in parameters)


def training_memory(network: Any, patch_size: Sequence[int], batch_size: int) -> float:
    """Gigabytes that training takes by the estimate of nnU-Net's planner, which grows with the feature maps alone.

    The planner scales the number of values in the feature maps of one patch against a network of its own that was
    seen to fill 8 GB. It knows neither optimiser nor weights nor library.

    :raises ValueError: a network that does not count its feature maps
    """
    if not hasattr(network, "compute_conv_feature_map_size"):
        raise ValueError(f"{type(network).__name__} has no compute_conv_feature_map_size for nnU-Net's estimate")
    residual = isinstance(getattr(network, "encoder", None), ResidualEncoder)
    values, batch = (REFERENCE_RESIDUAL if residual else REFERENCE_PLAIN)[len(patch_size)]
    return float(network.compute_conv_feature_map_size(patch_size)) * batch_size / (values * batch) * REFERENCE_GB
