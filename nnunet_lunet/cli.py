"""``lunet …``: arguments and printing. Heavy imports wait inside the command that needs them."""

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Lean U-Nets for nnU-Net v2: flat channel counts, a fraction of the parameters, the same commands.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _commands() -> None:
    """Keeps the sub-command's name even where there is only one."""


@app.command()
def doctor() -> None:
    """Say in one screen whether this machine is ready, and what to do where it is not."""
    from rich.console import Console

    from nnunet_lunet.reporting import doctor as report

    if not report.run(Console()):
        raise typer.Exit(1)


@app.command()
def demo(
    output: Annotated[Path, typer.Option(help="Folder for everything the demo writes.")] = Path("demo-output"),
    data: Annotated[Path | None, typer.Option(help="A task in Decathlon layout; without it, synthetic data.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Train a lean network and its baseline with nnU-Net's own commands, and compare them on unseen cases."""
    from nnunet_lunet.errors import UserError

    if device not in ("auto", "cpu", "cuda", "mps"):
        raise UserError(f"--device {device}: use auto, cpu, cuda or mps")

    from rich.console import Console

    from nnunet_lunet.reporting import demo as pipeline

    if device == "auto":
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
    pipeline.run(output.absolute(), data, device, Console())


def main() -> None:
    """Entry point of the ``lunet`` command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A path that the terminal's encoding lacks is printed with escapes.
        sys.stdout.reconfigure(errors="backslashreplace")
    app()
