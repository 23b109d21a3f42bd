"""What a running study shows: trainings by state, the epochs of those that train, and how long it may still take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import mean

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from nnunet_lunet.host import training_state
from nnunet_lunet.study import steps
from nnunet_lunet.study.matrix import Training


@dataclass
class Status:
    """Where a study stands.

    :param waiting: not handed to an executor, or queued there
    :param failed: with one line that says why
    """

    waiting: list[Training] = field(default_factory=list)
    running: list[Training] = field(default_factory=list)
    done: list[Training] = field(default_factory=list)
    failed: dict[Training, str] = field(default_factory=dict)
    preparing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Pace:
    """What one training's log tells of its speed; None where it does not yet.

    :param epoch: the one that runs, counted from 1
    """

    epoch: int | None
    seconds_per_epoch: float | None
    validation_seconds: float | None = None


def pace(training: Training, done: bool) -> Pace:
    """From what nnU-Net logs in a training's fold folder."""
    log = training_state.training_log(steps.fold_folder(training))
    if log is None:
        return Pace(None, None)
    epoch = None if log.epoch is None else log.epoch + 1
    return Pace(epoch, log.seconds_per_epoch, log.seconds_after if done and log.seconds_per_epoch else None)


def seconds_left(status: Status, paces: Mapping[Training, Pace], at_a_time: int) -> float | None:
    """Estimate of the time until the last training ends; None before the end of any epoch.

    An epoch takes as long as the same network's in another seed or fold, else as the mean of all that were seen.

    :param paces: of running and finished trainings
    """
    known: dict[object, list[float]] = {}
    for training, seen in paces.items():
        if seen.seconds_per_epoch is not None:
            known.setdefault(_kind(training), []).append(seen.seconds_per_epoch)
    if not known:
        return None
    anyhow = mean(value for values in known.values() for value in values)
    validations = [seen.validation_seconds for seen in paces.values() if seen.validation_seconds is not None]
    validation = mean(validations) if validations else 0.0
    left = []
    for training in [*status.running, *status.waiting]:
        seen = paces.get(training, Pace(None, None)) if training in status.running else Pace(None, None)
        begun = 0 if seen.epoch is None else seen.epoch - 1
        each = seen.seconds_per_epoch or mean(known.get(_kind(training), [anyhow]))
        left.append(each * (steps.epochs(training) - begun) + validation)
    return max(sum(left) / at_a_time, max(left, default=0.0))


def _kind(training: Training) -> object:
    return training.dataset, training.configuration, training.label


class Display:
    """Shows a status again and again: a live table in a terminal, else a line for each training that begins or ends.

    :param at_a_time: trainings that run at the same time, for the estimate; None where a cluster decides
    """

    def __init__(self, console: Console, at_a_time: int | None) -> None:
        self.console, self._at_a_time = console, at_a_time
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._shown: dict[str, str] | None = None
        self._finished: dict[Training, Pace] = {}

    def __enter__(self) -> "Display":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, status: Status) -> None:
        for training in status.done:
            if training not in self._finished:
                self._finished[training] = pace(training, done=True)
        paces = {**self._finished, **{training: pace(training, done=False) for training in status.running}}
        left = seconds_left(status, paces, self._at_a_time or max(1, len(status.running)))
        is_first = self._shown is None
        news = self._news(status)
        for line in news:
            self.console.print(line, soft_wrap=True, markup=False, highlight=False)
        if self._live is not None:
            self._live.update(_picture(status, paces, left), refresh=True)
        elif news or is_first:
            self.console.print(_headline(status, left), soft_wrap=True, markup=False, highlight=False)

    def _news(self, status: Status) -> list[str]:
        """What has changed, a line each; in a terminal only what went wrong, as the rest is in the picture."""
        now = {training.title: "done" for training in status.done}
        now |= {training.title: f"failed: {why}" for training, why in status.failed.items()}
        now |= {training.title: "running" for training in status.running}
        now |= dict.fromkeys(status.preparing, "preparing")
        if self._shown is None:
            self._shown = {training.title: "done" for training in status.done}
        prepared = [name for name, what in self._shown.items() if what == "preparing" and name not in now]
        news = [f"{name}: ready" for name in prepared]
        news += [f"{name}: {what}" for name, what in now.items() if self._shown.get(name) != what]
        self._shown = now
        return [line for line in news if self._live is None or ": failed: " in line]


def _headline(status: Status, left: float | None) -> str:
    counts = {
        "done": len(status.done), "running": len(status.running), "waiting": len(status.waiting),
        "failed": len(status.failed),
    }  # fmt: skip
    shown = ", ".join(f"{count} {name}" for name, count in counts.items())
    ending = "" if left is None or not (status.running or status.waiting) else f"; {duration(left)} left"
    total = sum(counts.values())
    return f"{total} training{'' if total == 1 else 's'}: {shown}{ending}"


def duration(seconds: float) -> str:
    """``about 2 d 3 h``, ``about 3 h 20 min``, ``about 5 min``, ``less than a minute``."""
    minutes = round(timedelta(seconds=seconds).total_seconds() / 60)
    hours, days = minutes // 60, minutes // (24 * 60)
    if days:
        return f"about {days} d {hours % 24} h"
    if hours:
        return f"about {hours} h {minutes % 60} min"
    return f"about {minutes} min" if minutes else "less than a minute"


def _picture(status: Status, paces: Mapping[Training, Pace], left: float | None) -> Group:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name in status.preparing:
        table.add_row("preparing", Text(name), "")
    for training in status.running:
        seen = paces[training]
        epoch = "" if seen.epoch is None else f"epoch {seen.epoch} of {steps.epochs(training)}"
        speed = "" if seen.seconds_per_epoch is None else f"{seen.seconds_per_epoch:.1f} s each"
        table.add_row("running", Text(training.title), epoch, speed)
    return Group(table, Text(_headline(status, left), style="bold"))


def listing(states: Sequence[tuple[Training, str]]) -> Table:
    """All trainings with how far they are, for ``--list``."""
    table = Table(caption="begun: goes on with --c; trained: lacks its validation; validated: lacks its prediction")
    for heading in ("dataset", "configuration", "network", "fold", "seed", "state"):
        table.add_column(heading, overflow="fold")
    for training, state in states:
        seed = "" if training.seed is None else str(training.seed)
        row = (training.dataset, training.configuration, training.label, str(training.fold), seed, state)
        table.add_row(*map(Text, row))
    return table
