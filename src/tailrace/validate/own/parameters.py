"""`{$PARAMETER: name}` in an expectation's kwargs: the value it stands for, known when the suite is judged.

Values take the parameter's place before Great Expectations is asked, in our types as in its own. So what was asked stands whole in the
results, the rows that fail are named by the very same condition, and a check can be asked again from what was kept.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tailrace.errors import WarehouseError
from tailrace.project.spec import Expectation, Parameter
from tailrace.validate.masking import shown_error
from tailrace.validate.own import history
from tailrace.validate.own.declaration import CannotTell, Context
from tailrace.validate.own.kwargs import is_later, too_early
from tailrace.validate.own.sql import BATCH, spelled

_KEY = "$PARAMETER"


class TooEarly(Exception):
    """A parameter taken from history that is too short; the check passes until there is more."""


class Values:
    """The suite's parameters, each found out once, when it is first needed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found: dict[str, Any] = {}

    def resolved(self, item: Expectation) -> Expectation:
        """The expectation with values in place of parameters. TooEarly, or CannotTell where one has no value."""
        return replace(item, kwargs=self._filled(item.kwargs)) if any(named_in(item.kwargs)) else item

    def _filled(self, value: Any) -> Any:
        if is_later(value):
            return self._value(str(value[_KEY]))
        if isinstance(value, Mapping):
            return {name: self._filled(part) for name, part in value.items()}
        return [self._filled(part) for part in value] if isinstance(value, list | tuple) else value

    def _value(self, name: str) -> Any:
        if name not in self._found:
            self._found[name] = self._read(name)
        if isinstance(self._found[name], Exception):
            raise self._found[name]
        return self._found[name]

    def _read(self, name: str) -> Any:
        parameter = self._context.suite.parameters.get(name)
        try:
            if parameter is None:
                return CannotTell(f"parameter {name} is not declared")
            return self._queried(parameter) if parameter.sql else self._remembered(parameter)
        except (CannotTell, TooEarly) as error:
            return error
        except WarehouseError as error:
            return CannotTell(f"parameter {name}: {shown_error(str(error))}")

    def _queried(self, parameter: Parameter) -> Any:
        """The one value of its query; `{batch}` are all staged rows."""
        assert parameter.sql is not None, "asked of those with a query"
        staged = self._context.warehouse.dialect.table(self._context.staged.ref)
        query = spelled(self._context.warehouse.dialect, parameter.sql.rstrip("; \t\r\n"))
        rows = self._context.warehouse.query(query.replace(BATCH, staged))
        if len(rows) > 1 or (rows and len(rows[0]) != 1):
            raise CannotTell(f"parameter {parameter.name} must be one value, its query gives more")
        value = rows[0][0] if rows else None
        if value is None and parameter.default is None:
            raise CannotTell(f"parameter {parameter.name} has no value: its query gives none")
        return parameter.default if value is None else _plain(value)

    def _remembered(self, parameter: Parameter) -> Any:
        known = self._numbers(parameter)
        if len(known) >= parameter.min_runs:
            return _taken(parameter, known)
        if parameter.default is not None:
            return parameter.default
        raise TooEarly(too_early(len(known), parameter.min_runs))

    def _numbers(self, parameter: Parameter) -> list[float]:
        """Newest first. Runs that a check blocked which uses the parameter, or the one it is taken from, do not count."""
        context = self._context
        stopped_by = [
            history.Check.of(item)
            for item in context.suite.expectations
            if parameter.name in named_in(item.kwargs) or _is_source(parameter, item)
        ]
        source = next((item for item in context.suite.expectations if _is_source(parameter, item)), None)
        observed = history.Check.of(source) if source else None
        past = history.past_runs(
            context.warehouse, context.suite, context.staged, observed, stopped_by, parameter.runs
        )
        if parameter.history == "rows":
            return [float(one.rows) for one in past]
        return [one.number for one in past if one.number is not None]


def named_in(value: Any) -> Iterator[str]:
    """The parameters that kwargs name, at any depth."""
    if is_later(value):
        yield str(value[_KEY])
    elif isinstance(value, Mapping | list | tuple):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from named_in(part)


def _is_source(parameter: Parameter, item: Expectation) -> bool:
    if parameter.history != "observed" or item.type != parameter.of:
        return False
    return not parameter.column or (history.Check.of(item).column or "").lower() == parameter.column.lower()


def _taken(parameter: Parameter, known: list[float]) -> float | int:
    spread = statistics.stdev(known) if len(known) > 1 else 0.0
    value = _one(parameter.take, known) * parameter.times + parameter.plus + parameter.stddevs * spread
    return int(value) if value == int(value) else value


def _one(take: str, known: list[float]) -> float:
    """One number of several, the newest first."""
    if take == "last":
        return known[0]
    if take in ("min", "max"):
        return min(known) if take == "min" else max(known)
    return statistics.median(known) if take == "median" else statistics.fmean(known)


def _plain(value: Any) -> Any:
    """As a suite's file would have it."""
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, datetime):
        return value.isoformat(sep="T")
    if isinstance(value, date):
        return value.isoformat()
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
