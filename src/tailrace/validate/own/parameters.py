"""`{$PARAMETER: name}` in an expectation's kwargs: the value it stands for, known when the suite is judged.

Values take the parameter's place before Great Expectations is asked, in our types as in its own. So what was asked stands whole in the
results, the rows that fail are named by the very same condition, and a check can be asked again from what was kept.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tailrace.errors import WarehouseError
from tailrace.project.spec import Expectation, Parameter
from tailrace.validate.masking import masked, names_personal, shown_error
from tailrace.validate.own import history
from tailrace.validate.own.declaration import CannotTell, Context
from tailrace.validate.own.kwargs import is_later, too_early
from tailrace.validate.own.sql import BATCH, spelled
from tailrace.validate.unjudged import kind_of

_KEY = "$PARAMETER"


class TooEarly(Exception):
    """A parameter taken from history that is too short; the check passes until there is more."""


@dataclass(frozen=True)
class Value:
    """A parameter's value. `written`: by the suite's author; `open`: of data, but a number, day or boolean of no personal column."""

    value: Any
    written: bool = False
    open: bool = False


class Values:
    """The suite's parameters, each found out once, when it is first needed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found: dict[str, Value | Exception] = {}

    def resolved(self, item: Expectation) -> Expectation:
        """The expectation with values in place of parameters. TooEarly, or CannotTell where one has no value."""
        if not any(named_in(item.kwargs)):
            return item
        return replace(item, kwargs=_filled(item.kwargs, lambda name: self._value(name).value))

    def shown(self, item: Expectation) -> Expectation:
        """The same as it may be told: values that come from data are *** unless they are open, and the check is of no personal column."""
        if not any(named_in(item.kwargs)):
            return item
        personal = names_personal(item.kwargs, self._context.personal)

        def told(name: str) -> Any:
            found = self._value(name)
            return found.value if found.written or (found.open and not personal) else masked(found.value)

        return replace(item, kwargs=_filled(item.kwargs, told))

    def is_fed_by(self, item: Expectation) -> bool:
        """Whether a parameter of the expectation is taken from what it observed itself."""
        known = self._context.suite.parameters
        return any(is_source(known[name], item) for name in named_in(item.kwargs) if name in known)

    def _value(self, name: str) -> Value:
        if name not in self._found:
            self._found[name] = self._read(name)
        found = self._found[name]
        if isinstance(found, Exception):
            raise found
        return found

    def _read(self, name: str) -> Value | Exception:
        parameter = self._context.suite.parameters.get(name)
        try:
            if parameter is None:
                return CannotTell(f"parameter {name} is not declared")
            return self._queried(parameter) if parameter.sql else self._remembered(parameter)
        except (CannotTell, TooEarly) as error:
            return error
        except WarehouseError as error:
            told = kind_of if self._context.personal else shown_error
            return CannotTell(f"parameter {name}: {told(str(error))}")

    def _queried(self, parameter: Parameter) -> Value:
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
        if value is None:
            return Value(parameter.default, written=True)
        return Value(_plain(value), open=_is_plain(value) and not self._reads_personal(parameter.sql))

    def _reads_personal(self, query: str) -> bool:
        if not self._context.personal:
            return False
        from tailrace.validate.own.reads import reads_any_of

        return reads_any_of(query, self._context.personal)

    def _remembered(self, parameter: Parameter) -> Value:
        known = self._numbers(parameter)
        if len(known) >= parameter.min_runs:
            return Value(_taken(parameter, known), open=True)
        if parameter.default is not None:
            return Value(parameter.default, written=True)
        raise TooEarly(too_early(len(known), parameter.min_runs))

    def _numbers(self, parameter: Parameter) -> list[float]:
        """Newest first. Runs that a check blocked which uses the parameter, or the one it is taken from, do not count."""
        context = self._context
        stopped_by = [
            history.Check.of(item)
            for item in context.suite.expectations
            if parameter.name in named_in(item.kwargs) or is_source(parameter, item)
        ]
        source = next((item for item in context.suite.expectations if is_source(parameter, item)), None)
        observed = history.Check.of(source) if source else None
        past = history.past_runs(
            context.warehouse, context.suite, context.staged, observed, stopped_by, parameter.runs
        )
        if parameter.history == "rows":
            return [float(one.rows) for one in past]
        return [one.number for one in past if one.number is not None]


def _filled(value: Any, value_of: Callable[[str], Any]) -> Any:
    if is_later(value):
        return value_of(str(value[_KEY]))
    if isinstance(value, Mapping):
        return {name: _filled(part, value_of) for name, part in value.items()}
    return [_filled(part, value_of) for part in value] if isinstance(value, list | tuple) else value


def _is_plain(value: Any) -> bool:
    """Numbers, days, instants and booleans, or a list of them; a text can be anybody's name."""
    if isinstance(value, list | tuple):
        return all(_is_plain(part) for part in value)
    return value is None or isinstance(value, bool | int | float | Decimal | date)


def named_in(value: Any) -> Iterator[str]:
    """The parameters that kwargs name, at any depth."""
    if is_later(value):
        yield str(value[_KEY])
    elif isinstance(value, Mapping | list | tuple):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from named_in(part)


def is_source(parameter: Parameter, item: Expectation) -> bool:
    """Whether what this expectation observed is what the parameter is taken from."""
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
