"""Which cases are looked at."""

from nnunet_lunet.compare import worst
from nnunet_lunet.compare.record import FOREGROUND, Score


def scores(**models):
    """Dice of cases a, b, c, … by model."""
    return [
        Score(model, "0", None, case, FOREGROUND, {"dice": value})
        for model, values in models.items()
        for case, value in zip("abcdefghijklmnopqrst", values, strict=False)
    ]


def test_each_model_has_its_own_worst_cases():
    found = worst.of_models(scores(U=[0.9, 0.1, 0.5, 0.7], L=[0.1, 0.9, 0.8, None]))
    assert found == {"U": ["b", "c", "d"], "L": ["a", "c", "b"]}


def test_the_worst_of_every_model_is_drawn_before_any_second():
    models = {f"m{n:02}": [0.0 if case == n % 20 else 0.9 for case in range(20)] for n in range(30)}
    few = worst.drawn(scores(U=[0.1 * n for n in range(10)], L=[0.9] * 9 + [0.0]))
    assert {"a", "j"} <= set(few) and few[0] == "a"
    assert len(worst.drawn(scores(**models))) == 5
    assert len(worst.drawn(scores(U=[0.5] * 20))) == 3
    # The second worst are other cases; there is room for two of them.
    ten = {f"m{n}": [0.0 if case == n else 0.1 if case == n + 10 else 0.5 for case in range(20)] for n in range(10)}
    found = set(worst.drawn(scores(**ten)))
    assert found > set("abcdefghij") and len(found) == 12
