"""Columns that name rows of other models: `campaign_id` here and in the model of campaigns, where every value is found."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.errors import WarehouseError
from tailrace.validate.suggest.profile import Column, Table, kind_of
from tailrace.validate.suggest.subject import Found, Parent, Proposal
from tailrace.validate.suggest.weight import fact, part_of
from tailrace.validate.suggest.words import is_id, tokens

EXISTS = "exists_in"


def propose_references(table: Table) -> Iterator[Found]:
    """At most one for each column, into the first parent whose column tells its rows apart and has every value."""
    for column in table.columns:
        if column.filled and is_id(column.name) and column.name != table.key:
            found = next(
                (hit for parent in table.subject.parents if (hit := _refers(table, column, parent))), None
            )
            if found:
                parent, to_column, values = found
                severity, on_fail = fact(table, (column.name,))
                kwargs = {"column": column.name, "table": parent.name, "to_column": to_column}
                reason = f"all {values:,} different values are in {parent.name}, where {to_column} is unique"
                yield Proposal(
                    part_of(severity), EXISTS, kwargs, reason, severity, on_fail, columns=(column.name,)
                )


def _refers(table: Table, column: Column, parent: Parent) -> tuple[Parent, str, int] | None:
    to_column = _target(column.name, parent)
    if to_column is None:
        return None
    ours, theirs = table.quote(column.name), table.quote(to_column)
    where = table.warehouse.dialect.table(parent.table)
    types = table.warehouse.columns(parent.table)
    if column.kind != kind_of(types.get(to_column, "")):
        return None
    try:
        known, different = table.ask(where, [f"count({theirs})", f"count(DISTINCT {theirs})"])
        if not known or known != different:
            return None
        own = f"(SELECT DISTINCT {ours} AS ours FROM {table.whole} WHERE {ours} IS NOT NULL) AS own"
        found = f"EXISTS (SELECT 1 FROM {where} AS parent WHERE parent.{theirs} = own.ours)"
        values, lost = table.ask(own, ["count(*)", f"count_if(NOT {found})"])
    except WarehouseError:
        return None  # a view over what is not published; the model itself can be judged all the same
    return (parent, to_column, values) if values > 1 and not lost else None


def _target(name: str, parent: Parent) -> str | None:
    """The parent's column of the same name, or its `id` where ours begins with what the parent is called."""
    spelled = {column.lower(): column for column in parent.columns}
    if name.lower() in spelled:
        return spelled[name.lower()] if name.lower() != "id" else None
    own, last = tokens(name), tokens(parent.name)[-1:]
    named = (
        len(own) == 2
        and own[1] == "id"
        and bool(last)
        and last[0] in (own[0], f"{own[0]}s", f"{own[0][:-1]}ies")
    )
    return spelled.get("id") if named else None
