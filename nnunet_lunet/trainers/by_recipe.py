"""nnU-Net's trainer with the optimiser, learning rate, loss and augmentation of a recipe."""

from typing import Any

import torch
from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss
from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.utilities.helpers import softmax_helper_dim1
from torch import Tensor, nn

from nnunet_lunet.trainers.recipes import Recipe


class SoftDice(nn.Module):
    """Minus the mean soft Dice of the foreground, nothing else; voxels to ignore do not count.

    Of each class or region ``2 Σ p·t / Σ (p + t)``, where the sums are over batch and space, as in the code of
    arXiv 2512.03834 and STAMP: one that the batch lacks counts as 0 and has no gradient.

    :param has_regions: whether the target has one channel a region, and one of voxels to ignore behind them
    :param ignore_label: of such voxels; None where there are none
    :param ddp: whether the sums are over the batches of all ranks
    :param compiles: whether ``torch.compile`` is used, as nnU-Net does it for its own Dice
    """

    def __init__(self, has_regions: bool, ignore_label: int | None, ddp: bool = False, compiles: bool = False) -> None:
        super().__init__()
        dice = MemoryEfficientSoftDiceLoss(
            torch.sigmoid if has_regions else softmax_helper_dim1,
            batch_dice=True, do_bg=has_regions, smooth=0, ddp=ddp,
        )  # fmt: skip
        self.dice: Any = torch.compile(dice) if compiles else dice
        self.has_regions = has_regions
        self.ignore_label = ignore_label

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """:param target: ``(B, 1, …)`` labels, or ``(B, C, …)`` regions"""
        counts = None
        if self.ignore_label is not None and self.has_regions:
            counts, target = ~target[:, -1:].bool(), target[:, :-1]
        elif self.ignore_label is not None:
            counts = target != self.ignore_label
            target = torch.where(counts, target, 0)
        loss: Tensor = self.dice(logits, target, loss_mask=counts)
        return loss


class RecipeTrainer(nnUNetTrainer):
    """What a :class:`nnunet_lunet.trainers.recipes.Recipe` leaves to nnU-Net is nnU-Net's."""

    recipe: Recipe

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, PolyLRScheduler]:
        recipe = self.recipe
        if recipe.optimizer == "SGD":
            optimizer, _ = super().configure_optimizers()
        else:
            weight_decay = self.weight_decay if recipe.decays_weights else 0
            kind: Any = getattr(torch.optim, recipe.optimizer)
            optimizer = kind(self.network.parameters(), self.initial_lr, weight_decay=weight_decay)
        exponent = 0.9 if recipe.learning_rate_falls else 0
        return optimizer, PolyLRScheduler(optimizer, self.initial_lr, self.num_epochs, exponent)

    def _build_loss(self) -> nn.Module:
        if self.recipe.loss == "dice":
            labels = self.label_manager
            return SoftDice(labels.has_regions, labels.ignore_label, self.is_ddp, self._do_i_compile())
        loss: nn.Module = super()._build_loss()
        return loss

    def configure_rotation_dummyDA_mirroring_and_inital_patch_size(self) -> tuple:  # noqa: N802  (nnU-Net's)
        rotation, dummy_2d, initial_patch_size, mirror_axes = (
            super().configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        )
        if not self.recipe.augments:
            # As nnU-Net's own nnUNetTrainerNoDA: who never saw a mirrored image need not predict one.
            mirror_axes = self.inference_allowed_mirroring_axes = None
            initial_patch_size = self.configuration_manager.patch_size
        return rotation, dummy_2d, initial_patch_size, mirror_axes

    def get_training_transforms(
        self,
        patch_size: Any,
        rotation_for_DA: Any,  # noqa: N803  (nnU-Net's)
        deep_supervision_scales: list | tuple | None,
        mirror_axes: tuple[int, ...] | None,
        do_dummy_2d_data_aug: bool,
        use_mask_for_norm: list[bool] | None = None,
        is_cascaded: bool = False,
        foreground_labels: tuple[int, ...] | list[int] | None = None,
        regions: list | None = None,
        ignore_label: int | None = None,
    ) -> Any:
        if not self.recipe.augments:
            return self.get_validation_transforms(
                deep_supervision_scales, is_cascaded, foreground_labels, regions, ignore_label
            )
        return super().get_training_transforms(
            patch_size, rotation_for_DA, deep_supervision_scales, mirror_axes, do_dummy_2d_data_aug,
            use_mask_for_norm, is_cascaded, foreground_labels, regions, ignore_label,
        )  # fmt: skip
