"""What ``lunet export`` can be asked for. No torch."""

from pathlib import Path

from nnunet_lunet.errors import UserError


def check_archive(archive: Path) -> None:
    """:raises UserError: it exists, or is not named ``….zip``"""
    if archive.suffix != ".zip":
        raise UserError(f"--zip {archive}: its name must end in .zip")
    if archive.exists():
        raise UserError(f"{archive} exists: remove it or choose another name")
