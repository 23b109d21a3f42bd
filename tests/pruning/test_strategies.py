import numpy as np
import pytest

from nnunet_lunet.pruning import strategies
from nnunet_lunet.pruning.strategies import STRATEGIES

IMPORTANCE = {"a": [0.5, 0.2, 0.9], "b": [0.3, 0.1, 0.8, 0.7], "c": [0.4, 0.6, 0.35, 0.9]}
DEPTHS = {"a": 0.0, "b": 2.0, "c": 2.0}
#: Channels of the paper's U-Net 4, in the order of its convolutions.
U_NET_4 = [4, 4, 8, 8, 16, 16, 32, 32, 64, 64, 32, 32, 16, 16, 8, 8, 4, 4]


def chosen(strategy, count, seed=0, importance=IMPORTANCE, floor=1):
    removals = strategies.choose(importance, DEPTHS, count, strategy, np.random.default_rng(seed), floor)
    return [(removal.group, removal.channel) for removal in removals]


def noise(seed):
    """Importances without information, divided by layer as STAMP does."""
    rng = np.random.default_rng(seed)
    drawn = {f"layer{index}": np.abs(rng.normal(1, 0.3, width)) for index, width in enumerate(U_NET_4)}
    return {name: (values / np.sqrt((values**2).sum())).tolist() for name, values in drawn.items()}


@pytest.mark.parametrize("strategy", ["stamp", "leastImportant"])
def test_the_least_important_of_all_layers_leave(strategy):
    assert chosen(strategy, 4) == [("b", 1), ("a", 1), ("b", 0), ("c", 2)]


@pytest.mark.parametrize("count", [1, 2, 6, 30])
def test_random_at_stamp_takes_from_each_layer_as_many_as_stamp(count):
    importance, depths = noise(3), dict.fromkeys(noise(3), 0.0)
    taken = {}
    for strategy in ("stamp", "randomAtStamp"):
        removals = strategies.choose(importance, depths, count, strategy, np.random.default_rng(1))
        taken[strategy] = sorted(removal.group for removal in removals)
    assert taken["randomAtStamp"] == taken["stamp"]
    assert count < 6 or len(set(taken["stamp"])) > 2


def test_random_at_stamp_takes_any_channel_of_a_layer_alike():
    # STAMP would take b1, a1 and b0: two of b and one of a.
    draws = [chosen("randomAtStamp", 3, seed) for seed in range(2000)]
    assert all(sorted(group for group, _ in draw) == ["a", "b", "b"] and len(set(draw)) == 3 for draw in draws)
    for group, times, width in (("a", 1, 3), ("b", 2, 4)):
        channels = [channel for draw in draws for name, channel in draw if name == group]
        share = times / width
        counts = np.bincount(channels, minlength=width)
        assert abs(counts - 2000 * share).max() < 4 * np.sqrt(2000 * share * (1 - share))


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
    assert [group for group, _ in chosen("randomAtStamp", 2, importance=importance)] == ["a", "c"]
    with pytest.raises(ValueError, match="no channel is left"):
        chosen("stamp", 1, importance={"a": [np.nan, np.nan]})
