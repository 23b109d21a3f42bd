"""Times and ratios, with a clock that can be counted by hand."""

import pytest
import torch
from conftest import make_network
from torch._dynamo.utils import counters

from nnunet_lunet.profile import measure, run


@pytest.fixture
def clock(monkeypatch):
    """What ``measure`` takes for the time; actions move it on."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(measure.time, "perf_counter", lambda: Clock.now)
    return Clock


def test_networks_take_turns_and_the_first_rounds_do_not_count(clock):
    order = []

    def action(name, seconds):
        def act():
            order.append(name)
            clock.now += seconds.pop(0)

        return act

    actions = {"a": action("a", [9, 1, 2]), "b": action("b", [9, 3, 6])}
    ticks = []

    def tick():
        ticks.append(1)
        clock.now += 100  # drawing progress is not in the time

    found = measure.interleaved(actions, rounds=2, warm_up=1, after_each=tick)
    assert order == ["a", "b"] * 3
    assert found == {"a": [1, 2], "b": [3, 6]}
    assert len(ticks) == 6


def test_a_spread_is_median_quartiles_and_range():
    found = measure.distribution([5.0, 1.0, 2.0, 4.0, 3.0])
    assert (found.median, found.low_quartile, found.high_quartile, found.lowest, found.highest) == (3, 2, 4, 1, 5)
    assert found.values == [5, 1, 2, 4, 3]
    assert measure.distribution([2.0]) == measure.Distribution(2, 2, 2, 2, 2, [2.0])


def test_what_slows_a_whole_round_does_not_change_the_ratio():
    # The second round is ten times slower for both; the ratio of the medians would be 3.
    assert measure.ratios([2.0, 20.0, 3.0], [1.0, 10.0, 1.0]).values == [2, 2, 3]
    assert measure.ratios([2.0, 20.0, 3.0], [1.0, 10.0, 1.0]).median == 2


def test_the_machine_says_what_seconds_depend_on(monkeypatch):
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "0")
    found = measure.machine()
    assert found["torch"] == torch.__version__ and found["nnunetv2"]
    assert found["threads"] == torch.get_num_threads() and found["device"] == "cpu"
    environment = found["environment"]
    assert isinstance(environment, dict) and environment["MALLOC_MMAP_MAX_"] == "0"


def test_each_of_many_networks_is_compiled_as_if_it_were_the_only_one():
    """torch compiles eight variants of one forward pass, for variable sizes where they differ, and runs the ninth
    uncompiled, without an error."""
    sizes: list[type] = []

    def backend(graph, inputs):
        sizes.extend(type(edge) for each in inputs for edge in getattr(each, "shape", [each]))
        return graph

    torch._dynamo.reset()
    counters.clear()
    threads = torch.get_num_threads()
    networks = [torch.compile(make_network(width, dim=2, n_stages=2), backend=backend) for width in range(2, 12)]
    with run.as_if_each_trained_alone("cpu", 3, len(networks)), torch.inference_mode():
        assert torch.get_num_threads() == 3
        for edge, network in zip([8, 16] * 5, networks, strict=True):
            network(torch.zeros(1, 1, edge, edge))
    assert counters["stats"]["unique_graphs"] == len(networks)
    assert set(sizes) == {int}
    assert torch.get_num_threads() == threads
    torch._dynamo.reset()
