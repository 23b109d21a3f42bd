"""How wide: the widest flat network under a limit, and the U-Net that costs as much as another network."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nnunet_lunet import numbers
from nnunet_lunet.architectures import cost
from nnunet_lunet.errors import UserError
from nnunet_lunet.planning import apply, presets
from nnunet_lunet.planning.plans_file import PlansFile

WIDTHS = range(1, 1025)

#: What can be limited: for each kind of cost, what is counted, and the factor and name of the unit it is shown in.
KINDS = {"parameters": (1, "parameters"), "multiply_adds": (1e-9, "GMACs"), "gigabytes": (1, "GB")}


@dataclass(frozen=True)
class Widest:
    """The widest flat network under some limits.

    :param width: channels of every stage
    :param changes: to the configuration, see :func:`nnunet_lunet.planning.apply.change`
    :param costs: of this network, by the kinds of :data:`KINDS` that are limited
    :param next_costs: of the network that is one channel wider
    :param bound_by: the kinds that the wider network has too much of; none where :data:`WIDTHS` ended first
    """

    width: int
    changes: dict[str, Any]
    costs: dict[str, float]
    next_costs: dict[str, float]
    bound_by: list[str]


def costs(plans: PlansFile, name: str, changes: Mapping[str, Any], kinds: Sequence[str]) -> dict[str, float]:
    """What a changed configuration costs.

    Multiply-adds are of one patch, memory is nnU-Net's estimate for the planned batch; both without the heads of
    deep supervision.

    :param kinds: some of :data:`KINDS`
    :raises UserError: the network cannot be built, does not take the patch, or nnU-Net cannot estimate its memory
    """
    configuration = {**plans.configuration(name), **changes}
    network, patch = plans.network(name, changes), configuration["patch_size"]
    count = {
        "parameters": lambda: cost.parameters(network),
        "multiply_adds": lambda: cost.multiply_adds(network, plans.input_channels(name), patch),
        "gigabytes": lambda: cost.training_memory(network, patch, configuration["batch_size"]),
    }
    try:
        return {kind: count[kind]() for kind in kinds}
    except Exception as error:  # the class may be anybody's
        raise UserError(f"configuration {name}: {type(network).__name__}: {error}") from error


def widest(plans: PlansFile, name: str, limits: Mapping[str, float]) -> Widest:
    """The widest flat network, of the plans' own class, that exceeds none of the limits.

    :param limits: by :data:`KINDS`
    :raises UserError: not even one channel a stage fits; says what that takes
    """

    def at(width: int) -> tuple[dict[str, Any], dict[str, float]]:
        changes = apply.change(plans.configuration(name), presets.of_widths(width, "flat"))
        return changes, costs(plans, name, changes, list(limits))

    def exceeded(found: Mapping[str, float]) -> list[str]:
        return [kind for kind, limit in limits.items() if found[kind] > limit]

    width = bisect_left(WIDTHS, True, key=lambda width: bool(exceeded(at(width)[1])))
    if width == 0:
        smallest = at(1)[1]
        raise UserError(
            f"configuration {name}: the smallest network, one channel a stage, takes "
            f"{', '.join(show(kind, smallest[kind]) for kind in limits)}: above the limit of "
            f"{' and '.join(show(kind, limits[kind]) for kind in exceeded(smallest))}"
        )
    next_costs = at(width + 1)[1]
    return Widest(width, *at(width), next_costs, exceeded(next_costs) if width < WIDTHS[-1] else [])


def matched(plans: PlansFile, name: str, wanted: float, kind: str) -> tuple[int, dict[str, Any], float]:
    """Width, changes and cost of the doubling U-Net whose cost comes closest to a number.

    It has the plans' own class and levels, and nnU-Net's limit on channels (:mod:`nnunet_lunet.architectures.widths`).

    :param kind: of cost, one of :data:`KINDS`
    :raises UserError: as :func:`costs`
    """

    def at(width: int) -> tuple[int, dict[str, Any], float]:
        changes = apply.change(plans.configuration(name), presets.of_widths(width, "doubling"))
        return width, changes, costs(plans, name, changes, [kind])[kind]

    above = bisect_left(WIDTHS, wanted, key=lambda width: at(width)[2])
    around = WIDTHS[max(0, above - 1) : above + 1]
    return min(map(at, around), key=lambda found: abs(found[2] - wanted))


def show(kind: str, value: float) -> str:
    """A cost with its unit: ``118,041 parameters``, ``12.3 GMACs``, ``1.85 GB``."""
    factor, unit = KINDS[kind]
    show_number = numbers.whole if kind == "parameters" else numbers.significant
    return f"{show_number(value * factor)} {unit}"
