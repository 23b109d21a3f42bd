"""``lunet demo``: a lean network and its baseline on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from nnunet_lunet.host import devices


def demo(
    output: Annotated[Path, typer.Option(help="Folder for everything the demo writes.")] = Path("demo-output"),
    data: Annotated[Path | None, typer.Option(help="A task in Decathlon layout; without it, synthetic data.")] = None,
    device: Annotated[str, typer.Option(help=f"{devices.CHOICES}.")] = devices.AUTO,
) -> None:
    """Train a lean network and its baseline with nnU-Net's own commands, and compare them on unseen cases."""
    devices.check(device)

    from rich.console import Console

    from nnunet_lunet.demo import run as pipeline

    pipeline.run(output.absolute(), data, devices.resolve(device), Console())
