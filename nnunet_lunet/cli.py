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


@app.command()
def export(
    dataset: Annotated[str, typer.Option("-d", "--dataset", help="Data set, by number or name.")],
    to_stock: Annotated[Path, typer.Option(help="Results folder to write the model to; it may hold others.")],
    trainer: Annotated[str, typer.Option("-tr", help="Trainer of the model.")] = "LUnetTrainer",
    configuration: Annotated[str, typer.Option("-c", help="Configuration of the model.")] = "3d_fullres",
    plans: Annotated[str, typer.Option("-p", help="Plans of the model.")] = "nnUNetPlans",
    folds: Annotated[str, typer.Option("-f", help="Folds, separated by commas, or all.")] = "0,1,2,3,4",
    checkpoint: Annotated[str, typer.Option("-chk", help="Which checkpoint of each fold.")] = "checkpoint_final.pth",
    archive: Annotated[Path | None, typer.Option("--zip", help="Also write this zip, for nnU-Net to install.")] = None,
) -> None:
    """Hand a flat or pruned model to someone who has only nnU-Net: its own network class, the same predictions."""
    from nnunetv2.utilities.file_path_utilities import get_output_folder

    from nnunet_lunet.deploy import to_stock as stock
    from nnunet_lunet.errors import UserError

    try:
        model = Path(get_output_folder(int(dataset) if dataset.isdigit() else dataset, trainer, plans, configuration))
    except RuntimeError as error:
        raise UserError(f"-d {dataset}: {error}") from error
    destination = stock.export(model, folds.split(","), checkpoint, to_stock)
    typer.echo(f"Model folder: {destination}")
    if archive is not None:
        stock.zip_model(destination, archive)
        typer.echo(f"Zip: {archive}")


def main() -> None:
    """Entry point of the ``lunet`` command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A path that the terminal's encoding lacks is printed with escapes.
        sys.stdout.reconfigure(errors="backslashreplace")
    app()
