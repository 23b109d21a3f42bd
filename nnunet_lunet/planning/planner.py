"""nnU-Net's planners for lean networks: the memory that flat widths free goes into patch and batch size.

``lunet plan --planner LUnetPlanner`` runs them. ``nnUNetv2_plan_experiment -pl`` looks for planners inside nnU-Net's
own folder and nowhere else, unlike ``nnUNetv2_train`` for trainers, so it does not find them; every later command takes
the plans by name (``-plans_name``, ``-p``).
"""

import contextlib
import io
import math
from collections.abc import Sequence
from typing import Any

import torch
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.experiment_planning.experiment_planners.residual_unets.residual_encoder_unet_planners import (
    ResEncUNetPlanner,
)
from nnunetv2.utilities.json_export import recursive_fix_for_json_export

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import folders
from nnunet_lunet.planning import limits, plans_file

WIDTH, GPU_GB = 32, 8.0


class _FlatWidths:
    """Mix-in: flat widths for a planner of nnU-Net. Its memory target and reference stay as they are.

    The reference is a number of values in feature maps that was seen to fill 8 GB. It is the network's own number of
    values that the planner compares with it, so a lean network needs no other reference.
    """

    plans_name = "LUnetPlans"
    overwrite = False

    def __init__(
        self,
        dataset_name_or_id: str | int,
        gpu_memory_target_in_gb: float = GPU_GB,
        preprocessor_name: str = "DefaultPreprocessor",
        plans_name: str | None = None,
        overwrite_target_spacing: Sequence[float] | None = None,
        suppress_transpose: bool = False,
        width: int = WIDTH,
    ) -> None:
        super().__init__(
            dataset_name_or_id,
            gpu_memory_target_in_gb,
            preprocessor_name,
            plans_name or self.plans_name,
            overwrite_target_spacing,
            suppress_transpose,
        )  # type: ignore[call-arg]
        # The planner doubles the first up to the other two.
        self.UNet_base_num_features = self.UNet_max_features_2d = self.UNet_max_features_3d = width

    def static_estimate_VRAM_usage(  # noqa: N802  (nnU-Net's name; it calls this through the object)
        self, patch_size: Sequence[int], channels: int, classes: int, name: str, kwargs: dict, imported: Sequence[str]
    ) -> int:
        """:raises UserError: the patch became so small that nothing can be pooled"""
        if kwargs["n_stages"] < 2 or min(patch_size) < 1:
            target = self.UNet_vram_target_GB  # type: ignore[attr-defined]
            raise UserError(
                f"GPU memory target {target:g} GB: no patch fits that could be pooled once, tried down to "
                f"{'×'.join(str(int(edge)) for edge in patch_size)}; give more memory or a smaller width"
            )
        with torch.device("meta"):
            return ExperimentPlanner.static_estimate_VRAM_usage(patch_size, channels, classes, name, kwargs, imported)

    def generate_data_identifier(self, configuration_name: str) -> str:
        """Folder of a configuration's preprocessed data.

        Nothing that is preprocessed for ``2d`` and ``3d_fullres`` depends on patch or network, so the stock plans'
        data is shared, as nnU-Net's ``ResEncUNetPlanner`` does it; the spacing of ``3d_lowres`` depends on the patch.
        """
        own: Any = self
        stock_data = own.overwrite_target_spacing is None and own.preprocessor_name == "DefaultPreprocessor"
        planner = ResEncUNetPlanner if stock_data else ExperimentPlanner
        return str(planner.generate_data_identifier(own, configuration_name))

    def save_plans(self, plans: dict) -> None:
        """Write the plans, but never over others of that name unless ``overwrite`` is set.

        :raises UserError: there are such, or the folder cannot be written
        """
        recursive_fix_for_json_export(plans)
        folder = folders.dataset_folder(self.dataset_name)  # type: ignore[attr-defined]
        plans_file.write(folder, plans, self.overwrite)


class LUnetPlanner(_FlatWidths, ExperimentPlanner):
    """Plans the flat U-Net (arXiv 2512.03834) for the same GPU memory as nnU-Net's default planner its U-Net."""


class LUnetResEncPlanner(_FlatWidths, ResEncUNetPlanner):
    """:class:`LUnetPlanner` for nnU-Net's residual encoder U-Net."""

    plans_name = "LUnetResEncUNetPlans"


PLANNERS: dict[str, type[_FlatWidths]] = {planner.__name__: planner for planner in (LUnetPlanner, LUnetResEncPlanner)}


def plan(
    dataset: str, planner: str, gpu_gb: float = GPU_GB, width: int = WIDTH, overwrite: bool = False
) -> plans_file.PlansFile:
    """Plan a dataset from its fingerprint and write the plans.

    Their name says what differs from the planner's defaults, e.g. ``LUnetPlans_w16_24G``.

    :param planner: one of :data:`PLANNERS`
    :param gpu_gb: GPU memory target in GB
    :param width: channels of every stage
    :raises UserError: unknown planner, no raw data or fingerprint, a memory target too small for any patch, or other
        plans of that name
    """
    if planner not in PLANNERS:
        raise UserError(f"--planner {planner}: use {' or '.join(PLANNERS)}")
    if not 0 < gpu_gb < math.inf:
        raise UserError(f"--gpu-memory-target {gpu_gb:g}: give GB above 0")
    if width not in limits.WIDTHS:
        raise UserError(f"--width {width}: give {limits.WIDTHS[0]} to {limits.WIDTHS[-1]} channels")
    chosen = PLANNERS[planner]
    suffix = f"_w{width}" * (width != WIDTH) + f"_{gpu_gb:g}G".replace(".", "p") * (gpu_gb != GPU_GB)
    folder = folders.dataset_folder(dataset)
    name = folder.name
    if not (folder / "dataset_fingerprint.json").is_file():
        raise UserError(
            f"-d {dataset}: {folder} has no dataset_fingerprint.json: run nnUNetv2_extract_fingerprint first"
        )
    try:
        # The planner prints all its plans.
        with contextlib.redirect_stdout(io.StringIO()):
            own: Any = chosen(name, gpu_gb, plans_name=chosen.plans_name + suffix, width=width)
            own.overwrite = overwrite
            own.plan_experiment()
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        # nnU-Net's first sentence says what, the others are long.
        said = str(error).partition(". ")[0]
        raise UserError(f"-d {dataset} cannot be planned: {type(error).__name__}: {said}; see lunet doctor") from error
    return plans_file.read(name, own.plans_identifier)
