"""The grammar of trainer names. The only place that gives them a meaning; no torch."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from nnunet_lunet.architectures.widths import PROFILES
from nnunet_lunet.pruning.scores import IMPORTANCES, NORMALISATIONS
from nnunet_lunet.pruning.strategies import STRATEGIES
from nnunet_lunet.trainers.recipes import RECIPES

#: Profile of the trainers that take the plans' widths as they are or, with a width, double from it.
PLANNED = "planned"


@dataclass(frozen=True)
class Family:
    """What the first part of a name stands for.

    :param profile: one of :data:`nnunet_lunet.architectures.widths.PROFILES`, or :data:`PLANNED`
    :param about: what such a trainer trains
    """

    profile: str
    about: str


FAMILIES = {
    "LUnetTrainer": Family(
        "flat", "the plans' network, plain or residual encoder, 2D or 3D, with the first stage's width at every stage"
    ),
    "UNetTrainer": Family(
        PLANNED, "the plans' widths (with _w: doubling from that width) by the same machinery and recipe: the baseline"
    ),
    "LUnetPruningTrainer": Family(
        PLANNED, "the plans' widths, out of which channels are taken until a percentage is left"
    ),
}


class TrainerNameError(ValueError):
    """A trainer name outside the grammar; the message names the option that is wrong."""


@dataclass(frozen=True)
class TrainerOptions:
    """What a trainer name says; None where it says nothing and the trainer's default holds.

    :param family: one of :data:`FAMILIES`
    :param profile: one of :data:`nnunet_lunet.architectures.widths.PROFILES`, or :data:`PLANNED`
    :param width: channels of the first stage
    :param recipe: how it is trained, one of :data:`nnunet_lunet.trainers.recipes.RECIPES`
    :param epochs: number of epochs
    :param iters: training iterations per epoch
    :param seed: of the random numbers
    :param deep_supervision: False takes it away from a recipe that has it
    :param bf16: whether it computes in bfloat16 (:mod:`nnunet_lunet.trainers.precision`)
    :param strategy: which channel goes, one of :data:`nnunet_lunet.pruning.strategies.STRATEGIES`
    :param importance: how important it is, one of :data:`nnunet_lunet.pruning.scores.IMPORTANCES`
    :param by_layer: whether importances are divided by the root of their layer's summed squares
    :param keep: percentage of prunable channels that remain
    :param recover: epochs between two removals
    :param drop: whether to use STAMP's targeted channel dropout
    :param sparse: whether Torch-Pruning's regulariser makes whole groups of weights small before they leave
    :param finetune: whether it goes on from trained weights
    """

    family: str
    profile: str
    width: int | None = None
    recipe: str | None = None
    epochs: int | None = None
    iters: int | None = None
    seed: int | None = None
    deep_supervision: bool = True
    bf16: bool = False
    strategy: str | None = None
    importance: str | None = None
    by_layer: bool | None = None
    keep: int | None = None
    recover: int | None = None
    drop: bool = False
    sparse: bool = False
    finetune: bool = False


@dataclass(frozen=True)
class Option:
    """One kind of option.

    :param usage: how it is spelled, for people
    :param pattern: how it is spelled without the underscore before it; its group is what ``value`` reads
    :param sets: attribute of :class:`TrainerOptions`
    :param about: what it does, half a sentence
    :param largest: number that it accepts
    :param families: whose names take it
    """

    usage: str
    pattern: str
    sets: str
    value: Callable[[str], object]
    about: str
    largest: int | None = None
    families: tuple[str, ...] = tuple(FAMILIES)


def _one_of(table: Iterable[str], sets: str, about: str, families: tuple[str, ...] = tuple(FAMILIES)) -> Option:
    words = list(table)
    usage = " or ".join(f"_{word}" for word in words)
    return Option(usage, f"({'|'.join(words)})", sets, str, about, families=families)


_NUMBER = r"([1-9][0-9]*)"
_FLAT, _PRUNING = ("LUnetTrainer",), ("LUnetPruningTrainer",)
OPTIONS = (
    Option("_w<channels>", f"w{_NUMBER}", "width", int, "channels of the first stage", largest=1024),
    _one_of([name for name, profile in PROFILES.items() if profile.is_option], "profile", "width profile", _FLAT),
    _one_of(RECIPES, "recipe", f"recipe: {'; '.join(recipe.about for recipe in RECIPES.values())}"),
    Option("_<N>epochs", f"{_NUMBER}epochs", "epochs", int, "length of training", largest=100_000),
    Option(
        "_<N>iters", f"{_NUMBER}iters", "iters", int,
        "training iterations an epoch; validation takes a fifth of them", largest=100_000,
    ),
    Option(
        "_seed<N>", "seed(0|[1-9][0-9]*)", "seed", int,
        "seed of the initial weights, and of augmentation where nnUNet_n_proc_DA=0", largest=999_999,
    ),
    Option("_noDS", "(noDS)", "deep_supervision", lambda word: False, "without deep supervision, as the paper trains"),
    Option(
        "_bf16", "(bf16)", "bf16", bool, "in bfloat16: on a GPU in place of half precision, on a CPU of single",
        families=("LUnetTrainer", "UNetTrainer"),
    ),
    _one_of(STRATEGIES, "strategy", "which channel goes", _PRUNING),
    _one_of(IMPORTANCES, "importance", "how important a channel is", _PRUNING),
    Option(
        " or ".join(f"_{word}" for word in NORMALISATIONS), f"({'|'.join(NORMALISATIONS)})", "by_layer",
        lambda word: NORMALISATIONS[word][0], "normalisation of importances, instead of the importance's published one",
        families=_PRUNING,
    ),
    Option(
        "_keep<percent>", f"keep{_NUMBER}", "keep", int, "percentage of prunable channels that remain (default 25)",
        largest=99, families=_PRUNING,
    ),
    Option(
        "_recover<N>", f"recover{_NUMBER}", "recover", int, "epochs between two removals (default 1)",
        largest=100_000, families=_PRUNING,
    ),
    Option("_drop", "(drop)", "drop", bool, "STAMP's targeted channel dropout", families=_PRUNING),
    Option(
        "_sparse", "(sparse)", "sparse", bool,
        "Torch-Pruning's group sparsity (DepGraph, Fang et al., arXiv 2301.12900) until the last channel has left",
        families=_PRUNING,
    ),
    Option(
        "_finetune", "(finetune)", "finetune", bool,
        "goes on from -pretrained_weights: a tenth of the learning rate, a warm-up, and their heads", families=_PRUNING,
    ),
)  # fmt: skip


def grammar(family: str | None = None) -> str:
    """The rule that names follow, for one family or for all that there are."""
    options = [option for option in OPTIONS if family is None or family in option.families]
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
    values: dict[str, object] = {"profile": FAMILIES[family].profile}
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


def _read(word: str, family: str) -> tuple[Option, object]:
    for option in OPTIONS:
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
