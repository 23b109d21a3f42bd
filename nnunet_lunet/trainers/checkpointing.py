"""Checkpoints that survive a crash and load without running code."""

import io
from typing import Any

import torch
from torch import Tensor

from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints
from nnunet_lunet.trainers import peak_memory


class SafeCheckpoints:
    """Mix-in for nnU-Net's trainer: atomic, loadable with ``weights_only=True``, never of another trainer."""

    #: Of the processes that trained up to the checkpoint that this one continues, in bytes.
    _earlier_peak_memory = 0

    def save_checkpoint(self, filename: str) -> None:
        """Write what nnU-Net writes and :meth:`checkpoint_state`; whole or not at all, and without NumPy objects.

        :raises UserError: the file cannot be written; an older checkpoint of that name is as it was
        """
        state = self.checkpoint_state()
        contents = io.BytesIO()
        super().save_checkpoint(contents)  # type: ignore[misc]
        if contents.tell() == 0:
            return
        contents.seek(0)
        checkpoint: dict[str, Any] = torch.load(contents, map_location="cpu", weights_only=False)
        weights: dict[str, Tensor] = checkpoint.pop("network_weights")
        checkpoint[checkpoints.OWN_STATE] = state
        try:
            with atomic_write(filename) as file:
                torch.save({"network_weights": weights, **checkpoints.plain(checkpoint)}, file)
        except (OSError, RuntimeError) as error:
            # torch reports a full disk as RuntimeError.
            raise UserError(
                f"checkpoint {filename} could not be written ({error}): make room or make the folder writable, then "
                "continue with --c; an older checkpoint of that name is unchanged"
            ) from error

    def checkpoint_state(self) -> dict[str, Any]:
        """What a checkpoint must hold beside what nnU-Net puts into it; of tensors, numbers and texts.

        The one hook for that: trainers extend it, and read theirs back in :meth:`prepare_for` by
        :func:`nnunet_lunet.host.checkpoints.own_state`.
        """
        peak = peak_memory.of_training(self.device)  # type: ignore[attr-defined]
        return {"peak_memory": None if peak is None else max(peak, self._earlier_peak_memory)}

    def prepare_for(self, checkpoint: dict[str, Any]) -> None:
        """Called with a readable checkpoint of this very trainer before nnU-Net loads it.

        :raises RuntimeError: its weights do not fit these plans
        """

    def load_checkpoint(self, filename_or_checkpoint: str | dict[str, Any]) -> None:
        """Continue from a checkpoint that this very trainer wrote.

        :raises UserError: unreadable, written by another trainer, or its weights do not fit these plans
        """
        if isinstance(filename_or_checkpoint, str):
            checkpoint = checkpoints.read(filename_or_checkpoint)
            own, writer = type(self).__name__, checkpoint["trainer_name"]
            if writer != own:
                raise UserError(
                    f"checkpoint {filename_or_checkpoint} was written by {writer}, not by {own}: "
                    f"continue it with -tr {writer}, or use an empty results folder"
                )
        try:
            if isinstance(filename_or_checkpoint, str):
                self.prepare_for(checkpoint)
                self._earlier_peak_memory = checkpoints.own_state(checkpoint).get("peak_memory") or 0
            super().load_checkpoint(filename_or_checkpoint)  # type: ignore[misc]
        except RuntimeError as error:
            raise UserError(f"checkpoint {filename_or_checkpoint} does not fit these plans: {error}") from error
