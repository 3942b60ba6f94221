"""SQL conditions in a sync's YAML: one boolean expression over the model's columns, judged as a suite's `where:` is."""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.errors import Diagnostic, Location
from tailrace.validate.where import wrong_with


def check_condition(
    sql: str, location: Location, key: str, columns: Sequence[str] | None
) -> list[Diagnostic]:
    """What is wrong with `where` or `suppress`: no SQL, no condition on one row, a clock, a column that is not there."""
    found = wrong_with(sql, columns)
    return [Diagnostic(location, message.replace("where", key, 1), fix) for message, fix in found]
