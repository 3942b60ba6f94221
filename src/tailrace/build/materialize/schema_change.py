"""What happens where new rows have other columns than their table: dbt's on_schema_change."""

from __future__ import annotations

from collections.abc import Mapping

from tailrace.build.materialize.job import Job, matching
from tailrace.errors import WarehouseError

_FIX = "set on_schema_change to append_new_columns or sync_all_columns, or build with --full-refresh"


def align(job: Job, table: Mapping[str, str], new: Mapping[str, str], change: str) -> dict[str, str]:
    """Alter the table as `change` says; returns the columns that new rows bring into it, as the table writes and types them."""
    added = [name for name in new if matching(name, list(table)) is None]
    removed = [name for name in table if matching(name, list(new)) is None]
    retyped = [name for name in table if (found := matching(name, list(new))) and new[found] != table[name]]
    if change == "fail" and (added or removed or retyped):
        raise WarehouseError(f"its columns changed ({_told(table, new, added, removed, retyped)})", _FIX)
    if removed and change == "ignore":
        raise WarehouseError(f"the new rows lack {', '.join(removed)}, which {job.node.table} has", _FIX)
    if change in ("append_new_columns", "sync_all_columns"):
        job.writer.add_columns({name: new[name] for name in added})
    synced = (
        {name: new[matching(name, list(new)) or name] for name in retyped}
        if change == "sync_all_columns"
        else {}
    )
    if change == "sync_all_columns":
        for name in removed:
            job.writer.drop_column(name)
        if synced:
            job.writer.retype_columns(synced)
    kept = {name: synced.get(name, kind) for name, kind in table.items() if name not in removed}
    return kept | ({name: new[name] for name in added} if change != "ignore" else {})


def _told(
    table: Mapping[str, str], new: Mapping[str, str], added: list[str], removed: list[str], retyped: list[str]
) -> str:
    parts = [f"new: {', '.join(added)}"] if added else []
    parts += [f"gone: {', '.join(removed)}"] if removed else []
    parts += [f"{name} was {table[name]} and is {new[matching(name, list(new)) or name]}" for name in retyped]
    return "; ".join(parts)
