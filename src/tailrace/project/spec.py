"""What a project says, as frozen objects; `marks` remember the file, line and column of every key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tailrace.errors import Diagnostic, Location

# a project's words have one address, wherever they stand
from tailrace.project.marks import EMPTY as EMPTY  # noqa: PLC0414
from tailrace.project.marks import Marks as Marks  # noqa: PLC0414
from tailrace.project.spec_suite import Expectation as Expectation  # noqa: PLC0414
from tailrace.project.spec_suite import Keeping as Keeping  # noqa: PLC0414
from tailrace.project.spec_suite import OnFail as OnFail  # noqa: PLC0414
from tailrace.project.spec_suite import Parameter as Parameter  # noqa: PLC0414
from tailrace.project.spec_suite import Severity as Severity  # noqa: PLC0414
from tailrace.project.spec_suite import Suite as Suite  # noqa: PLC0414

Mode = Literal["insert", "update", "upsert", "mirror", "append"]
Conflict = Literal["ours", "theirs", "newest", "if_empty"]
OnRemoved = Literal["keep", "clear", "archive"]


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
    constraints: tuple[Mapping[str, Any], ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelFile:
    """One SELECT file, or one snapshot. `config` is folder defaults, then the YAML's `config:`; the file's own config() call comes on top.

    Its keys and values are checked by who compiles it; `config_places` says where each top-level key of it was written.
    `schema` is the folder's in a project of ours, the target's own in a dbt project; `package` is "" for the project itself.
    A snapshot's `sql` is what stands inside its block, which begins `line` lines below the file's first.
    `overrides` is what the project's dbt_project.yml says of a package's model: it comes on top even of the file's own config(), as in
    dbt, and `config` holds it, too.
    """

    name: str
    path: str
    schema: str
    sql: str
    kind: Literal["model", "snapshot"] = "model"
    package: str = ""
    line: int = 0
    constraints: tuple[Mapping[str, Any], ...] = ()
    config: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    description: str = ""
    columns: tuple[ColumnDoc, ...] = ()
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    config_places: Mapping[str, Location] = field(default_factory=lambda: EMPTY)
    overrides: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True)
class SeedFile:
    """One CSV under seeds/, built as `main.<name>`; `config` holds dbt's column_types, schema, alias, delimiter and the like."""

    name: str
    path: str
    schema: str = "main"
    package: str = ""
    columns: tuple[ColumnDoc, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    config: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    description: str = ""
    tags: tuple[str, ...] = ()
    config_places: Mapping[str, Location] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True)
class SourceTable:
    """A table that `sources:` of a YAML file declares: `source(source, name)` is `schema.identifier` (of `database`, where one is attached).

    `config_places` say where each key of its `config` stands.
    """

    source: str
    name: str
    schema: str
    identifier: str
    path: str
    location: Location
    database: str | None = None
    package: str = ""
    description: str = ""
    source_description: str = ""
    columns: tuple[ColumnDoc, ...] = ()
    config: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    meta: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    tags: tuple[str, ...] = ()
    enabled: bool = True
    loaded_at_field: str | None = None
    freshness: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    config_places: Mapping[str, Location] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True)
class DataTest:
    """A query whose rows are failures: generic (`test` names its macro, called with `kwargs`) or singular (`sql`).

    A generic one is of a `model` (or seed, or snapshot), or of a `source` table, and of a `column` of it where it was written there.
    `written` are the keys of its configuration that go before what its macro says.
    """

    name: str
    path: str
    location: Location
    test: str = ""
    kwargs: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    model: str = ""
    source: tuple[str, str] | None = None
    column: str = ""
    sql: str = ""
    package: str = ""
    config: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    tags: tuple[str, ...] = ()
    description: str = ""
    written: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Fixture:
    """Rows of one input of a unit test, or what it expects: `rows`, or `sql` that gives them.

    `input` is the template's own words: `ref('x')`, `source('a', 'b')`, `this`; "" for what is expected. `typed`: values are YAML's own,
    not a CSV's texts. `is_blank`: no rows are written at all, which stands for those of the seed that the input names.
    """

    input: str
    location: Location
    rows: tuple[Mapping[str, Any], ...] = ()
    sql: str | None = None
    typed: bool = True
    is_blank: bool = False


@dataclass(frozen=True)
class UnitTest:
    """A model run on fixtures alone; `overrides` hold dbt's `macros`, `vars` and `env_vars`."""

    name: str
    model: str
    given: tuple[Fixture, ...]
    expect: Fixture
    path: str
    location: Location
    overrides: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    description: str = ""
    tags: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    package: str = ""


@dataclass(frozen=True)
class Exposure:
    """Who reads models outside of the project, in dbt's words; `depends_on` are the template's own: `ref('x')`."""

    name: str
    type: str
    depends_on: tuple[str, ...]
    path: str
    location: Location
    description: str = ""
    owner: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    url: str = ""
    maturity: str = ""
    label: str = ""
    package: str = ""
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True)
class Package:
    """A dbt package that lies whole in the project; `vars` are what its templates see, the project's overrides included."""

    name: str
    path: str
    vars: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    version: str = ""
    on_run_start: tuple[str, ...] = ()
    on_run_end: tuple[str, ...] = ()


@dataclass(frozen=True)
class DbtProject:
    """What a dbt_project.yml adds: models are then built by dbt's rules of schema and alias, and its own name is in `name`.

    `dispatch` is the search order of macros by namespace.
    """

    name: str
    dispatch: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    on_run_start: tuple[str, ...] = ()
    on_run_end: tuple[str, ...] = ()
    version: str = ""


@dataclass(frozen=True)
class FieldMap:
    """One vendor field: the model column it takes, what a NULL does, and who wins when a person edited it.

    `map`: the column's values in the vendor's words (None: as they are); a value that it lacks is refused. `type` and `label`
    are for a field that the sync makes (`create_fields`).
    """

    field: str
    column: str
    if_null: Literal["clear", "skip"] = "clear"
    conflict: Conflict = "ours"
    map: Mapping[str, str] | None = None
    type: str = ""
    label: str = ""


@dataclass(frozen=True)
class Association:
    """A record of another object that a row's record belongs to: found there by `match_field`, whose value is in `column`.

    `label`: the vendor's word for the kind of association ("" for its usual one).
    """

    object: str
    match_field: str
    column: str
    label: str = ""


@dataclass(frozen=True)
class Guardrails:
    """Shares of 1 of the known rows; a changeset beyond one of them is stopped before the first request.

    `max_nulled`: rows of which one and the same field had a value at the vendor and would lose it. `empty_model`: a model
    without any row, where the vendor has rows of it.
    """

    max_changed: float | None = 0.2
    max_created: float | None = 0.2
    max_deleted: float | None = 0.01
    max_failed: float | None = 0.05
    max_nulled: float | None = 0.1
    empty_model: Literal["stop", "send"] = "stop"


@dataclass(frozen=True)
class Sync:
    """Model to vendor object. `match_field`/`match_column`: the vendor's unique property and our column for it.

    Both are empty where nothing is matched (mode append). `options` belong to the connector. `create_fields`: fields that the
    vendor's object lacks are made there.
    """

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
    options: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    associations: tuple[Association, ...] = ()
    create_fields: bool = False


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
class SharedState:
    """The Postgres that holds a target's state in place of this machine: `url` is a Secret, `lease` in seconds."""

    url: Any
    schema: str
    lease: float


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
    schema: str = "main"
    """dbt's `target.schema`: where models of a dbt project are built that name no schema of their own."""
    threads: int = 1
    state: SharedState | None = None
    """None: `state.db` in the project's folder."""


@dataclass(frozen=True)
class Project:
    """Everything that the project's folder declares, for one chosen target.

    `macros` maps a file's path in the project (`macros/dbt_utils/star.sql`) to its text, `macro_packages` to its package ("" for
    the project's own); `docs` are `{% docs %}` blocks by (package, name). `dbt` is None for a project of ours that has no dbt_project.yml.
    `notices` are what a person should know and what stops nothing.
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
    macro_packages: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    packages: Mapping[str, Package] = field(default_factory=lambda: EMPTY)
    sources: tuple[SourceTable, ...] = ()
    data_tests: tuple[DataTest, ...] = ()
    unit_tests: tuple[UnitTest, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    docs: Mapping[tuple[str, str], str] = field(default_factory=dict)
    dbt: DbtProject | None = None
    lint: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    notices: tuple[Diagnostic, ...] = ()
    keeping: Keeping = field(default_factory=Keeping)

    def vars_of(self, package: str) -> Mapping[str, Any]:
        """The variables that templates of a package see; "" is the project itself."""
        return self.packages[package].vars if package in self.packages else self.vars

    @property
    def state_dir(self) -> Path:
        """`.tailrace/<target>`: work files that belong to tailrace alone."""
        return self.root / ".tailrace" / self.target.name

    @property
    def published(self) -> Path:
        """The file that commands read: the target's own, or of one that lies elsewhere the copies of this machine."""
        return self.target.path or self.state_dir / "published.duckdb"
