"""The configuration of snapshots (SCD 2), in dbt's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tailrace.build.settings.checks import Values
from tailrace.errors import near_miss

STRATEGIES = ("timestamp", "check")
HARD_DELETES = ("ignore", "invalidate", "new_record")
COLUMNS = ("dbt_valid_from", "dbt_valid_to", "dbt_scd_id", "dbt_updated_at", "dbt_is_deleted")
KEYS = (
    "strategy", "unique_key", "updated_at", "check_cols", "hard_deletes", "invalidate_hard_deletes",
    "dbt_valid_to_current", "snapshot_meta_column_names", "target_schema",
)  # fmt: skip


@dataclass(frozen=True)
class Snapshot:
    """`check_cols` is empty for all columns; `columns` gives each of dbt's meta columns its name."""

    strategy: Literal["timestamp", "check"]
    unique_key: tuple[str, ...]
    updated_at: str = ""
    check_cols: tuple[str, ...] = ()
    hard_deletes: Literal["ignore", "invalidate", "new_record"] = "ignore"
    valid_to_current: str = ""
    columns: Mapping[str, str] = field(default_factory=lambda: {name: name for name in COLUMNS})


def snapshot_of(values: Values) -> Snapshot:
    """The settings of a snapshot."""
    strategy: Any = values.choice("strategy", STRATEGIES, "")
    if values.data.get("strategy") is None:
        values.problem("strategy", "a snapshot needs a strategy", "Write strategy='timestamp' or 'check'")
    unique_key = values.texts("unique_key")
    if not unique_key:
        values.problem("unique_key", "a snapshot needs a unique_key", "Write unique_key='id'")
    updated_at = values.text("updated_at")
    if strategy == "timestamp" and not updated_at:
        values.problem("strategy", "strategy timestamp needs updated_at", "Write updated_at='modified'")
    check_cols = () if values.data.get("check_cols") == "all" else values.texts("check_cols")
    if strategy == "check" and values.data.get("check_cols") is None:
        values.problem("strategy", "strategy check needs check_cols", "Write check_cols='all', or a list")
    deletes: Any = values.choice("hard_deletes", HARD_DELETES, "ignore")
    if values.flag("invalidate_hard_deletes", None) and "hard_deletes" not in values.data:
        deletes = "invalidate"
    return Snapshot(
        strategy or "check", unique_key, updated_at, check_cols, deletes,
        values.text("dbt_valid_to_current"), _columns(values),
    )  # fmt: skip


def _columns(values: Values) -> dict[str, str]:
    named = values.data.get("snapshot_meta_column_names") or {}
    if not isinstance(named, Mapping):
        values.problem("snapshot_meta_column_names", "snapshot_meta_column_names must be a mapping",
                       "Write {'dbt_valid_from': 'start'}")  # fmt: skip
        named = {}
    for name in named:
        if name not in COLUMNS:
            fix = near_miss(str(name), COLUMNS)
            values.problem(
                "snapshot_meta_column_names", f"a snapshot has no column {name}", fix[:1].upper() + fix[1:]
            )
    return {name: str(named.get(name, name)) for name in COLUMNS}
