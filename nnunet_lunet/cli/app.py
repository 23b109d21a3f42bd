"""The ``lunet`` command: which commands there are. Heavy imports wait inside the command that needs them."""

import io
import sys
from collections.abc import Callable

import typer

from nnunet_lunet.cli import compare, demo, doctor, download, export, info, plan, predict, profile, study

#: In the order of the help.
COMMANDS: dict[str, Callable[..., None]] = {
    "doctor": doctor.doctor,
    "demo": demo.demo,
    "info": info.info,
    "download": download.download,
    "plan": plan.plan,
    "profile": profile.profile,
    "study": study.study,
    "compare": compare.compare,
    "predict": predict.predict,
    "export": export.export,
}

app = typer.Typer(
    help="Lean U-Nets for nnU-Net v2: flat channel counts, a fraction of the parameters, the same commands.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def main() -> None:
    """Entry point of the ``lunet`` command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A path that the terminal's encoding lacks is printed with escapes.
        sys.stdout.reconfigure(errors="backslashreplace")
    app()
