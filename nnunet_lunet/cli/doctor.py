"""``lunet doctor``: whether this machine is ready."""

import typer


def doctor() -> None:
    """Say in one screen whether this machine is ready, and what to do where it is not."""
    from rich.console import Console

    from nnunet_lunet import doctor as report

    if not report.run(Console()):
        raise typer.Exit(1)
