import pytest

from nnunet_lunet import numbers


@pytest.mark.parametrize(
    ("value", "baseline", "text"),
    [(29_841, 5_603_177, "188× fewer"), (3.0, 2.0, "1.5× more"), (500, 501, "as many"),
     (1, 12_345_678, "12,345,678× fewer"),
     (None, 5, ""), (5, None, ""), (0, 5, "")],
)  # fmt: skip
def test_ratios(value, baseline, text):
    assert numbers.ratio(value, baseline) == text


@pytest.mark.parametrize(
    ("function", "arguments", "text"),
    [
        (numbers.fixed, (-0.0001, 2), "0.00"), (numbers.fixed, (-12345.678, 1), "−12,345.7"),
        (numbers.fixed, (float("nan"), 1), "–"), (numbers.whole, (5_603_177,), "5,603,177"),
        (numbers.signed, (3.12, 1), "+3.1"), (numbers.signed, (-0.42, 2), "−0.42"), (numbers.signed, (0.004, 1), "0.0"),
        (numbers.significant, (0.30649,), "0.306"), (numbers.significant, (1234.5,), "1,234"),
        (numbers.significant, (-0.5,), "−0.5"), (numbers.significant, (None,), "–"),
        (numbers.scaled, (3.2e9, "B"), "3.2 GB"), (numbers.scaled, (5e8, "B"), "500 MB"),
        (numbers.scaled, (1.46e9,), "1.46 G"), (numbers.scaled, (2.5e6,), "2.5 M"), (numbers.scaled, (12,), "12"),
        (numbers.p_value, (0.0123,), "0.012"), (numbers.p_value, (0.00099,), "< 0.001"),
        (numbers.p_value, (None,), "–"), (numbers.times, (0.5,), "0.5×"), (numbers.times, (None,), "–"),
    ],
)  # fmt: skip
def test_numbers(function, arguments, text):
    assert function(*arguments) == text
