"""Which channel goes, given how important each is. Pure decisions: no network, no file, no clock."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nnunet_lunet.pruning.names import STRATEGIES

#: STAMP's targeted dropout: probability of the layer with most low-ranked channels, and of all before a removal.
HIGHEST_DROPOUT, FIRST_DROPOUT = 0.1, 0.005


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


def choose(
    importance: Mapping[str, Sequence[float]],
    levels: Mapping[str, int],
    count: int,
    strategy: str,
    rng: np.random.Generator,
    floor: int = 1,
) -> list[Removal]:
    """Channels that leave in one step.

    ``stamp``
        the least important channel of all layers (Dinsdale et al., Medical Image Analysis 2022).
    ``randomAtStamp``
        any channel, with equal chance, of the layer that holds the least important one.
    ``randomAtLargest``
        any channel, with equal chance, of the layer with most channels left; of several, the deepest, then the last.

    A channel whose importance is not a number is never the least important one; a random draw may still take it.
    Within a step, importances stay as they are while channels are taken one after the other.

    :param importance: for each group the importance of each of its channels
    :param levels: resolution level of each group; the largest is the deepest
    :param floor: channels that every group keeps
    :raises ValueError: unknown strategy, or no group has a channel above the floor (or none with a number)
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy {strategy!r} is unknown: use one of {', '.join(STRATEGIES)}")
    left = {group: list(range(len(scores))) for group, scores in importance.items()}
    removals = []
    for _ in range(count):
        open_groups = [group for group, channels in left.items() if len(channels) > floor]
        candidates = [
            (importance[group][channel], group, channel)
            for group in open_groups
            for channel in left[group]
            if not math.isnan(importance[group][channel])
        ]
        if not open_groups or (strategy != "randomAtLargest" and not candidates):
            raise ValueError(f"no channel is left to remove above {floor} a layer")
        if strategy == "randomAtLargest":
            # max() keeps the first of equals, so the last layer is looked at first.
            group = max(reversed(open_groups), key=lambda name: (len(left[name]), levels[name]))
        else:
            _, group, channel = min(candidates, key=lambda candidate: candidate[0])
        if strategy != "stamp":
            channel = int(rng.choice(left[group]))
        left[group].remove(channel)
        removals.append(Removal(group, channel, float(importance[group][channel])))
    return removals


def dropout_probabilities(importance: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """STAMP's targeted dropout: the lower the channels of a layer rank among all channels, the more it drops.

    A channel's rank is 1 for the least important of all and 0 for the most important; a layer's probability is the
    mean over its channels, scaled so that the highest is :data:`HIGHEST_DROPOUT`. A channel whose importance is not
    a number counts as the most important.
    """
    names = [(group, channel) for group, scores in importance.items() for channel in range(len(scores))]
    values = np.nan_to_num([importance[group][channel] for group, channel in names], nan=np.inf, posinf=np.inf)
    ranks = np.empty(len(names))
    ranks[np.argsort(values, kind="stable")] = np.linspace(1, 0, len(names))
    by_group: dict[str, list[float]] = {group: [] for group in importance}
    for (group, _), rank in zip(names, ranks, strict=True):
        by_group[group].append(float(rank))
    means = {group: float(np.mean(values)) for group, values in by_group.items()}
    highest = max(means.values())
    return {group: HIGHEST_DROPOUT * mean / highest if highest > 0 else 0.0 for group, mean in means.items()}
