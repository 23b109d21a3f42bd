"""``lunet plan``: plans of another network."""

from typing import Annotated

import typer

from nnunet_lunet.host.command_lines import STOCK_PLANS


def plan(
    dataset: Annotated[str | None, typer.Option("-d", "--dataset", help="Data set, by number or name.")] = None,
    preset: Annotated[str | None, typer.Option(help="Plans of this preset, by name or file.")] = None,
    match: Annotated[
        str | None, typer.Option(help="Plans of the doubling U-Net that costs about as much as this preset.")
    ] = None,
    match_by: Annotated[
        str | None, typer.Option(help="Cost that --match is by: parameters, or multiply_adds; parameters if not given.")
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
        "-d": dataset, "--preset": preset, "--match": match, "--match-by": match_by, "--planner": planner, **limits,
        "--gpu-memory-target": gpu_memory_target, "--width": width, "-p": plans, "-c": configurations or None,
        "--list": listing or None, "--overwrite": overwrite or None,
    }  # fmt: skip
    way = request.way([option for option, value in options.items() if value is not None])
    wanted = request.limits(limits)
    if way == "--list":
        from rich.console import Console

        from nnunet_lunet.planning import listing as presets

        Console().print(presets.table(dataset, plans or STOCK_PLANS))
        return

    from nnunet_lunet.planning import tasks

    assert dataset is not None
    chosen = [name.strip() for part in configurations or [] for name in part.split(",")]
    source = (plans or STOCK_PLANS, chosen or None, overwrite)
    if preset is not None:
        lines = tasks.from_preset(dataset, preset, *source)
    elif match is not None:
        lines = tasks.from_match(dataset, match, *source, by=request.matched_cost(match_by))
    elif planner is not None:
        lines = tasks.from_planner(dataset, planner, gpu_memory_target, width, overwrite)
    else:
        lines = tasks.from_limits(dataset, wanted, *source)
    typer.echo("\n".join(lines))
