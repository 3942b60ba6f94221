"""Fast, repeatable draws, and times as HubSpot spells them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")

DAY_MS = 86_400_000
EPOCH = date(1970, 1, 1)


def stream(seed: int, name: str) -> random.Random:
    """An own generator per part of the world, so that one part's size does not change another part."""
    return random.Random(f"{seed}:{name}")


def weighted(pairs: Sequence[tuple[T, int]]) -> tuple[T, ...]:
    """A table in which each value stands as often as its weight says; `pick` then draws by weight."""
    return tuple(value for value, weight in pairs for _ in range(weight))


def picker(rng: random.Random) -> Callable[[Sequence[T]], T]:
    """`rng.choice` at a third of its cost: worlds have 200,000 people with 20 draws each."""
    draw = rng.random

    def pick(values: Sequence[T]) -> T:
        return values[int(draw() * len(values))]

    return pick


def share(count: int, percent: float) -> int:
    """How many of `count` are `percent`, but at least one in any world of twenty and more."""
    return max(round(count * percent / 100), 1 if count >= 20 else 0)


def midnight(day: date) -> int:
    """Milliseconds since 1970 at the start of the day, UTC."""
    return (day - EPOCH).days * DAY_MS


@lru_cache(maxsize=2048)
def _day(number: int) -> str:
    return (EPOCH + timedelta(days=number)).isoformat()


def stamp(moment: int) -> str:
    """Milliseconds since 1970 as 2026-01-31T09:30:00.000Z."""
    day, rest = divmod(moment, DAY_MS)
    seconds, milliseconds = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    return f"{_day(day)}T{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}.{milliseconds:03d}Z"
