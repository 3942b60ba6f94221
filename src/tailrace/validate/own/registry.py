"""tailrace's own types of expectation, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tailrace.project.spec import Expectation
from tailrace.validate.entry import Entry, Problem
from tailrace.validate.own import (
    exists_in,
    fresh,
    no_drift,
    no_missing_days,
    row_count_near_history,
    total_matches_source,
)
from tailrace.validate.own.declaration import OwnCheck

_MODULES = (row_count_near_history, fresh, no_missing_days, total_matches_source, no_drift, exists_in)
OTHER_TABLE = "other_table_name"
"""Great Expectations' own kwarg that names a table."""
CHECKS: Mapping[str, OwnCheck] = {module.CHECK.type: module.CHECK for module in _MODULES}


def entries() -> Mapping[str, Entry]:
    """How each is called and what it takes."""
    return {name: check.entry for name, check in CHECKS.items()}


def wrong_with(item: Expectation) -> Iterator[Problem]:
    """What is wrong with the values of its kwargs; their kinds, and columns of the model, are judged as everybody's. Nothing for other types."""
    check = CHECKS.get(item.type)
    if check:
        yield from check.wrong_with(item.kwargs)


def tables_of(item: Expectation) -> tuple[tuple[tuple[str | int, ...], str], ...]:
    """The models or `dataset.table` that it reads beside its own model, each with its path in the expectation."""
    check = CHECKS.get(item.type)
    named = check.tables if check else (OTHER_TABLE,)
    return tuple(
        (("kwargs", name), item.kwargs[name])
        for name in named
        if isinstance(item.kwargs.get(name), str) and item.kwargs[name]
    )


def stores(item: Expectation) -> str | None:
    """The column whose values it keeps from run to run; one that is personal is refused when it is judged."""
    return str(item.kwargs.get("column")) if item.type == no_drift.CHECK.type else None
