"""``lunet predict``: label maps of new images."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from nnunet_lunet.host import devices
from nnunet_lunet.host.command_lines import STOCK_PLANS
from nnunet_lunet.inference import engines


def predict(
    images: Annotated[Path, typer.Option("-i", help="Folder of images, CASE_0000.ending.")],
    output: Annotated[Path, typer.Option("-o", help="Folder to write label maps to.")],
    dataset: Annotated[str | None, typer.Option("-d", "--dataset", help="Data set, by number or name.")] = None,
    model: Annotated[Path | None, typer.Option("-m", help="Model folder, instead of -d, -tr, -p and -c.")] = None,
    trainer: Annotated[str, typer.Option("-tr", help="Trainer of the model.")] = "nnUNetTrainer",
    plans: Annotated[str, typer.Option("-p", help="Plans of the model.")] = STOCK_PLANS,
    configuration: Annotated[str, typer.Option("-c", help="Configuration of the model.")] = "3d_fullres",
    folds: Annotated[str, typer.Option("-f", help="Folds, as 0 1 2 or 0,1,2, or all.")] = "0,1,2,3,4",
    checkpoint: Annotated[str, typer.Option("-chk", help="Which checkpoint of each fold.")] = "checkpoint_final.pth",
    step_size: Annotated[float, typer.Option("-step_size", help="From window to window, of a window.")] = 0.5,
    disable_tta: Annotated[bool, typer.Option("--disable_tta", help="Without mirrored copies.")] = False,
    save_probabilities: Annotated[
        bool, typer.Option("--save_probabilities", help="Also write probabilities, for ensembles of models.")
    ] = False,
    continue_prediction: Annotated[
        bool, typer.Option("--continue_prediction", help="Leave out cases that are there.")
    ] = False,
    previous: Annotated[
        Path | None, typer.Option("-prev_stage_predictions", help="Folder of the first stage's, for a cascade.")
    ] = None,
    num_parts: Annotated[int, typer.Option("-num_parts", help="Calls that share the images.")] = 1,
    part_id: Annotated[int, typer.Option("-part_id", help="Which of them this is, from 0.")] = 0,
    device: Annotated[str, typer.Option("-device", "--device", help=f"{devices.CHOICES}.")] = devices.AUTO,
    engine: Annotated[
        str, typer.Option(help=f"{', '.join([engines.AUTO, *engines.ENGINES])}: what computes the network.")
    ] = engines.AUTO,
    precision: Annotated[str, typer.Option(help=f"{', '.join(engines.PRECISIONS)}.")] = engines.F32,
    loading: Annotated[int, typer.Option("-npp", help="Cases that are read at a time.")] = 1,
    saving: Annotated[int, typer.Option("-nps", help="Cases that are written at a time.")] = 1,
    report: Annotated[Path | None, typer.Option(help="Also write all about this run to this JSON file.")] = None,
    more_folds: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
) -> None:
    """Predict a folder of images with a trained model, ours or nnU-Net's: the same label maps, faster on a CPU."""
    from nnunet_lunet.inference import request as asked

    devices.check(device)
    request = asked.Request(
        images, output, asked.model_folder(model, dataset, trainer, plans, configuration),
        asked.folds(folds, more_folds or []), checkpoint, step_size, not disable_tta, save_probabilities,
        continue_prediction, previous, num_parts, part_id, devices.present(device), engine, precision, loading, saving,
        report, ("lunet", *sys.argv[1:]),
    )  # fmt: skip

    from rich.console import Console

    from nnunet_lunet.inference import run

    run.run(request, Console())
