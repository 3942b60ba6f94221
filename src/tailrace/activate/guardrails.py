"""Gates before the first request, decided from counts alone; nothing is asked of the vendor."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tailrace.activate.changeset import CHANGES, Question, sent_hash
from tailrace.activate.ledger import within
from tailrace.activate.mapping import number_of
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

    @property
    def fresh(self) -> int:
        return self.new_created + self.new_changed + self.new_deleted


def percent(share: float) -> str:
    """A share of 1 as people wrote it: 20%, 0.5%."""
    return f"{share * 100:g}%"


def planned(warehouse: Warehouse, asked: Question) -> Planned:
    """Counts of the working table; `known` rows are the model's and those that just left it."""
    first = not warehouse.query(f"SELECT 1 FROM ({asked.known}) WHERE acked_at IS NOT NULL LIMIT 1")
    creates = "l_acked_at IS NULL AND operation IN ('create', 'upsert')"
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
    return Planned(created, updated, deleted, new_created, new_changed, new_deleted, known, first)


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


def exceeded(counts: Planned, rules: Guardrails) -> str | None:
    """What is beyond its limit, in words. A first sync changes everything, so only deletes count there."""
    if counts.known < SMALL:
        return None
    shares = [("deleted", counts.new_deleted, rules.max_deleted)]
    if not counts.first:
        shares += [
            ("changed", counts.new_changed, rules.max_changed),
            ("created", counts.new_created, rules.max_created),
        ]
    told = [
        f"{rows} of {counts.known} rows would be {what} ({rows / counts.known:.1%}, max_{what} is {limit:.4%})".replace(
            ".0000%", "%"
        )
        for what, rows, limit in ((what, rows, limit) for what, rows, limit in shares if limit is not None)
        if rows > limit * counts.known
    ]
    return "; ".join(told) or None


def changeset_id(warehouse: Warehouse, asked: Question) -> str:
    """Names the very rows, values and operations that nobody has let through yet, in whatever order they come."""
    row = f"primary_key || '|' || operation || '|' || coalesce({sent_hash()}, '') || '|' || coalesce(mk, '')"
    rows, total = warehouse.query(
        f"SELECT count(*), coalesce(sum({number_of(row)}), 0) FROM {CHANGES}"
        " WHERE operation IS NOT NULL AND chosen AND NOT through"
    )[0]
    text = f"{within(asked.scope)}|{asked.digest}|{rows}|{total}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]
