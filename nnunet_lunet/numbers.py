"""Numbers as people read them, one format for each kind. No torch."""

import math

MISSING = "–"
_PREFIXES = {1: "", 1e3: "k", 1e6: "M", 1e9: "G", 1e12: "T"}


def fixed(value: float | None, digits: int) -> str:
    """With so many decimals, thousands separated and a true minus sign: ``0.853``, ``−12,345.7``."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:,.{digits}f}"
    return (text if float(text.replace(",", "")) else text.lstrip("-")).replace("-", "−")


def signed(value: float | None, digits: int) -> str:
    """As :func:`fixed`, with a plus where the value is above zero as it is shown: ``+0.4``."""
    text = fixed(value, digits)
    return text if text == MISSING or text.startswith("−") or not text.strip("0.") else f"+{text}"


def whole(value: float | None) -> str:
    """``5,603,177``."""
    return fixed(value, 0)


def significant(value: float | None) -> str:
    """With three digits, or all of those before the point: ``0.306``, ``12.3``, ``1,234``."""
    if value is None or not math.isfinite(value):
        return MISSING
    return fixed(value, 0) if abs(value) >= 1000 else f"{value:.3g}".replace("-", "−")


def scaled(value: float | None, unit: str = "") -> str:
    """With three digits and a prefix, powers of ten: ``19.1 G``, with unit ``B`` ``3.2 GB``."""
    if value is None or not math.isfinite(value):
        return MISSING
    factor = max((factor for factor in _PREFIXES if factor <= abs(value)), default=1)
    return f"{significant(value / factor)} {_PREFIXES[factor]}{unit}".rstrip()


def p_value(p: float | None) -> str:
    """``0.012``; below a thousandth ``< 0.001``."""
    return "< 0.001" if p is not None and p < 0.001 else fixed(p, 3)


def times(factor: float | None) -> str:
    """``0.5×``."""
    text = significant(factor)
    return text if text == MISSING else f"{text}×"


def ratio(value: float | None, baseline: float | None, less: str = "fewer", same: str = "as many") -> str:
    """In words: ``188× fewer``, ``1.3× more``; empty where one of the two is not known."""
    if not value or not baseline:
        return ""
    factor = max(value / baseline, baseline / value)
    if f"{factor:.3g}" in ("1", "1.01"):
        return same
    shown = whole(factor) if factor >= 100 else significant(factor)
    return f"{shown}× {'more' if value > baseline else less}"
