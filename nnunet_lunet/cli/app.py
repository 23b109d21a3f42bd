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

    from nnunet_lunet import doctor as report

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

    from nnunet_lunet.demo import run as pipeline

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

    if archive is not None:
        stock.check_archive(archive)
    try:
        model = Path(get_output_folder(int(dataset) if dataset.isdigit() else dataset, trainer, plans, configuration))
    except RuntimeError as error:
        raise UserError(f"-d {dataset}: {error}") from error
    destination = stock.export(model, folds.split(","), checkpoint, to_stock)
    typer.echo(f"Model folder: {destination}")
    if archive is not None:
        stock.zip_model(destination, archive)
        typer.echo(f"Zip: {archive}")


@app.command()
def plan(
    dataset: Annotated[str | None, typer.Option("-d", "--dataset", help="Data set, by number or name.")] = None,
    preset: Annotated[str | None, typer.Option(help="Plans of this preset, by name or file.")] = None,
    match: Annotated[
        str | None, typer.Option(help="Plans of the doubling U-Net with about as many parameters as this preset.")
    ] = None,
    max_params: Annotated[str | None, typer.Option(help="Widest flat network with at most so many: 200k.")] = None,
    max_gmacs: Annotated[str | None, typer.Option(help="… at most so many billion multiply-adds a patch: 20.")] = None,
    max_memory: Annotated[str | None, typer.Option(help="… for which nnU-Net estimates at most this: 4GB.")] = None,
    planner: Annotated[
        str | None, typer.Option(help="Plan from the fingerprint: LUnetPlanner or LUnetResEncPlanner.")
    ] = None,
    gpu_memory_target: Annotated[float | None, typer.Option(help="GB, for --planner; 8 if not given.")] = None,
    width: Annotated[int | None, typer.Option(help="Channels, for --planner; 32 if not given.")] = None,
    plans: Annotated[str | None, typer.Option("-p", "--plans", help="Plans to start from.")] = None,
    configurations: Annotated[
        list[str] | None, typer.Option("-c", help="Some of them only; several, or separated by commas.")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Show the presets; with -d, their parameters there.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace other plans of that name.")] = False,
) -> None:
    """Write plans of another network beside the stock plans; stock commands take them with -p."""
    from nnunet_lunet.planning import request

    limits = {"--max-params": max_params, "--max-gmacs": max_gmacs, "--max-memory": max_memory}
    options = {
        "-d": dataset, "--preset": preset, "--match": match, "--planner": planner, **limits,
        "--gpu-memory-target": gpu_memory_target, "--width": width, "-p": plans, "-c": configurations or None,
        "--list": listing or None, "--overwrite": overwrite or None,
    }  # fmt: skip
    way = request.way([option for option, value in options.items() if value is not None])
    wanted = request.limits(limits)
    if way == "--list":
        from rich.console import Console

        from nnunet_lunet.planning import listing as presets

        Console().print(presets.table(dataset, plans or "nnUNetPlans"))
        return

    from nnunet_lunet.planning import tasks

    assert dataset is not None
    chosen = [name.strip() for part in configurations or [] for name in part.split(",")]
    source = (plans or "nnUNetPlans", chosen or None, overwrite)
    if preset is not None:
        lines = tasks.from_preset(dataset, preset, *source)
    elif match is not None:
        lines = tasks.from_match(dataset, match, *source)
    elif planner is not None:
        lines = tasks.from_planner(dataset, planner, gpu_memory_target, width, overwrite)
    else:
        lines = tasks.from_limits(dataset, wanted, *source)
    typer.echo("\n".join(lines))


@app.command()
def study(
    file: Annotated[str, typer.Argument(help="YAML file, or the name of a study that comes with the package.")],
    output: Annotated[Path | None, typer.Option(help="Folder for logs and comparisons, instead of the file's.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps, instead of the file's.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="Show all trainings and how far they are.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the commands that are left.")] = False,
    compare: Annotated[bool, typer.Option("--compare", help="Compare what is done so far, without training.")] = False,
) -> None:
    """Train a matrix of networks with nnU-Net's own commands, and compare them; started again, it goes on."""
    from nnunet_lunet.errors import UserError

    if device not in (None, "auto", "cpu", "cuda", "mps"):
        raise UserError(f"--device {device}: use auto, cpu, cuda or mps")
    from rich.console import Console

    try:
        from nnunet_lunet.study import progress, run
    except ModuleNotFoundError as error:
        raise UserError(f"lunet study needs {error.name}: pip install 'nnunet-lunet[study]'") from error

    asked, cells, plan = run.load(file, output, device)
    if listing:
        Console().print(progress.listing(run.states(cells, plan)))
    elif dry_run:
        typer.echo("\n".join(run.command_lines(cells, plan)))
    elif compare:
        done = [cell for cell, state in run.states(cells, plan) if state == "done"]
        if not done:
            raise UserError(f"{file}: no training is done yet; lunet study {file} --list shows how far they are")
        run.compare(asked, done, plan, Console())
    else:
        try:
            complete = run.run(asked, cells, plan, Console())
        except KeyboardInterrupt:
            raise UserError(f"stopped; lunet study {file} goes on from here") from None
        if not complete:
            raise UserError(f"not all trainings ended well; lunet study {file} tries those again that did not")


@app.command()
def compare(
    dataset: Annotated[str | None, typer.Option("-d", "--dataset", help="Data set, by number or name.")] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("-m", "--model", help="[NAME=]TRAINER[:PLANS[:CONFIGURATION]]; several; all if none."),
    ] = None,
    predictions: Annotated[list[str] | None, typer.Option(help="NAME=FOLDER of label maps; several.")] = None,
    references: Annotated[Path | None, typer.Option(help="Folder of label maps, for --predictions.")] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Model to compare with: the first named, or that with most parameters.")
    ] = None,
    folds: Annotated[str | None, typer.Option("-f", help="Folds, separated by commas.")] = None,
    configuration: Annotated[str | None, typer.Option("-c", help="Only this, where -m does not say.")] = None,
    plans: Annotated[str | None, typer.Option("-p", help="Only these, where -m does not say.")] = None,
    tolerance: Annotated[float, typer.Option(help="Of surface Dice, in mm.")] = 1.0,
    margin: Annotated[float, typer.Option(help="Of non-inferiority, in Dice: 0.01 is 1 point.")] = 0.01,
    processes: Annotated[int, typer.Option(help="Processes that score cases.")] = 1,
    output: Annotated[Path | None, typer.Option(help="Folder to write to; comparison-DATASET if not given.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write into a folder that is not empty.")] = False,
) -> None:
    """Say what models score on the same cases, what they cost, and whether a difference means anything."""
    import shlex

    from rich.console import Console

    from nnunet_lunet.compare import run

    request = run.Request(
        dataset, models or [], predictions or [], references, baseline, folds.split(",") if folds else [], plans,
        configuration, tolerance, margin, processes, overwrite, shlex.join(["lunet", *sys.argv[1:]]),
    )  # fmt: skip
    run.run(request, output, Console())


@app.command()
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
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
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
    request.check_device(device)
    files.check({"--json": json, "--csv": csv}, overwrite)

    from rich.console import Console

    from nnunet_lunet.profile import run, table, targets

    planned = (datasets or [], plans or ["nnUNetPlans"], configurations or ["3d_fullres"])
    chosen = targets.choose(*planned, trainers or [], preset or [], checkpoint or [], batch_size)
    with run.progress_on(Console(stderr=True)) as progress:
        found = run.profile(chosen, run.device(device), rounds if time else 0, threads, progress)
    Console().print(*table.tables(found), sep="\n")
    if json is not None:
        files.write(json, files.as_json(found, ["lunet", *sys.argv[1:]]))
    if csv is not None:
        files.write(csv, files.as_csv(found))
    request.check_all_measured({network.name: network.note for network in found.networks})


@app.command()
def download(
    task: Annotated[str, typer.Argument(help="Task01_BrainTumour to Task10_Colon, by name or number.")],
    folder: Annotated[Path | None, typer.Option(help="Keeps the archive; without it, archives in nnUNet_raw.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of the archive at a mirror, or of its folder/.")] = None,
    checksum: Annotated[str | None, typer.Option("--hash", help="Of the mirror's archive: md5:0123….")] = None,
    dataset_id: Annotated[int | None, typer.Option(min=1, max=999, help="Number of the data set to make.")] = None,
) -> None:
    """Fetch a public data set of the Medical Segmentation Decathlon and convert it for nnU-Net."""
    from nnunet_lunet.datasets import tasks

    found = tasks.find(task)

    from rich.console import Console

    from nnunet_lunet.datasets import download as pipeline

    pipeline.run(found, folder and folder.absolute(), url, checksum, dataset_id, Console())


def main() -> None:
    """Entry point of the ``lunet`` command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A path that the terminal's encoding lacks is printed with escapes.
        sys.stdout.reconfigure(errors="backslashreplace")
    app()
