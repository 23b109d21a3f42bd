"""``lunet widths``: channels per stage."""

from typing import Annotated

import typer


def widths(
    profile: Annotated[str, typer.Argument(help="Width profile; lunet info profiles lists them.")],
    width: Annotated[int, typer.Option(help="Channels of the first stage.")] = 32,
    stages: Annotated[int, typer.Option(help="Number of stages.")] = 6,
) -> None:
    """Print the channels that a width profile gives each stage."""
    from nnunet_lunet.architectures.widths import features_per_stage
    from nnunet_lunet.errors import UserError

    try:
        typer.echo(", ".join(map(str, features_per_stage(profile, stages, width))))
    except ValueError as error:
        raise UserError(str(error)) from error
