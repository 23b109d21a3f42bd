"""More or fewer levels than planned, by nnU-Net's own rule, and the patch that they need."""

import math
from collections.abc import Sequence
from typing import Any

from nnunetv2.experiment_planning.experiment_planners.network_topology import get_pool_and_conv_props, pad_shape

_PER_STAGE = ("features_per_stage", "n_conv_per_stage", "n_blocks_per_stage", "kernel_sizes", "strides")


def with_levels(arch_kwargs: dict[str, Any], n_stages: int, spacing: Sequence[float]) -> dict[str, Any]:
    """``arch_kwargs`` of plans with another number of levels.

    Fewer: the first ones are kept. More: every further one halves the axes whose spacing has come within a factor of
    two of the finest (nnU-Net's rule), and has kernels of 3 along all axes, as nnU-Net's lowest level always has;
    of everything else it gets what the lowest level has.

    :param spacing: of the configuration, one number an axis
    """
    planned = arch_kwargs["n_stages"]
    changed = {**arch_kwargs, "n_stages": n_stages}
    for key in _PER_STAGE:
        if isinstance(values := arch_kwargs.get(key), list):
            changed[key] = values[:n_stages] + values[-1:] * (n_stages - planned)
    # From the bottleneck up: the first entry is the lowest level's.
    if isinstance(values := arch_kwargs.get("n_conv_per_stage_decoder"), list):
        changed["n_conv_per_stage_decoder"] = values[:1] * (n_stages - planned) + values[max(0, planned - n_stages) :]
    if n_stages > planned:
        axes = len(spacing)
        steps = total_stride(arch_kwargs["strides"], axes)
        reached = [distance * step for distance, step in zip(spacing, steps, strict=True)]
        # The rule also looks at the patch, which is enlarged here: one that is large enough for all further levels.
        large = [2 ** (n_stages - planned + 4)] * axes
        _, strides, *_ = get_pool_and_conv_props(reached, large, 1, 999)
        changed["strides"] = arch_kwargs["strides"] + [list(step) for step in strides[1 : 1 + n_stages - planned]]
        changed["kernel_sizes"] = arch_kwargs["kernel_sizes"] + [[3] * axes] * (n_stages - planned)
    return changed


def fitting_patch(patch_size: Sequence[int], strides: Sequence[Sequence[int]]) -> list[int]:
    """The smallest patch, at least as large as this one, that the strides divide without remainder.

    It leaves more than one voxel at the lowest level, without which instance norm has nothing to norm.
    """
    steps = total_stride(strides, len(patch_size))
    patch = [int(edge) for edge in pad_shape(patch_size, steps)]
    return patch if patch != steps else [2 * edge for edge in patch]


def total_stride(strides: Sequence[Sequence[int]], axes: int) -> list[int]:
    """Product of the strides of all levels, by axis."""
    return [math.prod(step[axis] for step in strides) for axis in range(axes)]
