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
    :param importance: its importance when it left
    """

    group: str
    channel: int
    importance: float


@dataclass(frozen=True)
class Layers:
    """What a strategy takes channels from: groups of coupled layers, each as one.

    :param importance: for each group the importance of each of its channels; one that is not a number is never the
        least important, but a random draw may take it
    :param depths: mean resolution level of each group's convolutions; the largest is the deepest
    :param floor: channels that every group keeps
    """

    importance: Mapping[str, Sequence[float]]
    depths: Mapping[str, float]
    floor: int


#: Group and channel of what leaves.
Pick = tuple[str, int]


@dataclass(frozen=True)
class Strategy:
    """How the channels of one step are picked.

    :param picks: the decision; fewer than asked for where no group has a channel above the floor
    :param importance: that the method ranks by, one of :data:`nnunet_lunet.pruning.scores.IMPORTANCES`, where the
        trainer's name gives none
    :param about: one sentence, with the source
    """

    picks: Callable[[Layers, int, np.random.Generator], list[Pick]]
    importance: str
    about: str


def least_important(layers: Layers, count: int, rng: np.random.Generator) -> list[Pick]:
    """The least important channels of all layers."""
    ranked = sorted(
        (importance, group, channel)
        for group, importances in layers.importance.items()
        for channel, importance in enumerate(importances)
        if not math.isnan(importance)
    )
    spare = {group: len(importances) - layers.floor for group, importances in layers.importance.items()}
    picks: list[Pick] = []
    for _, group, channel in ranked:
        if len(picks) < count and spare[group] > 0:
            picks.append((group, channel))
            spare[group] -= 1
    return picks


def random_at_stamp(layers: Layers, count: int, rng: np.random.Generator) -> list[Pick]:
    """For every channel that STAMP would take, any channel of its layer, with equal chance."""
    left = _all_channels(layers)
    return [_draw(group, left, rng) for group, _ in least_important(layers, count, rng)]


def random_at_largest(layers: Layers, count: int, rng: np.random.Generator) -> list[Pick]:
    """Any channel, with equal chance, of the layer with most channels left; of several, the deepest, then the last."""
    left = _all_channels(layers)
    picks: list[Pick] = []
    while len(picks) < count:
        # max() keeps the first of equals, so the last layer is looked at first.
        largest = max(reversed(left), key=lambda group: (len(left[group]), layers.depths[group]))
        if len(left[largest]) <= layers.floor:
            break
        picks.append(_draw(largest, left, rng))
    return picks


def _all_channels(layers: Layers) -> dict[str, list[int]]:
    return {group: list(range(len(importances))) for group, importances in layers.importance.items()}


def _draw(group: str, left: Mapping[str, list[int]], rng: np.random.Generator) -> Pick:
    return group, left[group].pop(int(rng.integers(len(left[group]))))


STRATEGIES = {
    "leastImportant": Strategy(least_important, "fisher", "the least important channel of all layers"),
    "stamp": Strategy(
        least_important, "l2", "the same by STAMP's importance (Dinsdale et al., Medical Image Analysis 2022)"
    ),
    "randomAtStamp": Strategy(
        random_at_stamp, "l2", "for every channel that STAMP would take, any channel of its layer"
    ),
    "randomAtLargest": Strategy(random_at_largest, "l2", "any channel of the layer that has most left"),
}
DEFAULT = "leastImportant"


def choose(
    importance: Mapping[str, Sequence[float]],
    depths: Mapping[str, float],
    count: int,
    strategy: str,
    rng: np.random.Generator,
    floor: int = 1,
) -> list[Removal]:
    """Channels that leave in one step.

    :param importance: for each group the importance of each of its channels
    :param depths: mean resolution level of each group's convolutions; the largest is the deepest
    :param strategy: one of :data:`STRATEGIES`
    :param floor: channels that every group keeps
    :raises ValueError: unknown strategy, or too few channels above the floor (or too few with a number)
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy {strategy!r} is unknown: use one of {', '.join(STRATEGIES)}")
    picks = STRATEGIES[strategy].picks(Layers(importance, depths, floor), count, rng)
    if len(picks) < count:
        raise ValueError(f"no channel is left to remove above {floor} a layer: {len(picks)} of {count} can leave")
    return [Removal(group, channel, float(importance[group][channel])) for group, channel in picks]
