"""Gates before the first request, decided from counts alone; nothing is asked of the vendor."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tailrace.activate.changeset import CHANGES, Question, sent_hash
from tailrace.activate.ledger import within
from tailrace.activate.mapping import number_of, path
from tailrace.activate.result import Options
from tailrace.project.spec import Guardrails
from tailrace.warehouse.base import Warehouse

SMALL = 100
"""Rows from which on percentages count: below it, one row would be a large share."""


@dataclass(frozen=True)
class Planned:
    """What would be sent, in rows. The `new_` numbers leave out what an earlier run has let through already."""

    created: int
    updated: int
    deleted: int
    new_created: int
    new_changed: int
    new_deleted: int
    known: int
    first: bool
    emptied: int = 0
    """Rows that the vendor has from us, where the model has none at all any more."""
    nulled: Mapping[str, int] = field(default_factory=dict)
    """Rows by the field of which they had a value at the vendor and would lose it; not counted where they cannot be too many."""

    @property
    def to_send(self) -> int:
        return self.created + self.updated + self.deleted

    @property
    def fresh(self) -> int:
        return self.new_created + self.new_changed + self.new_deleted


def percent(share: float) -> str:
    """A share of 1 as people wrote it: 20%, 0.5%."""
    return f"{share * 100:g}%"


def planned(warehouse: Warehouse, asked: Question) -> Planned:
    """Counts of the working table; `known` rows are the model's and those that just left it."""
    first = not warehouse.query(f"SELECT 1 FROM ({asked.known}) WHERE acked_at IS NOT NULL LIMIT 1")
    # a record that is landed already is changed, not made
    creates = "l_acked_at IS NULL AND there IS NOT TRUE AND operation IN ('create', 'upsert')"
    differs = "(l_acked_hash IS DISTINCT FROM hash OR NOT same_key)"
    row = warehouse.query(
        f"""SELECT count(*) FILTER (NOT leaving AND {creates}), count(*) FILTER (NOT leaving AND NOT ({creates})),
          count(*) FILTER (leaving), count(*) FILTER (NOT through AND NOT leaving AND {creates}),
          count(*) FILTER (NOT through AND NOT leaving AND NOT ({creates}) AND {differs}),
          count(*) FILTER (NOT through AND leaving)
        FROM {CHANGES} WHERE operation IS NOT NULL AND chosen"""
    )[0]
    absent = warehouse.query(f"SELECT count(*) FROM {CHANGES} WHERE gate = 'absent'")[0][0]
    created, updated, deleted, new_created, new_changed, new_deleted = (int(value) for value in row)
    known = asked.staged.rows + int(absent)
    limit = asked.sync.guardrails.max_nulled
    # as many as are sent would have to lose a value: mostly these are fewer than the limit
    nulled = _nulled(warehouse, asked) if limit is not None and created + updated > limit * known else {}
    return Planned(
        created, updated, deleted, new_created, new_changed, new_deleted, known, first, _emptied(warehouse, asked), nulled,
    )  # fmt: skip


def _emptied(warehouse: Warehouse, asked: Question) -> int:
    return 0 if asked.staged.rows else int(warehouse.query(f"SELECT count(*) {_lost(asked)}")[0][0])


def _lost(asked: Question) -> str:
    """The ledger's rows that an emptied model would take along."""
    passed = f"SELECT primary_key FROM {CHANGES} WHERE through"
    return f"FROM ({asked.known}) WHERE acked_values IS NOT NULL AND status <> 'removed' AND primary_key NOT IN ({passed})"


def _nulled(warehouse: Warehouse, asked: Question) -> dict[str, int]:
    """Only of rows that stay: emptying those that left is what `on_removed` asks for."""
    names = [each.field for each in asked.fields]
    if not names:
        return {}
    lost = ", ".join(
        f"count(*) FILTER (nullif(json_extract_string(l_acked_values, {path(name)}), '') IS NOT NULL"
        f" AND nullif(json_extract_string(vals, {path(name)}), '') IS NULL)"
        for name in names
    )
    rows = warehouse.query(
        f"SELECT {lost} FROM {CHANGES} WHERE operation IS NOT NULL AND chosen AND NOT leaving AND NOT through"
        " AND l_acked_values IS NOT NULL"
    )
    return {name: int(number) for name, number in zip(names, rows[0], strict=True) if number}


def first_sync(counts: Planned, options: Options) -> str | None:
    """The first sync to a real account starts small or with a person's word."""
    if (
        not counts.first
        or not counts.fresh
        or options.sandbox
        or options.approve
        or options.limit is not None
    ):
        return None
    return f"first sync to this account: {counts.fresh} rows would be sent"


def stop_reason(counts: Planned, rules: Guardrails, options: Options) -> str | None:
    """Why a changeset must not go out without a person's word; None where it may."""
    return first_sync(counts, options) or exceeded(counts, rules, options)


def exceeded(counts: Planned, rules: Guardrails, options: Options) -> str | None:
    """What is beyond its limit, in words. A first sync changes everything, so only deletes count there.

    One row that somebody asked for by its key has no share.
    """
    if options.only is not None:
        return None
    told = list(_shares(counts, rules)) if counts.known >= SMALL else []
    if counts.emptied and rules.empty_model == "stop":
        told.insert(
            0, f"the model has no rows, and the vendor has {counts.emptied} of it (empty_model is stop)"
        )
    return "; ".join(told) or None


def _shares(counts: Planned, rules: Guardrails) -> Iterator[str]:
    shares = [("deleted", counts.new_deleted, rules.max_deleted)]
    if not counts.first:
        shares += [
            ("changed", counts.new_changed, rules.max_changed),
            ("created", counts.new_created, rules.max_created),
        ]
    for what, rows, limit in shares:
        if limit is not None and rows > limit * counts.known:
            share = f"{rows / counts.known:.1%}, max_{what} is {percent(limit)}"
            yield f"{rows} of {counts.known} rows would be {what} ({share})"
    for name, rows in counts.nulled.items():
        limit = rules.max_nulled
        if limit is not None and rows > limit * counts.known:
            share = f"{rows / counts.known:.1%}, max_nulled is {percent(limit)}"
            yield f"{name} would become empty in {rows} of {counts.known} rows ({share})"


def changeset_id(warehouse: Warehouse, asked: Question) -> str:
    """Names the very rows, values and operations that nobody has let through yet, in whatever order they come.

    Of an emptied model also the rows that it had, whatever becomes of them.
    """
    row = f"primary_key || '|' || operation || '|' || coalesce({sent_hash()}, '') || '|' || coalesce(mk, '')"
    rows, total = warehouse.query(
        f"SELECT count(*), coalesce(sum({number_of(row)}), 0) FROM {CHANGES}"
        " WHERE operation IS NOT NULL AND chosen AND NOT through"
    )[0]
    text = f"{within(asked.scope)}|{asked.digest}|{rows}|{total}"
    if not asked.staged.rows:
        keys = f"count(*), coalesce(sum({number_of('primary_key')}), 0)"
        text += f"|{warehouse.query(f'SELECT {keys} {_lost(asked)}')[0]}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]
