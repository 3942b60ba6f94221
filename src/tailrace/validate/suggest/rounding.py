"""Numbers as people write bounds: rounded outward, never the exact value that was seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

SMALLEST, LARGEST = 1e-12, 1e15
"""Beyond the one a double no longer holds whole numbers, below the other a bound is written like nothing."""

_SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
_LENGTHS = (5, 10, 20, 50, 100, 200, 255, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000)


def outward(value: float) -> float | int | None:
    """The next of 1, 2, 5 times a power of ten away from zero; None for what cannot be a bound."""
    size = abs(value)
    if size == 0:
        return 0
    if not math.isfinite(size) or not SMALLEST < size <= LARGEST:
        return None
    exponent = math.floor(math.log10(size))
    for factor in (1, 2, 5, 10):
        bound = Decimal(factor) * Decimal(10) ** exponent
        if bound >= Decimal(size) * Decimal("0.999999999"):
            signed = bound if value > 0 else -bound
            return int(signed) if exponent >= 0 or signed == signed.to_integral_value() else float(signed)
    return None


def slack(missed: int, of: int) -> float | None:
    """`mostly` for `missed` exceptions among `of`: twice as many, and as chance brings in as few rows; None beyond half."""
    share = missed / of
    allowed = max(2 * share, share + 3 * math.sqrt(share * (1 - share) / of))
    step = _next(allowed, _SHARES)
    return None if step is None else round(1 - step, 3)


def length(longest: int) -> int | None:
    """A longest length with room for twice what was seen."""
    step = _next(2 * longest, _LENGTHS)
    return None if step is None else int(step)


def _next(value: float, steps: Sequence[float]) -> float | None:
    return next((step for step in steps if step >= value - 1e-12), None)


def shown(value: Any) -> str:
    """A number as a comment shows it: thousands apart, at most six significant digits."""
    if isinstance(value, bool):
        return str(value).lower()
    number = float(value)
    if not math.isfinite(number):
        return str(number)
    if number == int(number) and abs(number) < LARGEST:
        return f"{int(number):,}"
    return f"{number:,.4g}" if abs(number) < 1000 or abs(number) >= LARGEST else f"{number:,.0f}"
