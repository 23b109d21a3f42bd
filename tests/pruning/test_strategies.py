import numpy as np
import pytest

from nnunet_lunet.pruning import strategies
from nnunet_lunet.pruning.strategies import STRATEGIES

IMPORTANCE = {"a": [0.5, 0.2, 0.9], "b": [0.3, 0.1, 0.8, 0.7], "c": [0.4, 0.6, 0.35, 0.9]}
LEVELS = {"a": 0, "b": 2, "c": 2}


def chosen(strategy, count, seed=0, importance=IMPORTANCE, floor=1):
    removals = strategies.choose(importance, LEVELS, count, strategy, np.random.default_rng(seed), floor)
    return [(removal.group, removal.channel) for removal in removals]


def test_stamp_takes_the_least_important_of_all_layers():
    assert chosen("stamp", 4) == [("b", 1), ("a", 1), ("b", 0), ("c", 2)]


def test_random_at_stamp_takes_any_channel_of_that_layer_alike():
    draws = [chosen("randomAtStamp", 1, seed)[0] for seed in range(2000)]
    assert {group for group, _ in draws} == {"b"}
    counts = np.bincount([channel for _, channel in draws], minlength=4)
    assert abs(counts - 500).max() < 4 * np.sqrt(2000 * 0.25 * 0.75)


def test_random_at_the_largest_evens_the_layers_out_and_ties_go_to_the_deepest():
    for seed in range(20):
        assert [group for group, _ in chosen("randomAtLargest", 5, seed)] == ["c", "b", "c", "b", "a"]
    assert len({chosen("randomAtLargest", 1, seed)[0] for seed in range(50)}) == 4


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("floor", [1, 2])
def test_no_layer_falls_below_the_floor_and_no_channel_leaves_twice(strategy, floor):
    most = sum(map(len, IMPORTANCE.values())) - 3 * floor
    for seed in range(10):
        removals = chosen(strategy, most, seed, floor=floor)
        assert len(set(removals)) == most
        for group, scores in IMPORTANCE.items():
            assert len(scores) - sum(name == group for name, _ in removals) == floor
        with pytest.raises(ValueError, match="no channel is left"):
            chosen(strategy, most + 1, seed, floor=floor)


def test_what_is_not_a_number_is_not_trusted():
    importance = {**IMPORTANCE, "b": [np.nan, np.nan, 0.8, 0.7]}
    assert chosen("stamp", 2, importance=importance) == [("a", 1), ("c", 2)]
    with pytest.raises(ValueError, match="no channel is left"):
        chosen("stamp", 1, importance={"a": [np.nan, np.nan]})
