"""A table or view as templates hold it: prints as its quoted name, and tells its parts as dbt's Relation does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

Flags = tuple[bool, bool, bool]
"""For database, schema and identifier."""


@dataclass(frozen=True)
class Relation(Mapping[str, Any]):
    """`text` is what it prints as where that is not its quoted name: an ephemeral model's CTE, a batch's part of `whole`.

    A mapping as well, since packages tell relations from texts by that. The database is printed only where `included` says so:
    ours is one file under two names, so that only an attached one has a name of its own.
    """

    schema: str | None
    identifier: str | None
    database: str = ""
    type: str | None = None
    mark: str = '"'
    text: str = ""
    included: Flags = (False, True, True)
    quoting: Flags = (True, True, True)
    whole: str = ""

    def __str__(self) -> str:
        return self.text or self._named()

    def render(self) -> str:
        """The quoted name, as it prints; without the batch's filter, as dbt has it."""
        return self.whole or str(self)

    def _named(self) -> str:
        parts = zip((self.database, self.schema, self.identifier), self.included, self.quoting, strict=True)
        return ".".join(
            self._quoted(part) if quoted else part for part, shown, quoted in parts if shown and part
        )

    def _quoted(self, name: str) -> str:
        return f"{self.mark}{name.replace(self.mark, self.mark * 2)}{self.mark}"

    @property
    def name(self) -> str | None:
        return self.identifier

    @property
    def table(self) -> str | None:
        return self.identifier

    @property
    def is_table(self) -> bool:
        return self.type == "table"

    @property
    def is_view(self) -> bool:
        return self.type == "view"

    @property
    def is_cte(self) -> bool:
        return self.type == "cte"

    @property
    def is_materialized_view(self) -> bool:
        return self.type == "materialized_view"

    def include(
        self, database: bool | None = None, schema: bool | None = None, identifier: bool | None = None
    ) -> Relation:
        """The same with parts of its name shown or not."""
        return self._with(included=_changed(self._included(), (database, schema, identifier)))

    def quote(
        self, database: bool | None = None, schema: bool | None = None, identifier: bool | None = None
    ) -> Relation:
        """The same with parts of its name quoted or not."""
        return self._with(
            included=self._included(), quoting=_changed(self.quoting, (database, schema, identifier))
        )

    def replace_path(self, **parts: Any) -> Relation:
        """Another database, schema or identifier."""
        return self._with(included=self._included(), **parts)

    def incorporate(self, path: Mapping[str, Any] | None = None, type: str | None = None) -> Relation:  # noqa: A002 - dbt's word
        """Another path or type, where one is given."""
        parts = {key: value for key, value in (path or {}).items() if value is not None}
        return replace(self.replace_path(**parts) if parts else self, type=type or self.type)

    def without_identifier(self) -> Relation:
        """The schema alone."""
        return self._with(included=_changed(self._included(), (None, None, False)), identifier=None)

    def information_schema(self, view_name: str | None = None) -> Relation:
        """A view of the information schema."""
        text = f"{_VIEWS}.{view_name}" if view_name else _VIEWS
        return replace(self, schema=_VIEWS, identifier=view_name, type="view", text=text)

    def _included(self) -> Flags:
        """An attached database's name was given as text."""
        named = replace(self, text="", included=(True, True, True))
        return named.included if self.text and self.text == str(named) else self.included

    def _with(self, **changes: Any) -> Relation:
        fixed = self.is_cte or self.text.startswith(("(", _VIEWS))
        return self if fixed else replace(self, text="", **changes)

    def __getitem__(self, key: str) -> Any:
        if key == "metadata":
            return {"type": "Relation"}
        if key in _PARTS:
            return getattr(self, key)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(_PARTS)

    def __len__(self) -> int:
        return len(_PARTS)

    def __bool__(self) -> bool:
        return True


_VIEWS = "INFORMATION_SCHEMA"
_PARTS = ("metadata", "database", "schema", "identifier", "type")


def _changed(flags: Flags, wanted: tuple[bool | None, bool | None, bool | None]) -> Flags:
    first, second, third = (was if now is None else bool(now) for was, now in zip(flags, wanted, strict=True))
    return first, second, third
