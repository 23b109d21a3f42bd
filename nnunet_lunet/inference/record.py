"""What a call of ``lunet predict`` leaves: plain data, and its lines and file."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nnunet_lunet import numbers
from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.errors import UserError


@dataclass(frozen=True)
class PredictedCase:
    """One case.

    :param seconds: of ``read`` (with preprocessing), ``network`` and ``write`` (with resampling), as far as it came;
        they overlap with those of other cases
    :param output: the label map; None where it failed
    :param error: why it failed
    """

    name: str
    seconds: dict[str, float]
    output: str | None
    error: str | None = None

    @property
    def line(self) -> str:
        """For people."""
        if self.error is not None:
            return f"{self.name}: failed: {self.error}"
        parts = ", ".join(f"{stage} {numbers.fixed(seconds, 2)}" for stage, seconds in self.seconds.items())
        return f"{self.name}: {numbers.fixed(sum(self.seconds.values()), 2)} s ({parts})"


@dataclass
class Prediction:
    """One call.

    :param machine: see :func:`nnunet_lunet.profile.measure.machine`
    :param settings: engine, device, precision, threads
    :param skipped: cases that were there already
    :param seconds_before: from the start to the first case: model, engine
    :param seconds: of all cases, from the first to the last
    :param peak_memory: bytes; None where the system does not tell
    """

    command: list[str]
    date: str
    model: str
    folds: list[str]
    checkpoint: str
    settings: dict[str, Any]
    machine: dict[str, Any]
    skipped: int = 0
    cases: list[PredictedCase] = field(default_factory=list)
    seconds_before: float = 0.0
    seconds: float = 0.0
    peak_memory: int | None = None

    @property
    def failures(self) -> list[str]:
        """Names of cases that have no prediction."""
        return [case.name for case in self.cases if case.error is not None]

    @property
    def line(self) -> str:
        """For people."""
        done = len(self.cases) - len(self.failures)
        there = f" ({self.skipped} were there)" if self.skipped else ""
        return (
            f"{done} of {len(self.cases)} cases{there} in {numbers.fixed(self.seconds, 1)} s by "
            f"{self.settings['engine']} in {self.settings['precision']} on {self.settings['device']}; "
            f"peak memory {numbers.scaled(self.peak_memory, 'B')}"
        )

    def write(self, file: Path) -> None:
        """As JSON.

        :raises UserError: the file cannot be written; what was there is as it was
        """
        try:
            with atomic_write(file) as new:
                new.write(json.dumps(asdict(self), indent=1).encode())
        except OSError as error:
            raise UserError(f"--report {file} cannot be written: {error.strerror}") from error
