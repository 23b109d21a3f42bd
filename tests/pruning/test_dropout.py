import pytest

from nnunet_lunet.pruning import dropout


def test_targeted_dropout_by_hand():
    # Ranks from the least important: b1, a1, b0, a0, a2 -> 1, 0.75, 0.5, 0.25, 0.
    probabilities = dropout.dropout_probabilities({"a": [0.5, 0.2, 0.9], "b": [0.3, 0.1]})
    assert probabilities == pytest.approx({"a": 0.1 * (1 / 3) / 0.75, "b": 0.1})
