"""Widens a flat or pruned U-Net with zeros until one plain ``features_per_stage`` describes it.

A convolution of zeros with a norm whose bias is zero gives zero, and zero it stays through norm and nonlinearity: the
function does not change.
"""

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

_STAGE = re.compile(r"^(?:decoder\.)?encoder\.(?:stages\.(\d+)|(stem))\.")
_DECODER = re.compile(r"^decoder\.(?:stages|transpconvs)\.(\d+)\.")
_AFTER_SKIP = re.compile(r"^decoder\.stages\.(\d+)\.convs\.0\.(?:conv|all_modules\.0)\.weight$")
_PROJECTION = re.compile(r"^encoder\.stages\.(\d+)\.blocks\.0\.skip\..*weight$")


def common_features(state_dicts: Sequence[Mapping[str, Tensor]], n_stages: int) -> list[int]:
    """The fewest channels per stage into which all these networks fit.

    A residual encoder has a projection on its skip exactly where the widths of two stages differ, so the widths are
    made to differ, or not, as the weights want it.

    :param state_dicts: weights of U-Nets of one architecture, whose layers may differ in width
    """
    features = [1] * n_stages
    for weights in state_dicts:
        for key, tensor in weights.items():
            if (level := _level(key, n_stages)) is not None and tensor.ndim > 0:
                channels = tensor.shape[1] if ".transpconvs." in key and tensor.ndim > 1 else tensor.shape[0]
                features[level] = max(features[level], channels)
    if any("encoder.stem." in key for key in state_dicts[0]):
        _make_projections_fit(features, state_dicts[0])
    return features


def _make_projections_fit(features: list[int], weights: Mapping[str, Tensor]) -> None:
    projected = {int(match[1]) for key in weights if (match := _PROJECTION.match(key))}
    # Where there is no projection, both stages have the width of the wider one, and so has what precedes them.
    start = 0
    for stage in range(1, len(features) + 1):
        if stage == len(features) or stage in projected:
            features[start:stage] = [max(features[start:stage])] * (stage - start)
            if start and features[start] == features[start - 1]:
                features[start:stage] = [features[start] + 1] * (stage - start)
            start = stage


def pad(weights: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """``weights`` inside tensors of zeros of the given shapes (ones for the variances of batch norm).

    :param shapes: of the state dict of the wider network; the same keys
    """
    return {key: _embed(key, tensor, shapes[key], weights) for key, tensor in weights.items()}


def _embed(key: str, tensor: Tensor, shape: torch.Size, weights: Mapping[str, Tensor]) -> Tensor:
    if tensor.shape == shape:
        return tensor.clone()
    padded = tensor.new_ones(shape) if key.endswith("running_var") else tensor.new_zeros(shape)
    if match := _AFTER_SKIP.match(key):
        # Its inputs are two blocks: from the transposed convolution, then from the skip.
        upsampled = weights[f"decoder.transpconvs.{match[1]}.weight"].shape[1]
        padded[: tensor.shape[0], :upsampled] = tensor[:, :upsampled]
        skip = tensor.shape[1] - upsampled
        padded[: tensor.shape[0], shape[1] // 2 : shape[1] // 2 + skip] = tensor[:, upsampled:]
    else:
        padded[tuple(slice(edge) for edge in tensor.shape)] = tensor
    return padded


def _level(key: str, n_stages: int) -> int | None:
    """Resolution level whose width a tensor's first (transposed convolutions: second) dimension has."""
    if match := _STAGE.match(key):
        return int(match[1] or 0)
    if match := _DECODER.match(key):
        return n_stages - 2 - int(match[1])
    return None
