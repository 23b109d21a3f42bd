"""What the options of ``lunet plan`` ask for, and which contradict each other. No torch."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import cast, get_args

from nnunet_lunet.errors import UserError
from nnunet_lunet.planning.presets import MatchedCost

WAYS = ("--list", "--preset", "--match", "--planner", "--max-params, --max-gmacs, --max-memory")
_FOR_PLANNER = ("--gpu-memory-target", "--width")
_FOR_MATCH = ("--match-by",)
_REFUSED = {
    "--list": ("-c", "--overwrite", *_FOR_PLANNER, *_FOR_MATCH),
    "--planner": ("-p", "-c", *_FOR_MATCH),
    "--match": _FOR_PLANNER,
}
_UNITS = {"": 1, "k": 1e3, "M": 1e6, "MB": 1e-3, "GB": 1}
_LIMIT_UNITS = {"--max-params": ("k", "M"), "--max-gmacs": (), "--max-memory": ("GB", "MB")}
#: What each limit is of, and the factor from the option's unit.
_KINDS = {"--max-params": ("parameters", 1), "--max-gmacs": ("multiply_adds", 1e9), "--max-memory": ("gigabytes", 1)}


def way(given: Collection[str]) -> str:
    """The one of :data:`WAYS` that the options ask for.

    :param given: names of the options that were given
    :raises UserError: none, two at once, one that has no meaning there, or no data set
    """
    asked = [name for name in WAYS if any(option in given for option in name.split(", "))]
    if len(asked) != 1:
        raise UserError(f"{' and '.join(asked) or 'nothing to plan'}: give one of {', '.join(WAYS)}")
    (found,) = asked
    if wrong := [option for option in _REFUSED.get(found, (*_FOR_PLANNER, *_FOR_MATCH)) if option in given]:
        raise UserError(f"{', '.join(wrong)} cannot be combined with {found}")
    if "-d" not in given and found != "--list":
        raise UserError(f"{found}: name the data set with -d")
    return found


def matched_cost(given: str | None) -> MatchedCost:
    """What ``--match-by`` says; parameters where it is not given.

    :raises UserError: no cost that can be matched
    """
    for known in get_args(MatchedCost):
        if given in (known, None):
            return cast(MatchedCost, known)
    raise UserError(f"--match-by: use {' or '.join(get_args(MatchedCost))}, not {given!r}")


def limits(given: Mapping[str, str | None]) -> dict[str, float]:
    """Limits by what they are of: ``parameters``, ``multiply_adds``, ``gigabytes``.

    :param given: values of the ``--max-…`` options, such as ``200k``, ``20`` or ``4GB``; None where one was not given
    :raises UserError: a value that is no number above 0 with a unit of that limit or none
    """
    found = {}
    for option, text in given.items():
        if text is not None:
            kind, factor = _KINDS[option]
            found[kind] = _number(option, text, _LIMIT_UNITS[option]) * factor
    return found


def _number(option: str, text: str, units: Sequence[str]) -> float:
    match = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) ?([A-Za-z]*)", text.strip(), flags=re.ASCII)
    unit = next((unit for unit in ("", *units) if match is not None and match[2].upper() == unit.upper()), None)
    if match is None or unit is None or float(match[1]) == 0:
        example = f" and {' or '.join(units)} behind it or nothing" if units else ""
        raise UserError(f"{option} {text}: give a number above 0{example}")
    return float(match[1]) * _UNITS[unit]
