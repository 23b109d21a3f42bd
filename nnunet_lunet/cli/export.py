"""``lunet export``: a model for someone who has only nnU-Net."""

from pathlib import Path
from typing import Annotated

import typer

from nnunet_lunet.host.command_lines import STOCK_PLANS


def export(
    dataset: Annotated[str, typer.Option("-d", "--dataset", help="Data set, by number or name.")],
    to_stock: Annotated[Path, typer.Option(help="Results folder to write the model to; it may hold others.")],
    trainer: Annotated[str, typer.Option("-tr", help="Trainer of the model.")] = "LUnetTrainer",
    configuration: Annotated[str, typer.Option("-c", help="Configuration of the model.")] = "3d_fullres",
    plans: Annotated[str, typer.Option("-p", help="Plans of the model.")] = STOCK_PLANS,
    folds: Annotated[str, typer.Option("-f", help="Folds, separated by commas, or all.")] = "0,1,2,3,4",
    checkpoint: Annotated[str, typer.Option("-chk", help="Which checkpoint of each fold.")] = "checkpoint_final.pth",
    archive: Annotated[Path | None, typer.Option("--zip", help="Also write this zip, for nnU-Net to install.")] = None,
) -> None:
    """Hand a flat or pruned model to someone who has only nnU-Net: its own network class, the same predictions."""
    from nnunet_lunet.deploy import request

    if archive is not None:
        request.check_archive(archive)

    from nnunet_lunet.deploy import to_stock as stock
    from nnunet_lunet.host import folders as nnunet_folders

    model = nnunet_folders.model(nnunet_folders.dataset_name(dataset), trainer, plans, configuration)
    destination = stock.export(model, folds.split(","), checkpoint, to_stock)
    typer.echo(f"Model folder: {destination}")
    if archive is not None:
        stock.zip_model(destination, archive)
        typer.echo(f"Zip: {archive}")
