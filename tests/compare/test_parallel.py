"""Where jobs run."""

import os
import time

import pytest

from nnunet_lunet.compare import parallel
from nnunet_lunet.errors import UserError


def process(seconds):
    """Which one it is, after as much computing."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return os.getpid()


def slept():
    time.sleep(0.1)
    return os.getpid()


def killed():
    os._exit(1)


def run(monkeypatch, seconds, worth, processes=None, cores=2):
    """The processes that each of four jobs ran in, in order."""
    monkeypatch.setattr(parallel, "WORTH_STARTING", worth)
    monkeypatch.setattr(parallel, "usable", lambda: cores)
    found = dict(parallel.each(process, dict.fromkeys("abcd", (seconds,)), processes))
    return [found[name] for name in "abcd"]


@pytest.mark.parametrize("options", [{"worth": 5}, {"worth": 0, "processes": 1}, {"worth": 0, "cores": 1}])
def test_little_work_one_process_and_one_core_stay_in_this_process(monkeypatch, options):
    assert run(monkeypatch, 0.01, **options) == [os.getpid()] * 4


def test_waiting_for_others_on_the_machine_is_no_work(monkeypatch):
    monkeypatch.setattr(parallel, "WORTH_STARTING", 0.1)
    monkeypatch.setattr(parallel, "usable", lambda: 2)
    assert set(dict(parallel.each(slept, dict.fromkeys("abcd", ()), None)).values()) == {os.getpid()}


@pytest.mark.slow
def test_others_take_over_where_that_is_worth_it(monkeypatch):
    # The first job's time is of imports: it decides nothing.
    found = run(monkeypatch, 0.1, worth=0.15)
    assert found[:2] == [os.getpid()] * 2 and os.getpid() not in found[2:]


@pytest.mark.slow
def test_as_many_processes_as_the_user_says(monkeypatch):
    found = run(monkeypatch, 0.5, worth=5, processes=2)
    assert os.getpid() not in found and len(set(found)) <= 2


def test_no_more_processes_than_cores_or_than_nnunet_uses(monkeypatch):
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda process: {0, 1, 2}, raising=False)
    for of_nnunet, expected in ((8, 3), (2, 2), (0, 1)):
        monkeypatch.setattr(parallel, "default_num_processes", of_nnunet)
        assert parallel.usable() == expected


@pytest.mark.slow
def test_a_killed_process_is_one_line():
    with pytest.raises(UserError, match="--processes 2: one was killed"):
        dict(parallel.each(killed, {"a": (), "b": ()}, 2))
