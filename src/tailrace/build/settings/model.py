"""A model's configuration: folder defaults and YAML first, the file's own config() call on top; hooks add, meta and its like merge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tailrace.build.settings import incremental, snapshot, storage
from tailrace.build.settings.checks import Place, Values
from tailrace.build.settings.incremental import Incremental, incremental_of
from tailrace.build.settings.snapshot import Snapshot, snapshot_of
from tailrace.build.settings.storage import Storage, storage_of
from tailrace.errors import Diagnostic, Location, near_miss
from tailrace.project.model_config import Config, Layer
from tailrace.project.spec import ModelFile

MATERIALIZED = ("view", "table", "incremental", "ephemeral", "snapshot")
ON_STALE = ("build", "skip")
KEYS = (
    "materialized", "schema", "alias", "tags", "meta", "on_stale", "enabled", "event_time", "contract",
    "pre_hook", "post_hook", *dict.fromkeys((*incremental.KEYS, *snapshot.KEYS)), *storage.KEYS,
)  # fmt: skip
_FIXES = {
    "description": "Write it in the YAML beside the model",
    "database": "A target is one warehouse: attach other DuckDB files in profiles.yml and read them",
}
_UNBUILT = (
    "grants", "persist_docs", "group", "access", "indexes", "sql_header", "docs", "quoting", "delimiter",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """`on_stale`: what to do when something upstream failed, `build` on the old data or `skip`.

    `schema` and `alias` are as configured ("" where they are not). Hooks are templates that run before and after the build,
    in its transaction. `contract`: the built columns must be those of the YAML, with their types. `as_dbt`: a seed whose types
    are found as dbt finds them. `storage` is what BigQuery is told of the table, None on other targets. `places` say where each key
    of `config` stands.
    """

    materialized: str = "view"
    schema: str = ""
    alias: str = ""
    tags: tuple[str, ...] = ()
    on_stale: str = "build"
    enabled: bool = True
    event_time: str = ""
    contract: bool = False
    pre_hooks: tuple[str, ...] = ()
    post_hooks: tuple[str, ...] = ()
    incremental: Incremental | None = None
    snapshot: Snapshot | None = None
    storage: Storage | None = None
    as_dbt: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)


def settings_of(
    model: ModelFile,
    called: Mapping[str, Any],
    place: Place,
    problems: list[Diagnostic],
    *,
    lenient: bool = False,
    engine: str = "duckdb",
) -> Settings:
    """The settings of a model; `called` are config()'s arguments, which stand at `place(key)`.

    `lenient`: keys that we do not know are other adapters' or a package's own, as dbt has it. `engine` is the target's.
    """
    merged = Config(dict(model.config))
    merged.add(Layer(called))
    both = {**merged.values, **model.overrides}

    def where(key: str) -> Location:
        if key not in both:
            key = "materialized"  # what is missing is missing for what the model is to be
        from_call = key in called and key not in model.overrides
        return place(key) if from_call else model.config_places.get(key, Location(model.path))

    values = Values(both, where, problems)
    for key in () if lenient else both:
        _check_key(key, values)
    kind = "snapshot" if model.kind == "snapshot" else values.choice("materialized", MATERIALIZED, "view")
    if not lenient and both.get("materialized") in (None, kind):
        _refuse_unused(values, kind)
    event_time = values.text("event_time")
    bigquery = engine == "bigquery"
    overwrites = both.get("incremental_strategy") == "insert_overwrite"
    kept = storage_of(values, kind) if bigquery or overwrites or not lenient else None
    tags = (*model.tags, *(values.texts("tags") if "tags" in called else ()))
    return Settings(
        materialized=kind,
        schema=_schema(
            values, "target_schema" if kind == "snapshot" and both.get("target_schema") else "schema"
        ),
        alias=_alias(values),
        tags=tuple(dict.fromkeys(tags)),
        on_stale=values.choice("on_stale", ON_STALE, "build"),
        enabled=values.flag("enabled", True) is True,
        event_time=event_time,
        contract=_contract(values),
        pre_hooks=_hooks(values, "pre_hook"),
        post_hooks=_hooks(values, "post_hook"),
        incremental=incremental_of(values, event_time) if kind == "incremental" else None,
        snapshot=snapshot_of(values) if kind == "snapshot" else None,
        storage=kept if bigquery else None,
        config=both,
        places={key: where(key) for key in both},
    )


def _check_key(key: str, values: Values) -> None:
    if key in KEYS:
        return
    if key in _UNBUILT:
        values.problem(key, f"{key} is not in this release", "Remove it")
        return
    fix = near_miss(key, KEYS)
    values.problem(key, f"a model has no configuration {key}", _FIXES.get(key) or fix[:1].upper() + fix[1:])


def _refuse_unused(values: Values, kind: str) -> None:
    """A key that says nothing for this kind of model would be believed to say something."""
    used = {"incremental": incremental.KEYS, "snapshot": snapshot.KEYS}.get(kind, ())
    for key in values.data:
        if key in (*incremental.KEYS, *snapshot.KEYS) and key not in used and key != "unique_key":
            of = "incremental models" if key in incremental.KEYS else "snapshots"
            values.problem(
                key, f"{key} is for {of}, and this is a {kind}", "Remove it, or change materialized"
            )
    if kind == "incremental":
        _refuse_unused_by_strategy(values)
    strategy = values.data.get("incremental_strategy")
    other = strategy != "microbatch" and strategy in (None, *incremental.STRATEGIES)
    for key in ("batch_size", "begin", "lookback"):
        if kind == "incremental" and key in values.data and other:
            values.problem(
                key, f"{key} is for incremental_strategy='microbatch'", "Remove it, or write that strategy"
            )


def _refuse_unused_by_strategy(values: Values) -> None:
    default = "delete+insert" if values.data.get("unique_key") else "append"
    strategy = str(values.data.get("incremental_strategy") or default)
    for key in incremental.UNUSED.get(strategy, ()):
        if key in values.data:
            values.problem(
                key,
                f"{key} says nothing under {strategy}",
                "Remove it, or choose another incremental_strategy",
            )


def _schema(values: Values, key: str) -> str:
    value = values.data.get(key)
    if value is None or _is_name(value):
        return value or ""
    values.problem(
        key, f"{key} cannot be {str(value)[:60]!r}", "Use letters, digits and _, no tailrace_ in front"
    )
    return ""


def _alias(values: Values) -> str:
    value = values.data.get("alias")
    if value is None or (isinstance(value, str) and value.isascii() and value.isidentifier()):
        return value or ""
    values.problem(
        "alias", f"alias cannot be {str(value)[:60]!r}", "Use letters, digits and _, no digit first"
    )
    return ""


def _is_name(value: Any) -> bool:
    plain = isinstance(value, str) and value.isascii() and value.isidentifier()
    return plain and not value.casefold().startswith("tailrace_")


def _contract(values: Values) -> bool:
    found = values.data.get("contract")
    if found is None or isinstance(found, bool):
        return bool(found)
    enforced = found.get("enforced") if isinstance(found, Mapping) else None
    if not isinstance(enforced, bool):
        values.problem(
            "contract", "contract must say whether it is enforced", "Write contract: {enforced: true}"
        )
    return enforced is True


def _hooks(values: Values, key: str) -> tuple[str, ...]:
    """A text, a mapping with `sql`, or a list of them."""
    found = values.data.get(key)
    items = [] if found is None else list(found) if isinstance(found, list | tuple) else [found]
    texts = [item.get("sql") if isinstance(item, Mapping) else item for item in items]
    if not all(isinstance(text, str) for text in texts):
        values.problem(key, f"{key} must be SQL", f'Write {key}="..."')
        return ()
    return tuple(str(text) for text in texts if str(text).strip())
