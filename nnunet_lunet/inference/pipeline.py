"""Cases that are loaded, predicted and saved at the same time, a few of them and no more."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.pool import AsyncResult, ThreadPool
from typing import Any, Generic, TypeVar

Case = TypeVar("Case")
Loaded = TypeVar("Loaded")
Predicted = TypeVar("Predicted")


@dataclass
class Outcome(Generic[Case]):
    """What became of a case.

    :param seconds: of each stage that it came to: ``read``, ``network``, ``write``
    :param error: that ended it, if one did
    """

    case: Case
    seconds: dict[str, float] = field(default_factory=dict)
    error: BaseException | None = None


def overlap(
    cases: Iterable[Case],
    load: Callable[[Case], Loaded],
    predict: Callable[[Case, Loaded], Predicted],
    save: Callable[[Case, Predicted], object],
    loading: int = 1,
    saving: int = 1,
) -> Generator[Outcome[Case], None, None]:
    """Outcomes in the order of the cases; an error of one is for the others none.

    At most ``loading + 1 + saving`` cases are in memory. ``predict`` runs in the thread that asks for the outcomes,
    the others in threads of their own, which leave it the processor where their libraries compute. Nothing waits for
    them where this ends early: they end with the process.

    :param loading: cases that are loaded at a time
    :param saving: cases that are saved at a time
    """
    waiting = iter(cases)
    loads: deque[tuple[Outcome[Case], AsyncResult[Any]]] = deque()
    saves: deque[tuple[Outcome[Case], AsyncResult[Any]]] = deque()

    def start_loading() -> None:
        for case in islice(waiting, loading - len(loads)):
            outcome = Outcome(case)
            loads.append((outcome, loaders.apply_async(_attempt, (outcome, "read", load, case))))

    def saved() -> Outcome[Case]:
        outcome, job = saves.popleft()
        job.get()
        return outcome

    with ThreadPool(loading) as loaders, ThreadPool(saving) as savers:
        start_loading()
        while loads:
            outcome, job = loads.popleft()
            loaded = job.get()
            # Whoever holds the job holds its result.
            del job
            start_loading()
            predicted = _attempt(outcome, "network", predict, outcome.case, loaded)
            del loaded
            while len(saves) >= saving or (saves and saves[0][1].ready()):
                yield saved()
            saves.append((outcome, savers.apply_async(_attempt, (outcome, "write", save, outcome.case, predicted))))
            del predicted
        while saves:
            yield saved()


def _attempt(outcome: Outcome[Any], stage: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function gives, with its seconds in the outcome; nothing once a case has failed."""
    if outcome.error is not None:
        return None
    begun = time.perf_counter()
    try:
        return function(*arguments)
    except (Exception, SystemExit) as error:
        outcome.error = error
        return None
    finally:
        outcome.seconds[stage] = time.perf_counter() - begun
