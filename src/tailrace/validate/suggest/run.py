"""One suggestion: the rules in their order, their questions put together, their answers sorted for a reader."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from tailrace.validate.suggest.keys import propose_keys
from tailrace.validate.suggest.nulls import propose_nulls
from tailrace.validate.suggest.pairs import wish_pairs, wish_sums
from tailrace.validate.suggest.profile import Table
from tailrace.validate.suggest.ranges import propose_ranges
from tailrace.validate.suggest.references import propose_references
from tailrace.validate.suggest.subject import Found, Proposal, Remark, Subject, Suggestion, Wish
from tailrace.validate.suggest.texts import wish_texts
from tailrace.validate.suggest.times import propose_times
from tailrace.validate.suggest.words import is_measure
from tailrace.warehouse.base import Warehouse

ENOUGH_FOR_DRIFT = 100
UNIQUE = "expect_column_values_to_be_unique"
PARTS = ("table", "key", "row", "statistics")


def suggest(warehouse: Warehouse, subject: Subject, *, now: datetime, limit: int = 0) -> Suggestion:
    """A suite for a table as it is now; `limit` rows are looked at, 0 for all. Writes temporary tables only.

    A WarehouseError where the table cannot be read.
    """
    table = Table(warehouse, subject, now.astimezone(UTC).replace(tzinfo=None), limit)
    found = [*_about_rows(table), *propose_keys(table), *propose_nulls(table), *propose_ranges(table)]
    found += _granted(table, [*wish_texts(table), *_unique(table), *wish_pairs(table), *wish_sums(table)])
    found += [*_drift(table), *propose_times(table), *propose_references(table), *_personal(table)]
    proposals = [item for item in found if isinstance(item, Proposal)]
    ordered = sorted(proposals, key=lambda item: (PARTS.index(item.part), _place(table, item)))
    remarks = tuple(item.text for item in found if isinstance(item, Remark))
    return Suggestion(subject, table.rows, table.looked_at, table.key, tuple(ordered), remarks, table.types)


def _place(table: Table, item: Proposal) -> int:
    """Columns in the table's order, what is of the table itself first; the key's parts keep theirs."""
    if item.part == "key":
        return 0
    return min((table.place(name) for name in item.columns), default=-1)


def _about_rows(table: Table) -> Iterator[Found]:
    if table.unnamed:
        names = ", ".join(table.unnamed)
        yield Remark(f"nothing is proposed for columns with line breaks or tabs in their names: {names}")
    if not table.rows:
        kwargs = {"column_set": [column.name for column in table.columns], "exact_match": False}
        kind = "expect_table_columns_to_match_set"
        yield Proposal(
            "table", kind, kwargs, "there are no rows: only the columns are known", "critical", "block"
        )
        yield Remark(f"{table.subject.model} has no rows: suggest again when it has")
        return
    reason = f"seen: {table.rows:,} rows"
    yield Proposal(
        "table", "expect_table_row_count_to_be_between", {"min_value": 1}, reason, "critical", "block"
    )
    kwargs = {"min_share": 0.5, "max_share": 2.0}
    reason = "half to double the rows of the last runs; passes until three runs are known"
    yield Proposal("statistics", "row_count_near_history", kwargs, reason)


def _granted(table: Table, wishes: list[Wish]) -> Iterator[Found]:
    """All rules' aggregates in as few scans as they fit into."""
    values = iter(table.ask(table.source, [part for wish in wishes for part in wish.asks]))
    for wish in wishes:
        yield from wish.then(tuple(next(values) for _ in wish.asks))


def _unique(table: Table) -> Iterator[Wish]:
    """What a vendor is matched by: two rows with one value would overwrite each other there."""
    for column in table.columns:
        if column.name.lower() in table.subject.matched and column.name != table.key and column.filled > 1:

            def judged(values: tuple[int, ...], name: str = column.name) -> Iterator[Found]:
                filled, different = values
                if filled == different:
                    reason = f"the sync matches by it; {different:,} different values"
                    yield Proposal("statistics", UNIQUE, {"column": name}, reason, columns=(name,))
                else:
                    yield Remark(
                        f"{name}: the sync matches by it, and {filled - different:,} of {filled:,} values repeat"
                    )

            name = table.quote(column.name)
            yield Wish((f"count({name})", f"count(DISTINCT {name})"), judged)


def _drift(table: Table) -> Iterator[Found]:
    """Of numbers that are sent: a score that is right row by row may still be wrong as a whole."""
    for column in table.columns:
        wanted = column.is_number and is_measure(column.name) and table.is_sent((column.name,))
        if wanted and not column.personal and column.filled >= ENOUGH_FOR_DRIFT and column.low != column.high:
            reason = (
                "spread as in the last runs (population stability index); passes until three runs are known"
            )
            yield Proposal(
                "statistics",
                "no_drift",
                {"column": column.name, "max_psi": 0.2},
                reason,
                columns=(column.name,),
            )


def _personal(table: Table) -> Iterator[Found]:
    for column in table.columns:
        if column.suspected:
            yield Remark(
                f"{column.name} looks personal: if it is, mark it `pii: true` in the model's YAML; no values of it are shown here"
            )
