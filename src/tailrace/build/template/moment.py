"""`model.batch`: the edges of a batch are known when it runs, so that a template can print them and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NoReturn

from tailrace.build.batches import mark_of
from tailrace.build.template.failures import Mistake

_IDS: Mapping[str, str] = {"hour": "%Y%m%dT%H", "day": "%Y%m%d", "month": "%Y%m", "year": "%Y"}


class Moment:
    """An edge of a batch (`start` or `end`), `shift` away from it, in strftime's `form`; prints as a mark."""

    def __init__(self, edge: str, shift: timedelta = timedelta(), form: str = "") -> None:
        self._edge = edge
        self._shift = shift
        self._form = form

    def strftime(self, format: str) -> Moment:  # noqa: A002 - datetime's word
        """The edge in that form."""
        if "'" in format or "\\" in format or '"' in format:
            raise Mistake("the form of a batch's edge holds a quote", "Write the quotes around strftime()")
        return Moment(self._edge, self._shift, format)

    def isoformat(self, sep: str = "T") -> Moment:
        """In UTC, as datetime prints it; a date's is its day."""
        fraction = ".%f" if self._shift % timedelta(seconds=1) else ""
        return self.strftime(f"%Y-%m-%d{sep}%H:%M:%S{fraction}+00:00")

    def date(self) -> Day:
        """The day of it, in UTC."""
        return Day(self._edge, self._shift)

    @property
    def mark(self) -> str:
        """What it prints as until the batch is known."""
        return mark_of(self._edge, self._shift, self._form) if self._form else self.isoformat(" ").mark

    def __add__(self, other: timedelta) -> Moment:
        return type(self)(self._edge, self._shift + other) if self._is_movable(other) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: timedelta) -> Moment:
        return type(self)(self._edge, self._shift - other) if self._is_movable(other) else NotImplemented

    def _is_movable(self, other: object) -> bool:
        return isinstance(other, timedelta) and not self._form

    def _unknown(self, *_args: object) -> NoReturn:
        raise Mistake(
            "the edge of a batch is known only when the batch runs",
            "Print it, or strftime() of it; join it to texts with ~",
        )

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __getitem__ = __iter__ = __len__ = _unknown
    __str__ = __repr__ = __format__ = _unknown
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in ("unsafe_callable", "alters_data"):
            raise AttributeError(name)
        self._unknown()


class Day(Moment):
    """A day, which has no time of it."""

    def isoformat(self, sep: str = "") -> Moment:  # noqa: ARG002 - a day has none
        """As a date prints."""
        return self.strftime("%Y-%m-%d")


class Batch:
    """What dbt tells of the batch that a microbatch model is run for."""

    def __init__(self, batch_size: str) -> None:
        self.event_time_start = Moment("start")
        self.event_time_end = Moment("end")
        self.id = Moment("start", form=_IDS.get(batch_size, "%Y%m%d"))

    def __repr__(self) -> str:
        return "batch"
