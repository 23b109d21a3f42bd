"""Stages of different cases overlap, a few cases at a time."""

import threading
import time

import pytest

from nnunet_lunet.errors import UserError
from nnunet_lunet.inference.pipeline import overlap


class Counter:
    """Cases between the start of ``load`` and the end of ``save``, and the most there were."""

    def __init__(self):
        self.lock, self.now, self.most = threading.Lock(), 0, 0

    def __call__(self, change):
        with self.lock:
            self.now += change
            self.most = max(self.most, self.now)


@pytest.mark.parametrize(("loading", "saving"), [(1, 1), (2, 1), (1, 3)])
@pytest.mark.parametrize("slow", ["load", "predict", "save"])
def test_no_more_cases_than_promised_are_in_flight(slow, loading, saving):
    count, saved = Counter(), []

    def stage(name, change, value):
        count(change)
        time.sleep(0.02 if name == slow else 0.002)
        return value

    outcomes = list(
        overlap(
            range(12), lambda case: stage("load", 1, case), lambda case, loaded: stage("predict", 0, loaded),
            lambda case, predicted: saved.append(stage("save", -1, predicted)), loading, saving,
        )
    )  # fmt: skip
    assert [outcome.case for outcome in outcomes] == list(range(12)) == sorted(saved)
    assert 2 <= count.most <= loading + 1 + saving
    assert all(outcome.seconds.keys() == {"read", "network", "write"} for outcome in outcomes)


def test_stages_of_different_cases_run_at_the_same_time():
    """Each stage of a case waits for another of its neighbour."""
    both = threading.Barrier(2, timeout=10)
    outcomes = list(overlap(range(2), lambda case: case and both.wait(), lambda case, _: case or both.wait(), _nothing))
    assert [outcome.error for outcome in outcomes] == [None, None]
    outcomes = list(
        overlap(range(2), _nothing, lambda case, _: case and both.wait(), lambda case, _: case or both.wait())
    )
    assert [outcome.error for outcome in outcomes] == [None, None]


@pytest.mark.parametrize("stage", ["read", "network", "write"])
@pytest.mark.parametrize("error", [ValueError("broken"), UserError("broken"), MemoryError()])
def test_a_case_that_fails_leaves_the_others_alone(stage, error):
    calls = []

    def at(name, case):
        calls.append((name, case))
        if name == stage and case == 1:
            raise error
        return case

    outcomes = list(
        overlap(
            range(3),
            lambda case: at("read", case),
            lambda case, _: at("network", case),
            lambda case, _: at("write", case),
        )
    )
    assert [outcome.error for outcome in outcomes] == [None, error, None]
    later = {"read": 0, "network": 1, "write": 2}[stage]
    assert sum(case == 1 for _, case in calls) == later + 1


def test_results_are_let_go_of():
    """A case's image is not kept while the next one is predicted, nor its logits when they are saved."""
    import gc
    import weakref

    class Big:
        pass

    alive: weakref.WeakSet[Big] = weakref.WeakSet()

    def big(*_):
        made = Big()
        alive.add(made)
        return made

    most = 0

    def predict(case, loaded):
        nonlocal most
        gc.collect()
        most = max(most, len(alive))
        return big()

    assert len(list(overlap(range(10), big, predict, _nothing))) == 10
    # An image here, one that is read, logits that are saved, and those that were handed over just now.
    assert most <= 4


def test_what_it_is_stopped_at_does_not_wait_for_others():
    started, forever = threading.Event(), threading.Event()

    def load(case):
        if case == 1:
            started.set()
            forever.wait(60)

    def predict(case, loaded):
        started.wait(10)
        raise KeyboardInterrupt

    begun = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        list(overlap(range(3), load, predict, _nothing))
    assert time.perf_counter() - begun < 5
    forever.set()


def _nothing(*_):
    return None
