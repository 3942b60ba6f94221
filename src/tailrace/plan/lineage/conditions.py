"""The columns that syncs filter by: their `where` and `suppress`."""

from __future__ import annotations

from collections.abc import Iterable

from tailrace.project.spec import Sync


def condition_columns(syncs: Iterable[Sync]) -> dict[str, tuple[str, ...]]:
    """By sync, the columns that its conditions name; both were found to be SQL when the project was checked."""
    found = {}
    for sync in syncs:
        names: dict[str, None] = {}
        for text in (sync.where, sync.suppress):
            if text:
                names |= dict.fromkeys(_columns(text))
        found[sync.name] = tuple(names)
    return found


def _columns(text: str) -> list[str]:
    import sqlglot
    from sqlglot import exp

    return [column.name for column in sqlglot.parse_one(text, read="duckdb").find_all(exp.Column)]
