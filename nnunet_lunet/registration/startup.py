"""Add our trainer folder to ``nnUNet_extTrainer``. Runs at every start of Python: only ``os``, already loaded."""

import os

VARIABLE = "nnUNet_extTrainer"
SWITCH = "NNUNET_LUNET_AUTOREGISTER"
TRAINER_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "external")


def extended(value: str, folder: str = TRAINER_FOLDER) -> str:
    """``value`` of ``nnUNet_extTrainer`` with ``folder`` as its last entry, once; a user's entries stay first."""
    entries = [entry for entry in value.split(os.pathsep) if entry.strip()]
    return value if folder in entries else os.pathsep.join([*entries, folder])


def is_switched_off() -> bool:
    """Whether the user switched the start-up line off by ``NNUNET_LUNET_AUTOREGISTER=0``."""
    return os.environ.get(SWITCH, "1").strip().lower() in ("0", "false", "no", "off")


def register() -> None:
    """Make stock nnU-Net commands find our trainers in this process and in its children.

    Does nothing where it is switched off, or where the folder's path holds the separator of path lists and so
    cannot be an entry of one.
    """
    if not is_switched_off() and os.pathsep not in TRAINER_FOLDER:
        os.environ[VARIABLE] = extended(os.environ.get(VARIABLE, ""))
