"""What an executor runs: the preparation of a dataset, or one training. Also on another machine, so plain data."""

import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
from nnunetv2.paths import nnUNet_preprocessed

from nnunet_lunet.compare import grouping
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import commands
from nnunet_lunet.study import group_folds, preparation, steps
from nnunet_lunet.study.matrix import Training
from nnunet_lunet.study.steps import Settings


@contextmanager
def locked(file: Path, seconds: float, refusal: str) -> Iterator[None]:
    """Hold a lock that the operating system takes back from a process that ends, however it does.

    :param seconds: to wait for it; negative waits for ever
    :raises UserError: ``refusal``, if another process has it
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(file)
    try:
        lock.acquire(timeout=seconds)
    except filelock.Timeout as error:
        raise UserError(refusal) from error
    except NotImplementedError:
        pass  # a file system without locks, as some clusters have: their scheduler starts each job once
    try:
        yield
    finally:
        lock.release()


class Job:
    """Something to run, in a process of its own on another machine.

    submitit asks for :meth:`checkpoint` when the time of a job is over, and queues its answer: the same again, which
    goes on from the files.
    """

    def checkpoint(self, *arguments: Any, **keywords: Any) -> Any:
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, *arguments, **keywords)

    def __call__(self, variables: Mapping[str, str] | None = None, lifeline: int = subprocess.PIPE) -> Any:
        """:param variables: of the environment of commands
        :param lifeline: see :func:`nnunet_lunet.host.commands.run_stock`
        """
        raise NotImplementedError


@dataclass(frozen=True)
class PreparationJob(Job):
    """Plans and data of one dataset's trainings."""

    dataset: str
    trainings: tuple[Training, ...]
    settings: Settings

    @property
    def name(self) -> str:
        return f"{self.dataset}__preparation"

    @property
    def log(self) -> Path:
        return self.settings.output / "logs" / self.dataset / "preparation.log"

    def __call__(self, variables: Mapping[str, str] | None = None, lifeline: int = subprocess.PIPE) -> dict[str, str]:
        """What went wrong, by the name of the plans whose trainings cannot begin."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        lock = Path(nnUNet_preprocessed) / self.dataset / ".lunet-study.lock"
        try:
            with locked(lock, -1, ""):
                for command in preparation.stock_commands(self.dataset, self.trainings):
                    commands.run_stock(command, variables or {}, self.log, lifeline=lifeline)
                self._folds()
                return self._plans_of_presets()
        except UserError as error:
            return {training.plans: error.message for training in self.trainings}

    def _folds(self) -> None:
        if (file := self.settings.groups_file(self.dataset)) is None:
            return
        folder = Path(nnUNet_preprocessed) / self.dataset
        groups = grouping.read(file, preparation.cases(folder))
        if made := group_folds.write(folder, groups):
            with self.log.open("a", encoding="utf-8") as log:
                log.write(f"{made}\n")

    def _plans_of_presets(self) -> dict[str, str]:
        wrong = {}
        for origin in preparation.origins(self.trainings):
            if origin.derived:
                command = shlex.join(preparation.plan_command(self.dataset, origin))
                try:
                    lines = preparation.make_plans(self.dataset, origin)
                except UserError as error:
                    lines = [error.message]
                    wrong[origin.name] = f"{command}: {lines[0]}"
                with self.log.open("a", encoding="utf-8") as file:
                    file.writelines(f"{line}\n" for line in [f"$ {command}", *lines])
        return wrong


@dataclass(frozen=True)
class TrainingJob(Job):
    """One training, from wherever it is."""

    training: Training
    settings: Settings

    @property
    def name(self) -> str:
        return f"{self.training.dataset}__{self.training.name}"

    def __call__(self, variables: Mapping[str, str] | None = None, lifeline: int = subprocess.PIPE) -> str | None:
        """What went wrong, in one line; None if all went well."""
        log, fold = self.settings.log(self.training), steps.fold_folder(self.training)
        log.parent.mkdir(parents=True, exist_ok=True)
        lock = fold.with_name(f".{fold.name}.lock")
        try:
            with locked(lock, 0, f"{fold} is being trained by another study: run this one again later"):
                for command in steps.commands(self.training, self.settings, steps.state(self.training, self.settings)):
                    with log.open("a", encoding="utf-8") as file:
                        file.writelines(f"{line}\n" for line in steps.before(command, self.training, self.settings))
                    commands.run_stock(command, variables or {}, log, lifeline=lifeline)
                    steps.after(command, self.training, self.settings)
        except UserError as error:
            return error.message
        except OSError as error:
            return f"{error.filename}: {error.strerror}"
        return None
