"""``lunet compare``: what models score."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def compare(
    datasets: Annotated[
        list[str] | None,
        typer.Option(
            "-d", "--dataset", metavar="DATASET[:CONFIGURATION]", help="Data set, by number or name; several for ranks."
        ),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("-m", "--model", help="[NAME=]TRAINER[:PLANS[:CONFIGURATION]]; several; all if none."),
    ] = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FOLDER of label maps, or [NAME=]CHECKPOINT=FOLDER; several."),
    ] = None,
    references: Annotated[Path | None, typer.Option(help="Folder of label maps, for --predictions.")] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of images, CASE_0000.ending, to draw on; those of -d are known.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Model to compare with: the first named, or that with most parameters.")
    ] = None,
    folds: Annotated[str | None, typer.Option("-f", help="Folds, separated by commas.")] = None,
    configuration: Annotated[str | None, typer.Option("-c", help="Only this, where -m does not say.")] = None,
    plans: Annotated[str | None, typer.Option("-p", help="Only these, where -m does not say.")] = None,
    tolerance: Annotated[
        list[str] | None,
        typer.Option(help="Of surface Dice, [LABEL=]MM; 1 mm if not given.", metavar="[LABEL=]MM"),
    ] = None,
    margin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[METRIC=]NUMBER",
            help="Of non-inferiority, one a metric, of Dice without a name; 0.01 (1 point) if none.",
        ),
    ] = None,
    margin_reason: Annotated[str, typer.Option(help="Why this margin; kept with it before anything is scored.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="A margin above 0.1 is meant: do not ask.")] = False,
    processes: Annotated[
        int | None, typer.Option(help="Processes that score cases; nnU-Net's default, where several are faster.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder to write to; comparison-DATASET, or -over-datasets, if not given.")
    ] = None,
    groups: Annotated[
        Path | None, typer.Option(help="CSV file with columns case and group: patient of each case.")
    ] = None,
    records: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="[NAME=]FILE",
            help="Comparison that is there, comparison.json or its folder, to put together with others; several.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write into a folder that is not empty.")] = False,
) -> None:
    """Say what models score on the same cases, what they cost, and whether a difference means anything."""
    import shlex

    from rich.console import Console

    from nnunet_lunet.compare import margins, run
    from nnunet_lunet.compare.over import request as over_request
    from nnunet_lunet.compare.request import Request

    question = margins.large(margins.read(margin or []))
    if question and not yes and sys.stdin.isatty():
        yes = typer.confirm(f"{question}. Is that meant?", abort=True)
    request = Request(
        None, models or [], predictions or [], references, baseline, folds.split(",") if folds else [], plans,
        configuration, tolerance or [], margin or [], margin_reason, yes, processes, overwrite,
        shlex.join(["lunet", *sys.argv[1:]]), images, groups,
    )  # fmt: skip
    if records or len(datasets or []) > 1:
        from nnunet_lunet.compare.over import run as over

        over.over_datasets(over_request.Request(request, datasets or [], records or []), output, Console())
        return
    for dataset in datasets or []:
        request = over_request.of_dataset(dataset, request)
    run.run(request, output, Console())
