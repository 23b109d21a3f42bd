"""``lunet export``: a model for someone without this package."""

from pathlib import Path
from typing import Annotated

import typer

from nnunet_lunet.host.command_lines import STOCK_PLANS


def export(
    dataset: Annotated[str, typer.Option("-d", "--dataset", help="Data set, by number or name.")],
    to_stock: Annotated[
        Path | None, typer.Option(help="For stock nnU-Net: results folder to write the model to; it may hold others.")
    ] = None,
    onnx: Annotated[Path | None, typer.Option(help="ONNX file to write, and its description as JSON.")] = None,
    openvino: Annotated[
        Path | None, typer.Option(help="Folder to write, with OpenVINO networks and model.json.")
    ] = None,
    portable: Annotated[
        Path | None, typer.Option(help="The same with a program that needs neither torch nor nnU-Net.")
    ] = None,
    trainer: Annotated[str, typer.Option("-tr", help="Trainer of the model.")] = "LUnetTrainer",
    configuration: Annotated[str, typer.Option("-c", help="Configuration of the model.")] = "3d_fullres",
    plans: Annotated[str, typer.Option("-p", help="Plans of the model.")] = STOCK_PLANS,
    folds: Annotated[str, typer.Option("-f", help="Folds, separated by commas, or all.")] = "0,1,2,3,4",
    checkpoint: Annotated[str, typer.Option("-chk", help="Which checkpoint of each fold.")] = "checkpoint_final.pth",
    archive: Annotated[Path | None, typer.Option("--zip", help="Also write this zip, for nnU-Net to install.")] = None,
) -> None:
    """Hand a model to someone without this package: the same predictions by nnU-Net alone, or by other programs."""
    from nnunet_lunet.deploy import request

    request.check(to_stock, {"--onnx": onnx, "--openvino": openvino, "--portable": portable}, archive)

    from nnunet_lunet.host import folders as nnunet_folders

    model = nnunet_folders.model(nnunet_folders.dataset_name(dataset), trainer, plans, configuration)
    asked = (model, folds.split(","), checkpoint)
    if to_stock is not None:
        from nnunet_lunet.deploy import to_stock as stock

        destination = stock.export(*asked, to_stock)
        typer.echo(f"Model folder: {destination}")
        if archive is not None:
            stock.zip_model(destination, archive)
            typer.echo(f"Zip: {archive}")
    if onnx or openvino or portable:
        from nnunet_lunet.deploy import exported

        for file in exported.to_onnx(*asked, onnx) if onnx else ():
            typer.echo(f"Written: {file}")
        if openvino:
            typer.echo(f"OpenVINO: {exported.to_openvino(*asked, openvino)}")
        if portable:
            typer.echo(f"Portable: {exported.to_openvino(*asked, portable, with_program=True)}")
