"""The grammar of trainer names. The only place that gives them a meaning; no torch."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from nnunet_lunet.pruning.names import IMPORTANCES, STRATEGIES

FAMILIES = {"LUnetTrainer": "flat", "UNetTrainer": "doubling", "LUnetPruningTrainer": "doubling"}
"""First part of a name, and the width profile it stands for."""


class TrainerNameError(ValueError):
    """A trainer name outside the grammar; the message names the option that is wrong."""


@dataclass(frozen=True)
class TrainerOptions:
    """What a trainer name says; None where it says nothing and the trainer's default holds.

    :param family: one of :data:`FAMILIES`
    :param profile: width profile, see :mod:`nnunet_lunet.architectures.widths`
    :param width: channels of the first stage
    :param optimizer: ``adamw`` or ``sgd``
    :param epochs: number of epochs
    :param iters: training iterations per epoch
    :param seed: of the random numbers
    :param deep_supervision: whether the loss also looks at the lower resolutions, as nnU-Net's does
    :param strategy: which channel goes, see :mod:`nnunet_lunet.pruning.strategies`
    :param importance: how important it is, see :mod:`nnunet_lunet.pruning.importance`
    :param keep: percentage of prunable channels that remain
    :param recover: epochs between two removals
    :param drop: whether to use STAMP's targeted channel dropout
    """

    family: str
    profile: str
    width: int | None = None
    optimizer: str | None = None
    epochs: int | None = None
    iters: int | None = None
    seed: int | None = None
    deep_supervision: bool = True
    strategy: str | None = None
    importance: str | None = None
    keep: int | None = None
    recover: int | None = None
    drop: bool = False


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
_PRUNING = ("LUnetPruningTrainer",)
_OPTIONS = (
    _Option("_w<channels>", f"w{_NUMBER}", "width", int, largest=1024),
    _Option("_linear", "(linear)", "profile", str, families=("LUnetTrainer",)),
    _Option("_adamw or _sgd", "(adamw|sgd)", "optimizer", str),
    _Option("_<N>epochs", f"{_NUMBER}epochs", "epochs", int, largest=100_000),
    _Option("_<N>iters", f"{_NUMBER}iters", "iters", int, largest=100_000),
    _Option("_seed<N>", "seed(0|[1-9][0-9]*)", "seed", int, largest=999_999),
    _Option("_noDS", "(noDS)", "deep_supervision", lambda word: False),
    _Option(
        "_stamp or _randomAtStamp or _randomAtLargest", f"({'|'.join(STRATEGIES)})", "strategy", str, families=_PRUNING
    ),
    _Option("_l2 or _l1 or _taylor or _fisher", f"({'|'.join(IMPORTANCES)})", "importance", str, families=_PRUNING),
    _Option("_keep<percent>", f"keep{_NUMBER}", "keep", int, largest=99, families=_PRUNING),
    _Option("_recover<N>", f"recover{_NUMBER}", "recover", int, largest=100_000, families=_PRUNING),
    _Option("_drop", "(drop)", "drop", bool, families=_PRUNING),
)


def grammar(family: str | None = None) -> str:
    """The rule that names follow, for one family or for all that there are."""
    options = [option for option in _OPTIONS if family is None or family in option.families]
    spelled = ", ".join(option.usage for option in options)
    example = "LUnetPruningTrainer_keep25_50epochs" if family == _PRUNING[0] else "LUnetTrainer_w16_100epochs"
    start = family or " or ".join(FAMILIES)
    return f"a name is {start}, then any of {spelled}, in any order, each at most once, e.g. {example}"


def parse(name: str) -> TrainerOptions:
    """Options that a trainer name carries.

    :param name: e.g. ``LUnetTrainer_w16_100epochs``
    :raises TrainerNameError: unknown family or option, a number out of range or with leading zeros, an option twice
    """
    family, *words = name.split("_")
    if family not in FAMILIES:
        raise TrainerNameError(f"trainer {_short(name)} is not ours; {grammar()}")
    values: dict[str, object] = {"profile": FAMILIES[family]}
    given: set[str] = set()
    for word in words:
        option, value = _read(word, family)
        if option.sets in given:
            raise TrainerNameError(f"option _{_short(word)} repeats or contradicts an earlier one; {grammar(family)}")
        given.add(option.sets)
        values[option.sets] = value
    return TrainerOptions(family=family, **values)  # type: ignore[arg-type]


def without_seed(name: str) -> str:
    """The name that all repetitions of a training share: ``LUnetTrainer_w8_seed1`` is one of ``LUnetTrainer_w8``.

    Names that are not of this grammar are their own.
    """
    try:
        seed = parse(name).seed
    except TrainerNameError:
        return name
    return "_".join(word for word in name.split("_") if word != f"seed{seed}")


def _read(word: str, family: str) -> tuple[_Option, object]:
    for option in _OPTIONS:
        match = re.fullmatch(option.pattern, word, flags=re.ASCII)
        if match is None or family not in option.families:
            continue
        # A number of absurd length would be slow to convert, and no limit has more than six digits.
        if option.largest is not None and (len(match[1]) > 6 or int(match[1]) > option.largest):
            raise TrainerNameError(f"option _{_short(word)} is too large (at most {option.largest}); {grammar(family)}")
        return option, option.value(match[1])
    raise TrainerNameError(f"option _{_short(word)} is unknown; {grammar(family)}")


def _short(text: str) -> str:
    """``text`` on one line and of bearable length, for a message."""
    shown = repr(text)[1:-1]
    return shown if len(shown) <= 40 else f"{shown[:37]}..."
