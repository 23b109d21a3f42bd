"""When channels leave, and how many at a time. No torch."""

import math
from dataclasses import dataclass


class ScheduleError(ValueError):
    """A goal that cannot be reached; the message says why and what to change."""


@dataclass(frozen=True)
class Schedule:
    """Removals at the beginning of epochs.

    :param channels_per_step: how many channels leave, by the epoch at whose beginning they do
    :param channels_at_start: prunable channels of the unpruned network
    """

    channels_per_step: dict[int, int]
    channels_at_start: int

    @property
    def channels_at_end(self) -> int:
        return self.channels_at_start - sum(self.channels_per_step.values())

    def describe(self) -> str:
        """One line for the log: how many steps, how many channels each, what is left."""
        counts = sorted(set(self.channels_per_step.values()))
        each = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        epochs = list(self.channels_per_step)
        return (
            f"pruning in {len(epochs)} steps from epoch {epochs[0]} to epoch {epochs[-1]}, {each} channels each: "
            f"{self.channels_at_start} prunable channels become {self.channels_at_end}"
        )


def plan(channels: int, n_groups: int, keep: int, epochs: int, recovery_epochs: int = 1, floor: int = 1) -> Schedule:
    """The fewest channels a step that reach the goal within two thirds of training; the rest fine-tunes.

    The first removal waits for ``recovery_epochs`` epochs of statistics. With enough epochs, one channel leaves at a
    time, as in STAMP (Dinsdale et al., Medical Image Analysis 2022).

    :param channels: prunable channels of the network, coupled ones counted once
    :param n_groups: groups of coupled channels; each keeps ``floor`` channels
    :param keep: percentage of the channels that remain, 1 to 99; rounded up to whole channels
    :raises ScheduleError: percentage out of range, too few epochs, more removals than channels above the floor
    """
    if not 1 <= keep <= 99:
        raise ScheduleError(f"_keep{keep}: the percentage of channels that remain must be 1 to 99")
    removals = channels - math.ceil(channels * keep / 100)
    available = channels - n_groups * floor
    if removals > available:
        raise ScheduleError(
            f"_keep{keep} removes {removals} of {channels} channels, but {n_groups} layers that keep {floor} each "
            f"leave only {available}: use _keep{math.ceil(100 * (channels - available) / channels)} or more"
        )
    steps = range(recovery_epochs, 2 * epochs // 3 + 1, recovery_epochs)
    if not steps:
        raise ScheduleError(
            f"{epochs} epochs leave no removal within their first two thirds at {recovery_epochs} epochs between two: "
            f"train at least {math.ceil(1.5 * recovery_epochs)} epochs"
        )
    if removals == 0:
        raise ScheduleError(f"_keep{keep} removes none of {channels} channels: use a smaller percentage")
    each, more = divmod(removals, len(steps))
    counts = {epoch: each + (index < more) for index, epoch in enumerate(steps)}
    return Schedule({epoch: count for epoch, count in counts.items() if count}, channels)
