"""``lunet info``: what can be named."""

from typing import Annotated

import typer


def info(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Of tables, e.g. presets; all if none is named.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")] = False,
) -> None:
    """List trainers, their options, presets, importances, networks and whatever else has a name."""
    import json

    from rich.console import Console

    from nnunet_lunet import info as tables
    from nnunet_lunet.errors import UserError, did_you_mean

    found = tables.tables()
    assert context.parent is not None
    registered = getattr(context.parent.command, "commands", {})
    found["commands"] = [
        {"name": name, "about": (command.help or "").partition("\n")[0]} for name, command in registered.items()
    ]
    for name in names or ():
        if name not in found:
            guess = did_you_mean(name, found) or f"there are {', '.join(found)}"
            raise UserError(f"table {name!r} is unknown: {guess}")
    chosen = {name: found[name] for name in names or found}
    if as_json:
        typer.echo(json.dumps(chosen, indent=1))
        return
    Console().print(*(tables.shown(rows, name) for name, rows in chosen.items()), sep="\n")
