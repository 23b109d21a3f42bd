"""``lunet profile``: what networks cost."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from nnunet_lunet.host import devices
from nnunet_lunet.host.command_lines import STOCK_PLANS


def profile(
    datasets: Annotated[list[str] | None, typer.Option("-d", "--dataset", help="Data set, by number or name.")] = None,
    trainers: Annotated[
        list[str] | None,
        typer.Option("-tr", help="Trainer whose network to profile; nnUNetTrainer if nothing is named."),
    ] = None,
    preset: Annotated[list[str] | None, typer.Option(help="Preset, by name or file.")] = None,
    checkpoint: Annotated[list[Path] | None, typer.Option(help="Checkpoint of a trained fold.")] = None,
    plans: Annotated[list[str] | None, typer.Option("-p", "--plans", help="Plans; nnUNetPlans if not given.")] = None,
    configurations: Annotated[
        list[str] | None, typer.Option("-c", help="Configuration; 3d_fullres if not given.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Rounds that are timed, after two that warm up.")] = 7,
    batch_size: Annotated[int | None, typer.Option(help="Instead of the plans'.")] = None,
    device: Annotated[str, typer.Option(help=f"{devices.CHOICES}.")] = devices.AUTO,
    threads: Annotated[int | None, typer.Option(help="Of torch; as many as nnU-Net takes if not given.")] = None,
    time: Annotated[bool, typer.Option(help="Measure seconds and peak memory, or count only.")] = True,
    json: Annotated[Path | None, typer.Option("--json", help="Also write everything to this file.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write one line a network to this file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace these files.")] = False,
) -> None:
    """Say what networks cost: parameters, multiply-adds, memory, seconds; side by side, as ratios to the first.

    -d, -tr, --preset, --checkpoint, -p and -c may be repeated: every combination is profiled, trainers first, then
    presets, then checkpoints.
    """
    from nnunet_lunet.profile import files, request

    request.check(datasets, trainers, preset, checkpoint, plans, configurations)
    request.check_numbers({"--rounds": rounds, "--batch-size": batch_size, "--threads": threads})
    devices.check(device)
    files.check({"--json": json, "--csv": csv}, overwrite)

    from rich.console import Console

    from nnunet_lunet.profile import run, table, targets

    planned = (datasets or [], plans or [STOCK_PLANS], configurations or ["3d_fullres"])
    chosen = targets.choose(*planned, trainers or [], preset or [], checkpoint or [], batch_size)
    with run.progress_on(Console(stderr=True)) as progress:
        found = run.profile(chosen, devices.present(device), rounds if time else 0, threads, progress)
    Console().print(*table.tables(found), sep="\n")
    if json is not None:
        files.write(json, files.as_json(found, ["lunet", *sys.argv[1:]]))
    if csv is not None:
        files.write(csv, files.as_csv(found))
    request.check_all_measured({network.name: network.note for network in found.networks})
