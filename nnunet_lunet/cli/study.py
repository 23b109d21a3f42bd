"""``lunet study``: a matrix of trainings."""

from pathlib import Path
from typing import Annotated

import typer

from nnunet_lunet.errors import UserError, missing
from nnunet_lunet.host import devices


def study(
    file: Annotated[str, typer.Argument(help="YAML file, or the name of a study that comes with the package.")],
    output: Annotated[Path | None, typer.Option(help="Folder for logs and comparisons, instead of the file's.")] = None,
    device: Annotated[str | None, typer.Option(help=f"{devices.CHOICES}, instead of the file's.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="Show all trainings and how far they are.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the commands that are left.")] = False,
    compare: Annotated[bool, typer.Option("--compare", help="Compare what is done so far, without training.")] = False,
) -> None:
    """Train a matrix of networks with nnU-Net's own commands, and compare them; started again, it goes on."""
    if device is not None:
        devices.check(device)

    from rich.console import Console

    try:
        from nnunet_lunet.study import comparison, progress, run
    except ModuleNotFoundError as error:
        raise missing(str(error.name), "study", "lunet study") from error

    asked, trainings, settings = run.load(file, output, device)
    if listing:
        Console().print(progress.listing(run.states(trainings, settings)))
    elif dry_run:
        typer.echo("\n".join(run.command_lines(trainings, settings)))
    elif compare:
        done = [training for training, state in run.states(trainings, settings) if state == "done"]
        if not done:
            raise UserError(f"{file}: no training is done yet; lunet study {file} --list shows how far they are")
        comparison.compare(asked, done, settings, Console())
    else:
        try:
            complete = run.run(asked, trainings, settings, Console())
        except KeyboardInterrupt:
            raise UserError(f"stopped; lunet study {file} goes on from here") from None
        if not complete:
            raise UserError(f"not all trainings ended well; lunet study {file} tries those again that did not")
