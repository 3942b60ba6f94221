"""`modules`: the pure parts of datetime, pytz, re and itertools. Their clock is the run's, their series have an end."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import wraps
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tailrace.build.template.failures import Mistake
from tailrace.build.template.limits import LONGEST, Runaway, check_size, limited
from tailrace.errors import near_miss


class DateTime:
    """The class datetime; now() is the run's."""

    min, max = datetime.min, datetime.max  # noqa: DTZ901 - the template's own
    strptime, fromisoformat, combine = datetime.strptime, datetime.fromisoformat, datetime.combine
    fromordinal, fromtimestamp = datetime.fromordinal, datetime.fromtimestamp

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def __call__(self, *args: Any, **kwargs: Any) -> datetime:
        return datetime(*args, **kwargs)  # noqa: DTZ001 - the template's own

    def now(self, tz: tzinfo | None = None) -> datetime:
        return self._now().astimezone(tz) if tz else self._now().replace(tzinfo=None)

    def utcnow(self) -> datetime:
        return self._now().replace(tzinfo=None)

    def today(self) -> datetime:
        return self._now().replace(tzinfo=None)

    def utcfromtimestamp(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


class Date:
    """The class date; today() is the run's."""

    min, max = date.min, date.max
    fromisoformat, fromordinal, fromisocalendar = date.fromisoformat, date.fromordinal, date.fromisocalendar

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def __call__(self, *args: Any, **kwargs: Any) -> date:
        return date(*args, **kwargs)

    def today(self) -> date:
        return self._now().date()


class Zone(ZoneInfo):
    """A zone as pytz has it."""

    def localize(self, moment: datetime, is_dst: bool | None = False) -> datetime:
        """The wall clock's time in this zone; the later of two where `is_dst` is false."""
        return moment.replace(tzinfo=self, fold=0 if is_dst else 1)

    def normalize(self, moment: datetime) -> datetime:
        return moment.astimezone(self)

    @property
    def zone(self) -> str:
        return self.key

    def __str__(self) -> str:
        return self.key


def zone(name: str) -> Zone:
    """pytz.timezone()."""
    try:
        return Zone(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        from zoneinfo import available_timezones

        fix = near_miss(str(name), sorted(available_timezones()))
        raise Mistake(f"there is no time zone {name}", fix[:1].upper() + fix[1:]) from None


class Pattern:
    """A compiled expression of `re`."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._compiled = re.compile(pattern, flags)

    @property
    def pattern(self) -> str:
        return self._compiled.pattern

    def match(self, string: str) -> re.Match[str] | None:
        return self._compiled.match(string)

    def search(self, string: str) -> re.Match[str] | None:
        return self._compiled.search(string)

    def fullmatch(self, string: str) -> re.Match[str] | None:
        return self._compiled.fullmatch(string)

    def findall(self, string: str) -> list[Any]:
        return self._compiled.findall(string)

    def finditer(self, string: str) -> Iterator[re.Match[str]]:
        return self._compiled.finditer(string)

    def split(self, string: str, maxsplit: int = 0) -> list[Any]:
        return self._compiled.split(string, maxsplit)

    def sub(self, repl: Any, string: str, count: int = 0) -> str:
        """The text with each match replaced, as long as it does not grow without end."""
        size = 0

        def piece(found: re.Match[str]) -> str:
            nonlocal size
            text = str(repl(found)) if callable(repl) else _expanded(found, repl)
            size += len(text)
            check_size(size)
            return text

        return self._compiled.sub(piece, string, count)


def _expanded(found: re.Match[str], repl: str) -> str:
    """The replacement with the match's groups in it."""
    if "\\" not in repl:
        return repl
    check_size(len(repl) + repl.count("\\") * len(found.string))
    return found.expand(repl)


def _expressions() -> SimpleNamespace:
    def by(name: str) -> Callable[..., Any]:
        def function(pattern: Any, *args: Any, flags: int = 0) -> Any:
            made = pattern if isinstance(pattern, Pattern) else Pattern(pattern, flags)
            return getattr(made, name)(*args)

        return function

    functions = {
        name: by(name) for name in ("match", "search", "fullmatch", "findall", "finditer", "split", "sub")
    }
    flags = {
        name: int(getattr(re, name))
        for name in ("I", "IGNORECASE", "M", "MULTILINE", "S", "DOTALL", "X", "VERBOSE", "A", "ASCII")
    }
    return SimpleNamespace(**functions, **flags, compile=Pattern, escape=re.escape)


_SERIES = (
    "count", "cycle", "repeat", "accumulate", "chain", "compress", "islice", "starmap", "zip_longest", "product", "permutations",
    "combinations", "combinations_with_replacement",
)  # fmt: skip


def _series(function: Callable[..., Iterable[Any]]) -> Callable[..., Iterator[Any]]:
    @wraps(function)
    def series(*args: Any, **kwargs: Any) -> Iterator[Any]:
        if function is itertools.product and kwargs.get("repeat", 1) > LONGEST:
            raise Runaway("makes a product without end")
        return limited(function(*args, **kwargs))

    return series


def modules(now: Callable[[], datetime]) -> SimpleNamespace:
    """What dbt calls `modules`; `now` is asked for the run's clock."""
    return SimpleNamespace(
        datetime=SimpleNamespace(
            datetime=DateTime(now),
            date=Date(now),
            time=time,
            timedelta=timedelta,
            timezone=timezone,
            tzinfo=tzinfo,
        ),
        pytz=SimpleNamespace(timezone=zone, utc=Zone("UTC"), UTC=Zone("UTC")),
        re=_expressions(),
        itertools=SimpleNamespace(**{name: _series(getattr(itertools, name)) for name in _SERIES}),
    )
