"""The one kind of error that a user can mend."""

import difflib
from collections.abc import Callable, Iterable

_PREFIX = "nnunet-lunet: "


class UserError(SystemExit):
    """A mistake in a file, an option or the machine, told in one line that says what to do.

    It derives from ``SystemExit`` because nnU-Net's commands let exceptions through: raised inside
    ``nnUNetv2_train`` it prints the line alone, without a traceback, and exits with status 1.

    :ivar message: the line without the name of this package before it
    """

    def __init__(self, message: str) -> None:
        self.message = without_prefix(" ".join(message.split()))
        super().__init__(with_prefix(self.message))


def missing(package: str, extra: str, what: str) -> UserError:
    """The error for a package of an extra that is not installed.

    :param package: e.g. ``MONAI``
    :param extra: of setup.py, that has it
    :param what: what needs it, e.g. ``lunet compare``
    """
    return UserError(f"{what} needs {package}: pip install '.[{extra}]' in the folder of this project's source")


def with_prefix(message: str) -> str:
    """A message as it is printed among those of other programs: with the name of this package before it."""
    return _PREFIX + message


def without_prefix(line: str) -> str:
    """What :func:`with_prefix` was given; any other line as it is."""
    return line.removeprefix(_PREFIX)


def did_you_mean(
    name: str, known: Iterable[str], most: int = 3, cutoff: float = 0.6, means: Callable[[str], str] = str
) -> str:
    """``did you mean A or B?`` for the names that are near ``name``; empty where none is.

    :param most: names at most
    :param cutoff: similarity from 0 (anything) to 1 (equal), as :func:`difflib.get_close_matches` has it
    :param means: what to suggest for one of ``known``, where several are spellings of the same
    """
    near = dict.fromkeys(map(means, difflib.get_close_matches(name, list(known), n=most, cutoff=cutoff)))
    return f"did you mean {' or '.join(near)}?" if near else ""
