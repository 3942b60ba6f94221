"""A model's configuration: folder defaults and YAML first, the file's own config() call on top."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.errors import Diagnostic, Location, near_miss
from tailrace.project.spec import ModelFile

MATERIALIZED = ("view", "table")
ON_STALE = ("build", "skip")
_LATER = ("incremental", "snapshot", "ephemeral", "microbatch")
KEYS = ("materialized", "schema", "tags", "meta", "on_stale", "enabled")
_FIXES = {
    "alias": "A model's table has its file's name: rename the file",
    "description": "Write it in the YAML beside the model",
    "database": "A target is one warehouse: attach other DuckDB files in profiles.yml and read them",
}
_UNBUILT = (
    "unique_key", "incremental_strategy", "on_schema_change", "event_time", "batch_size", "begin", "lookback",
    "partition_by", "cluster_by", "pre_hook", "post_hook", "grants", "contract", "persist_docs", "full_refresh",
    "labels", "group", "access", "indexes", "sql_header", "docs", "quoting",
)  # fmt: skip

Place = Callable[[str], Location]


@dataclass(frozen=True)
class Settings:
    """`on_stale`: what to do when something upstream failed, `build` on the old data or `skip`."""

    materialized: str = "view"
    schema: str = ""
    tags: tuple[str, ...] = ()
    on_stale: str = "build"
    enabled: bool = True


def settings_of(
    model: ModelFile, called: Mapping[str, Any], place: Place, problems: list[Diagnostic]
) -> Settings:
    """The settings of a model; `called` are config()'s arguments, which stand at `place(key)`."""
    both = {**model.config, **called}

    def problem(key: str, message: str, fix: str) -> None:
        outside = model.config_places.get(key, Location(model.path))
        problems.append(Diagnostic(place(key) if key in called else outside, message, fix))

    for key in both:
        _check_key(key, problem)
    checked = {key: value for key, value in both.items() if _check_value(key, value, problem)}
    tags = (*model.tags, *_texts(called.get("tags", ())))
    return Settings(
        materialized=str(checked.get("materialized", "view")),
        schema=str(checked.get("schema", model.schema)),
        tags=tuple(dict.fromkeys(tags)),
        on_stale=str(checked.get("on_stale", "build")),
        enabled=bool(checked.get("enabled", True)),
    )


def _check_key(key: str, problem: Callable[[str, str, str], None]) -> None:
    if key in KEYS:
        return
    if key in _UNBUILT:
        problem(key, f"{key} is not in this release", "Remove it")
        return
    fix = near_miss(key, KEYS)
    problem(key, f"a model has no configuration {key}", _FIXES.get(key) or fix[:1].upper() + fix[1:])


def _check_value(key: str, value: Any, problem: Callable[[str, str, str], None]) -> bool:
    if key == "materialized" and value not in MATERIALIZED:
        if value in _LATER:
            problem(key, f"materialized: {value} is not in this release", "Write view or table")
        else:
            fix = near_miss(str(value), MATERIALIZED)
            problem(key, f"materialized cannot be {str(value)[:60]}", fix[:1].upper() + fix[1:])
        return False
    if key == "on_stale" and value not in ON_STALE:
        problem(key, f"on_stale cannot be {str(value)[:60]}", "Write build or skip")
        return False
    if key == "enabled" and not isinstance(value, bool):
        problem(key, "enabled must be true or false", "Write true or false")
        return False
    if key == "schema" and not _is_schema(value):
        problem(
            key, f"schema cannot be {str(value)[:60]!r}", "Use letters, digits and _, no tailrace_ in front"
        )
        return False
    if key == "tags" and not all(isinstance(tag, str) for tag in _texts(value)):
        problem(key, "tags must be a list of texts", "Write tags=['one', 'two']")
        return False
    return True


def _is_schema(value: Any) -> bool:
    plain = isinstance(value, str) and value.isascii() and value.isidentifier()
    return plain and not value.casefold().startswith("tailrace_")


def _texts(value: Any) -> tuple[Any, ...]:
    return (
        (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else (value,)
    )
