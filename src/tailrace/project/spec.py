"""What a project says, as frozen objects; `marks` remember the file, line and column of every key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from tailrace.errors import Location

Severity = Literal["critical", "warning", "info"]
OnFail = Literal["block", "quarantine", "warn"]
Mode = Literal["insert", "update", "upsert", "mirror", "append"]
Conflict = Literal["ours", "theirs", "newest", "if_empty"]
OnRemoved = Literal["keep", "clear", "archive"]

EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Marks:
    """Places of a document's keys and values, by path: `at("fields", "score")`. Paths start behind `prefix`."""

    file: str
    places: Mapping[tuple[str | int, ...], Location] = field(default_factory=dict, repr=False)
    keys: Mapping[tuple[str | int, ...], Location] = field(default_factory=dict, repr=False)
    prefix: tuple[str | int, ...] = ()

    def at(self, *path: str | int) -> Location:
        """Where the value of `path` stands (a mapping's or list's: its key), else its nearest parent that is known."""
        return self._nearest(self.places, path)

    def key(self, *path: str | int) -> Location:
        """Where the key itself stands, for messages about the key and not its value."""
        place = self.keys.get(self.prefix + path)
        return place if place is not None else self.at(*path)

    def under(self, *path: str | int) -> Marks:
        """The same places with shorter paths: `marks.under("resources", "deals").at("properties", 0)`."""
        return Marks(self.file, self.places, self.keys, self.prefix + path)

    def _nearest(
        self, places: Mapping[tuple[str | int, ...], Location], path: tuple[str | int, ...]
    ) -> Location:
        whole = self.prefix + path
        while whole and whole not in places:
            whole = whole[:-1]
        return places.get(whole, Location(self.file))


@dataclass(frozen=True)
class Schedule:
    """When a pipeline or sync runs: `cron` in `timezone`, or `after` a step; `sla` in seconds."""

    cron: str | None = None
    timezone: str = "UTC"
    sla: float | None = None
    after: str | None = None


@dataclass(frozen=True)
class Contract:
    """dlt's schema contract in dlt's words: evolve, freeze, discard_row or discard_value."""

    tables: str = "evolve"
    columns: str = "evolve"
    data_type: str = "evolve"


@dataclass(frozen=True)
class Resource:
    """One endpoint to land. `options` are the connector's and validated by it; `keep_raw` is in seconds.

    `marks` are the whole file's: `marks.at("resources", name, "properties", 0)`.
    """

    name: str
    options: Mapping[str, Any]
    marks: Marks
    changes: bool | None = None
    subject: str | None = None
    keep_raw: float | None = None
    contract: Contract = Contract()


@dataclass(frozen=True)
class Pipeline:
    """What to land from one connection, or one inline `source` with its `options`, into one dataset.

    An inline source whose pipeline names no resources lands all that it has.
    """

    name: str
    connection: str
    dataset: str
    resources: tuple[Resource, ...]
    marks: Marks
    path: str
    schedule: Schedule | None = None
    tags: tuple[str, ...] = ()
    source: str = ""
    options: Mapping[str, Any] = field(default_factory=lambda: EMPTY)

    @property
    def is_open(self) -> bool:
        """Its resources are known only once its source is open."""
        return bool(self.source) and not self.resources


@dataclass(frozen=True)
class ColumnDoc:
    """A model's column as its YAML describes it."""

    name: str
    description: str = ""
    data_type: str | None = None
    pii: bool = False
    meta: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    location: Location | None = None


@dataclass(frozen=True)
class ModelFile:
    """One SELECT file. `config` is folder defaults, then the YAML's `config:`; the file's own config() call comes on top.

    Its keys and values are checked by who compiles it; `config_places` says where each top-level key of it was written.
    """

    name: str
    path: str
    schema: str
    sql: str
    config: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    description: str = ""
    columns: tuple[ColumnDoc, ...] = ()
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    config_places: Mapping[str, Location] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True)
class SeedFile:
    """One CSV under seeds/, built as `main.<name>`; `config` holds dbt's column_types."""

    name: str
    path: str
    schema: str = "main"
    config: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    description: str = ""
    tags: tuple[str, ...] = ()
    config_places: Mapping[str, Location] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True)
class Expectation:
    """Great Expectations' own type and kwargs, what to do on failure, and an optional SQL condition on rows."""

    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    on_fail: OnFail
    where: str | None = None
    description: str = ""
    index: int = 0


@dataclass(frozen=True)
class Suite:
    """Expectations on one model; `key` names its rows; `max_quarantined` is a share of 1."""

    name: str
    model: str
    key: str | None
    expectations: tuple[Expectation, ...]
    marks: Marks
    path: str
    max_quarantined: float = 0.05


@dataclass(frozen=True)
class FieldMap:
    """One vendor field: the model column it takes, what a NULL does, and who wins when a person edited it."""

    field: str
    column: str
    if_null: Literal["clear", "skip"] = "clear"
    conflict: Conflict = "ours"


@dataclass(frozen=True)
class Guardrails:
    """Shares of 1 of the known rows; a changeset beyond one of them is stopped before the first request."""

    max_changed: float | None = 0.2
    max_created: float | None = 0.2
    max_deleted: float | None = 0.01
    max_failed: float | None = 0.05


@dataclass(frozen=True)
class Sync:
    """Model to vendor object. `match_field`/`match_column`: the vendor's unique property and our column for it."""

    name: str
    model: str
    connection: str
    object: str
    mode: Mode
    primary_key: str
    match_field: str
    match_column: str
    fields: tuple[FieldMap, ...]
    marks: Marks
    path: str
    where: str | None = None
    suppress: str | None = None
    on_removed: OnRemoved = "keep"
    validate: str | None = None
    updated_at: str | None = None
    guardrails: Guardrails = Guardrails()
    schedule: Schedule | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Connection:
    """One vendor account of a target; options are rendered, secrets inside them are `Secret`s.

    `marks` are the whole profiles.yml's: `marks.at(*connection.path, "base_url")`.
    """

    name: str
    type: str
    options: Mapping[str, Any]
    marks: Marks
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True)
class Target:
    """A warehouse and the vendor accounts that go with it. `path` is absolute; `settings` are the engine's.

    `marks` start at the target: `marks.at("path")`.
    """

    name: str
    type: Literal["duckdb", "bigquery"]
    connections: Mapping[str, Connection]
    marks: Marks
    path: Path | None = None
    attach: tuple[Mapping[str, str], ...] = ()
    publish_schemas: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True)
class Project:
    """Everything that the project's folder declares, for one chosen target.

    `macros` maps a file's path in the project (`macros/dbt_utils/star.sql`) to its text.
    """

    name: str
    root: Path
    target: Target
    pipelines: tuple[Pipeline, ...] = ()
    models: tuple[ModelFile, ...] = ()
    seeds: tuple[SeedFile, ...] = ()
    macros: Mapping[str, str] = field(default_factory=dict)
    suites: tuple[Suite, ...] = ()
    syncs: tuple[Sync, ...] = ()
    vars: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    dialect: str = "duckdb"

    @property
    def state_dir(self) -> Path:
        """`.tailrace/<target>`: work files that belong to tailrace alone."""
        return self.root / ".tailrace" / self.target.name
