"""Tolerances of surface Dice: how far apart, in mm, two surfaces may be and still count as the same."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from math import inf

from nnunet_lunet.errors import UserError, did_you_mean

#: mm, of labels that nobody names.
DEFAULT = 1.0


def check(given: Sequence[str]) -> None:
    """:raises UserError: what is wrong whatever the labels are"""
    for text in given:
        _number(text)
    if twice := [name for name, count in Counter(text.rpartition("=")[0] for text in given).items() if count > 1]:
        raise UserError(f"--tolerance of {twice[0] or 'all labels'} is given twice")


def read(given: Sequence[str], labels: Collection[str]) -> dict[str, float]:
    """Of each label, in mm.

    :param given: each ``[LABEL=]MM``; without a label, of all that are not named
    :raises UserError: no number, 0 or more, no such label, or one twice
    """
    check(given)
    found = {text.rpartition("=")[0]: _number(text) for text in given}
    everywhere = found.pop("", DEFAULT)
    for name in found:
        if name not in labels:
            hint = did_you_mean(name, labels, most=1, cutoff=0.3) or f"there are {', '.join(labels)}"
            raise UserError(f"--tolerance {name}={found[name]:g}: no label {name!r}: {hint}")
    return {name: found.get(name, everywhere) for name in labels}


def told(tolerances: Mapping[str, float]) -> str:
    """For the reader of a comparison: ``1 mm``, or ``1 mm (anterior) and 1.5 mm (posterior)``."""
    of_labels: dict[float, list[str]] = {}
    for name, value in tolerances.items():
        of_labels.setdefault(value, []).append(name)
    if len(of_labels) == 1:
        return f"{next(iter(of_labels)):g} mm"
    return " and ".join(f"{value:g} mm ({', '.join(names)})" for value, names in of_labels.items())


def below_voxels(tolerances: Mapping[str, float], edges: Mapping[str, float]) -> list[str]:
    """A note on each tolerance that a single voxel exceeds.

    :param edges: the shortest edge of each case's voxels, mm
    """
    said = []
    for tolerance in sorted(set(tolerances.values())):
        # Headers keep spacings in single precision.
        beyond = {case: edge for case, edge in edges.items() if edge > tolerance * (1 + 1e-5)}
        if beyond:
            names = [name for name, value in tolerances.items() if value == tolerance]
            said.append(
                f"The tolerance of surface Dice, {tolerance:g} mm ({', '.join(names)}), is below the voxel size of "
                f"{len(beyond)} of {len(edges)} cases (shortest edge up to {max(beyond.values()):.3g} mm): there, a "
                "difference of one voxel counts as an error."
            )
    return said


def _number(text: str) -> float:
    number = text.rpartition("=")[2]
    try:
        value = float(number)
    except ValueError:
        value = -1
    if not 0 <= value < inf:
        raise UserError(f"--tolerance {text}: give mm, 0 or more, or LABEL=MM")
    return value
