import itertools

import pytest

from nnunet_lunet.pruning import schedule


@pytest.mark.parametrize(
    ("channels", "n_groups", "keep", "epochs", "recover"),
    [
        (channels, 14, keep, epochs, recover)
        for channels, keep, epochs, recover in itertools.product((60, 368, 1984), (25, 90), (2, 9, 50, 1000), (1, 2, 5))
        if recover <= 2 * epochs // 3
    ],
)
def test_the_goal_is_reached_within_two_thirds_of_training(channels, n_groups, keep, epochs, recover):
    made = schedule.plan(channels, n_groups, keep, epochs, recover)
    assert made.channels_at_end == -(-channels * keep // 100)
    steps = list(made.channels_per_step)
    assert steps[0] >= recover and steps[-1] <= 2 * epochs / 3
    assert all(later - earlier == recover for earlier, later in itertools.pairwise(steps))
    counts = made.channels_per_step.values()
    assert min(counts) >= 1 and max(counts) - min(counts) <= 1


def test_one_channel_at_a_time_where_there_is_time_for_it():
    made = schedule.plan(channels=40, n_groups=4, keep=50, epochs=100)
    assert set(made.channels_per_step.values()) == {1} and len(made.channels_per_step) == 20


def test_the_line_for_the_log():
    assert schedule.plan(10, 2, 50, 6, 1).describe() == (
        "pruning in 4 steps from epoch 1 to epoch 4, 1 to 2 channels each: 10 prunable channels become 5"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((100, 4, 0, 50), "_keep0"), ((100, 4, 100, 50), "_keep100"), ((100, 4, 101, 50), "_keep101"),
        ((100, 30, 25, 50), "use _keep30 or more"), ((100, 4, 25, 50, 1, 10), "use _keep40 or more"),
        ((100, 4, 25, 1), "at least 2 epochs"), ((100, 4, 25, 5, 8), "at least 12 epochs"),
        ((10, 2, 95, 9), "removes none"),
    ],
)  # fmt: skip
def test_a_goal_out_of_reach_says_what_would_be_in_reach(arguments, says):
    with pytest.raises(schedule.ScheduleError, match=says):
        schedule.plan(*arguments)
