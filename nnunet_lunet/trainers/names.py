"""The grammar of trainer names. The only place that gives them a meaning; no torch."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

FAMILIES = {"LUnetTrainer": "flat", "UNetTrainer": "doubling"}
"""First part of a name, and the width profile it stands for."""


class TrainerNameError(ValueError):
    """A trainer name outside the grammar; the message names the option that is wrong."""


@dataclass(frozen=True)
class TrainerOptions:
    """What a trainer name says; None where it says nothing and the trainer's default holds.

    :param family: ``LUnetTrainer`` or ``UNetTrainer``
    :param profile: width profile, see :mod:`nnunet_lunet.architectures.widths`
    :param width: channels of the first stage
    :param optimizer: ``adamw`` or ``sgd``
    :param epochs: number of epochs
    :param iters: training iterations per epoch
    """

    family: str
    profile: str
    width: int | None = None
    optimizer: str | None = None
    epochs: int | None = None
    iters: int | None = None


@dataclass(frozen=True)
class _Option:
    """One kind of option: how it is spelled, what it sets, and the largest number that it accepts."""

    usage: str
    pattern: str
    sets: str
    value: Callable[[str], object]
    largest: int | None = None
    families: tuple[str, ...] = field(default=tuple(FAMILIES))


_NUMBER = r"([1-9][0-9]*)"
_OPTIONS = (
    _Option("_w<channels>", f"w{_NUMBER}", "width", int, largest=1024),
    _Option("_linear", "(linear)", "profile", str, families=("LUnetTrainer",)),
    _Option("_adamw or _sgd", "(adamw|sgd)", "optimizer", str),
    _Option("_<N>epochs", f"{_NUMBER}epochs", "epochs", int, largest=100_000),
    _Option("_<N>iters", f"{_NUMBER}iters", "iters", int, largest=100_000),
)

GRAMMAR = (
    f"a name is {' or '.join(FAMILIES)}, then any of {', '.join(option.usage for option in _OPTIONS)}, in any order, "
    "each at most once (_linear for LUnetTrainer only), e.g. LUnetTrainer_w16_100epochs"
)


def parse(name: str) -> TrainerOptions:
    """Options that a trainer name carries.

    :param name: e.g. ``LUnetTrainer_w16_100epochs``
    :raises TrainerNameError: unknown family or option, a number out of range or with leading zeros, an option twice
    """
    family, *words = name.split("_")
    if family not in FAMILIES:
        raise TrainerNameError(f"trainer {_short(name)} is not ours; {GRAMMAR}")
    values: dict[str, object] = {"profile": FAMILIES[family]}
    given: set[str] = set()
    for word in words:
        option, value = _read(word, family)
        if option.sets in given:
            raise TrainerNameError(f"option _{_short(word)} repeats or contradicts an earlier one; {GRAMMAR}")
        given.add(option.sets)
        values[option.sets] = value
    return TrainerOptions(family=family, **values)  # type: ignore[arg-type]


def _read(word: str, family: str) -> tuple[_Option, object]:
    for option in _OPTIONS:
        match = re.fullmatch(option.pattern, word, flags=re.ASCII)
        if match is None or family not in option.families:
            continue
        # A number of absurd length would be slow to convert, and no limit has more than six digits.
        if option.largest is not None and (len(match[1]) > 6 or int(match[1]) > option.largest):
            raise TrainerNameError(f"option _{_short(word)} is too large (at most {option.largest}); {GRAMMAR}")
        return option, option.value(match[1])
    raise TrainerNameError(f"option _{_short(word)} is unknown; {GRAMMAR}")


def _short(text: str) -> str:
    """``text`` on one line and of bearable length, for a message."""
    shown = repr(text)[1:-1]
    return shown if len(shown) <= 40 else f"{shown[:37]}..."
