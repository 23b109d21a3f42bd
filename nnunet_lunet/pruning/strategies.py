"""Which channel goes, given how important each is. Pure decisions: no network, no file, no clock.

A strategy is a row of :data:`STRATEGIES`; trainer names, messages, documentation and tests take them from there. NumPy
is imported by those who hand a random generator over, since the grammar of trainer names reads this table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Removal:
    """One channel that leaves.

    :param group: name of its group (:class:`nnunet_lunet.pruning.groups.Group`)
    :param channel: its index among the channels that the group had before this step
    :param importance: its importance, normalised within its layer
    """

    group: str
    channel: int
    importance: float


@dataclass(frozen=True)
class Candidates:
    """What a strategy takes one channel from. Importances stay as they are while channels leave within a step.

    :param importance: for each group the importance of each of its channels; one that is not a number is never the
        least important, but a random draw may take it
    :param levels: resolution level of each group; the largest is the deepest
    :param left: for each group that may lose a channel, the channels that are left
    :param rng: for random draws
    """

    importance: Mapping[str, Sequence[float]]
    levels: Mapping[str, int]
    left: Mapping[str, Sequence[int]]
    rng: np.random.Generator


#: Group and channel of what leaves; None where no channel can.
Pick = tuple[str, int] | None


@dataclass(frozen=True)
class Strategy:
    """How one channel is picked.

    :param pick: the decision
    :param about: one sentence, with the source
    """

    pick: Callable[[Candidates], Pick]
    about: str


def stamp(candidates: Candidates) -> Pick:
    """The least important channel of all layers."""
    known = [
        (candidates.importance[group][channel], group, channel)
        for group, channels in candidates.left.items()
        for channel in channels
        if not math.isnan(candidates.importance[group][channel])
    ]
    if not known:
        return None
    _, group, channel = min(known, key=lambda candidate: candidate[0])
    return group, channel


def random_at_stamp(candidates: Candidates) -> Pick:
    """Any channel, with equal chance, of the layer that holds the least important one."""
    least = stamp(candidates)
    return None if least is None else _any_of(least[0], candidates)


def random_at_largest(candidates: Candidates) -> Pick:
    """Any channel, with equal chance, of the layer with most channels left; of several, the deepest, then the last."""
    if not candidates.left:
        return None
    # max() keeps the first of equals, so the last layer is looked at first.
    groups = reversed(list(candidates.left))
    return _any_of(max(groups, key=lambda name: (len(candidates.left[name]), candidates.levels[name])), candidates)


def _any_of(group: str, candidates: Candidates) -> Pick:
    return group, int(candidates.rng.choice(candidates.left[group]))


STRATEGIES = {
    "stamp": Strategy(stamp, "the least important channel of all layers (STAMP, Medical Image Analysis 2022)"),
    "randomAtStamp": Strategy(random_at_stamp, "any channel of the layer that STAMP would take one from"),
    "randomAtLargest": Strategy(random_at_largest, "any channel of the layer that has most left"),
}
DEFAULT = "stamp"


def choose(
    importance: Mapping[str, Sequence[float]],
    levels: Mapping[str, int],
    count: int,
    strategy: str,
    rng: np.random.Generator,
    floor: int = 1,
) -> list[Removal]:
    """Channels that leave in one step, one after the other.

    :param importance: for each group the importance of each of its channels
    :param levels: resolution level of each group; the largest is the deepest
    :param strategy: one of :data:`STRATEGIES`
    :param floor: channels that every group keeps
    :raises ValueError: unknown strategy, or no group has a channel above the floor (or none with a number)
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy {strategy!r} is unknown: use one of {', '.join(STRATEGIES)}")
    left = {group: list(range(len(scores))) for group, scores in importance.items()}
    removals = []
    for _ in range(count):
        above = {group: channels for group, channels in left.items() if len(channels) > floor}
        pick = STRATEGIES[strategy].pick(Candidates(importance, levels, above, rng))
        if pick is None:
            raise ValueError(f"no channel is left to remove above {floor} a layer")
        group, channel = pick
        left[group].remove(channel)
        removals.append(Removal(group, channel, float(importance[group][channel])))
    return removals
