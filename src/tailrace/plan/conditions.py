"""SQL conditions in YAML: what is wrong with each, kept so that an unchanged project is checked without a parser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tailrace.build.facts import Cache, key_of, version_of
from tailrace.errors import Diagnostic, Location
from tailrace.validate.parameter_sql import ParameterFacts, facts_of
from tailrace.validate.reading import wrong_with as wrong_with_rows_query
from tailrace.validate.where import wrong_with

FILE = "conditions.json"


class Conditions:
    """Verdicts by condition and columns. `folder` may be deleted at any time; None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._cache = Cache(folder, version_of("conditions", "3"), FILE)

    def wrong_with(self, condition: str, columns: Iterable[str] | None) -> list[tuple[str, str]]:
        """As validate.where.wrong_with, which is asked once for a condition on the same columns."""
        known = None if columns is None else sorted(columns)
        key = key_of(condition, *(() if known is None else ("of", *known)))
        kept = self._cache.get(key)
        if kept is None:
            kept = {"wrong": [list(pair) for pair in wrong_with(condition, known)]}
            self._cache.put(key, kept)
        return [(message, fix) for message, fix in kept["wrong"]]

    def query(self, sql: str) -> ParameterFacts:
        """As validate.parameter_sql.facts_of, which is asked once for a query."""
        return self._facts(key_of("query", sql), lambda: facts_of(sql))

    def rows_query(self, sql: str) -> ParameterFacts:
        """The same of a query of rows that should not be there."""

        def found() -> ParameterFacts:
            return ParameterFacts(tuple(wrong_with_rows_query(sql)), facts_of(sql).tables)

        return self._facts(key_of("rows", sql), found)

    def wrong_columns(self, sql: str, known: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
        """As query_columns.wrong_columns, which is asked once for a query on the same tables."""
        told = (part for table in sorted(known) for part in (f"of {table}", *sorted(known[table])))

        def found() -> ParameterFacts:
            from tailrace.plan.query_columns import wrong_columns

            return ParameterFacts(tuple(wrong_columns(sql, known)))

        return list(self._facts(key_of("columns", sql, *told), found).wrong)

    def _facts(self, key: str, find: Callable[[], ParameterFacts]) -> ParameterFacts:
        kept = self._cache.get(key)
        if kept is None:
            found = find()
            kept = {"wrong": [list(pair) for pair in found.wrong], "tables": list(found.tables)}
            self._cache.put(key, kept)
        wrong = tuple((str(message), str(fix)) for message, fix in kept["wrong"])
        return ParameterFacts(wrong, tuple(kept["tables"]))

    def check(
        self, sql: str, location: Location, key: str, columns: Sequence[str] | None
    ) -> list[Diagnostic]:
        """What is wrong with a sync's `where` or `suppress`, judged as a suite's `where:` is."""
        found = self.wrong_with(sql, columns)
        return [Diagnostic(location, message.replace("where", key, 1), fix) for message, fix in found]

    def save(self) -> None:
        self._cache.save()
