"""Devices by the names of nnU-Net's ``-device``. torch is imported where it is asked for one."""

from nnunet_lunet.errors import UserError

AUTO = "auto"
DEVICES = (AUTO, "cpu", "cuda", "mps")
#: For help texts and messages.
CHOICES = f"{', '.join(DEVICES[:-1])} or {DEVICES[-1]}"


def check(device: str) -> None:
    """:raises UserError: not one of :data:`DEVICES`"""
    if device not in DEVICES:
        raise UserError(f"--device {device}: use {CHOICES}")


def resolve(device: str) -> str:
    """``auto`` is the GPU if torch sees one, else the CPU; the others are themselves, whether they are here or not."""
    if device != AUTO:
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def present(device: str) -> str:
    """As :func:`resolve`, but it must be here.

    :raises UserError: torch does not see that device
    """
    import torch

    found = resolve(device)
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not here[found]:
        raise UserError(f"--device {device}: torch {torch.__version__} sees none here; use cpu, or see lunet doctor")
    return found
