"""What a sync has to send: candidates by one cheap join, judged row by row, held back where no request could carry them.

Rows that are unchanged leave no trace in the working table, so its size is the changeset's, not the model's.
"""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.activate import appearing, candidates, holding
from tailrace.activate.judging import DOUBTED, changes_sql, refreshes, sent_hash
from tailrace.activate.ledger import RETRY
from tailrace.activate.mapping import comparable_key, literal, one_field, with_dropped
from tailrace.activate.merged import MERGES, TOLD
from tailrace.activate.question import CANDIDATES, CHANGES, Question, question
from tailrace.warehouse.base import Warehouse

__all__ = [
    "CHANGES", "NEW_ROWS", "Question", "choose", "collect", "discard", "new_rows", "question", "sent_hash", "stage_sql",
]  # fmt: skip

NEW_ROWS = "tailrace_new_rows"


def collect(warehouse: Warehouse, asked: Question, *, hidden: bool = False) -> None:
    """Make the working table of everything that changes in the CRM or in the ledger.

    Raises ChangesetStopped for primary keys that are missing or repeat; `hidden`: without naming them.
    """
    candidates.find(warehouse, asked, hidden=hidden)
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {CHANGES} AS {changes_sql(warehouse, asked)}")
    holding.hold(warehouse, asked)


def discard(warehouse: Warehouse) -> None:
    warehouse.execute(f"DROP VIEW IF EXISTS temp.{NEW_ROWS}")
    appearing.discard(warehouse)
    for table in (CHANGES, CANDIDATES, MERGES, TOLD):
        warehouse.execute(f"DROP TABLE IF EXISTS temp.{table}")


def choose(warehouse: Warehouse, limit: int | None, only: str | None = None) -> None:
    """With a limit only the first rows by primary key are sent, with `only` that row alone; the rest waits."""
    if only is not None:
        key = f"coalesce({comparable_key('mk')} = {comparable_key(literal(only.strip()))}, false)"
        keyed = f"EXISTS (SELECT 1 FROM {CHANGES} WHERE primary_key = {literal(only)})"
        warehouse.execute(
            f"UPDATE {CHANGES} SET chosen = primary_key = {literal(only)} OR ({key} AND NOT {keyed})"
        )
    if limit is None:
        return
    first = (
        f"SELECT primary_key FROM {CHANGES} WHERE operation IS NOT NULL AND chosen"
        f" ORDER BY ord NULLS LAST, primary_key LIMIT {int(limit)}"
    )
    warehouse.execute(f"UPDATE {CHANGES} SET chosen = primary_key IN ({first})")


def stage_sql(asked: Question) -> str:
    """The rows to send as the delivery's file holds them: grouped by kind of request, then by primary key."""
    place = candidates.place(asked)
    values = [f"{field.value} AS v{number}" for number, field in enumerate(asked.fields)]
    rows = candidates.model(asked, ", ".join([f"{place} AS row_place", *values]))
    rows += f" WHERE {place} IN (SELECT place FROM {CHANGES} WHERE operation IS NOT NULL AND chosen)"
    handed = "".join(f", v{number}" for number in range(len(asked.fields)))
    left = f"NOT same_key AND {comparable_key('l_match_key')} NOT IN ({holding.owned(asked, 'NOT same_key')})"
    return f"""SELECT primary_key, coalesce(mk, l_match_key) AS match_key, operation, by_id, l_remote_id AS remote_id,
      {sent_hash()} AS hash, vals, {_sent(asked)} AS sent, links, CASE WHEN {left} THEN l_match_key END AS previous_key,
      updated_at, scan, target, (l_status = 'unknown' OR {DOUBTED}) AS lookup, l_acked_at IS NULL AND there IS NOT TRUE AS fresh,
      coalesce(l_attempts, 0) AS attempts, l_acked_hash, l_acked_values, l_acked_at, l_match_key, l_scan_hash{handed}
      FROM {CHANGES} LEFT JOIN ({rows}) ON row_place = place
      WHERE operation IS NOT NULL AND chosen
      ORDER BY operation, by_id, ord NULLS LAST, primary_key"""


def _sent(asked: Question) -> str:
    """JSON of the fields that go out: associations are none, and a NULL that is skipped is left out. NULL: it is `vals`."""
    if not asked.links and not any(field.skips for field in asked.fields):
        return "CAST(NULL AS VARCHAR)"
    parts = []
    for number, field in enumerate(asked.fields):
        part = one_field(field, f"v{number}")
        parts.append(f"CASE WHEN v{number} IS NOT NULL THEN {part} END" if field.skips else part)
    inner = f"concat_ws(',', {', '.join(parts)})" if parts else "''"
    return f"CASE WHEN vals IS NOT NULL THEN '{{' || {inner} || '}}' END"


def new_rows(warehouse: Warehouse, asked: Question, run_id: str, *, passed: bool) -> str:
    """A view of the changes with every ledger column as it becomes (`n_`), and whether it differs (`rewrite`)."""
    sending = f"(operation IS NOT NULL AND chosen AND {'true' if passed else 'false'})"
    given_up = "(leaving AND reason IS NOT NULL)"
    waits = f"(operation IS NOT NULL AND NOT through AND l_sent_hash IS DISTINCT FROM {literal(RETRY)})"
    kept = with_dropped("vals", "l_acked_values", [part.field for part in asked.parts])
    accepted = f"CASE WHEN l_fields = {literal(asked.digest)} THEN l_acked_values ELSE {kept} END"
    new = {
        "status": "status",
        "acked_hash": f"CASE WHEN same THEN hash WHEN {given_up} THEN NULL ELSE l_acked_hash END",
        "acked_values": f"CASE WHEN same THEN {accepted} WHEN {given_up} THEN NULL ELSE l_acked_values END",
        # what was refused under it was answered: a row that waits now has been let through only where its delivery was
        "sent_hash": f"CASE WHEN {sending} THEN {sent_hash()} WHEN reason IS NOT NULL OR {waits} THEN NULL ELSE l_sent_hash END",
        "error": "CASE WHEN reason IS NOT NULL THEN reason WHEN status = l_status OR operation IS NOT NULL THEN l_error END",
        "attempts": "coalesce(l_attempts, 0)",
        "remote_id": "l_remote_id",
        "acked_at": "l_acked_at",
        "run_id": literal(run_id),
        "subject": "coalesce(mk, l_subject)",
        "match_key": "l_match_key",
        "scan_hash": "CASE WHEN same OR (operation IS NULL AND status = gate) THEN scan ELSE l_scan_hash END",
        "fields": f"CASE WHEN same THEN {literal(asked.digest)} ELSE l_fields END",
    }
    if refreshes(asked) != "same":
        new |= {"acked_hash": "l_acked_hash", "acked_values": "l_acked_values"}
    warehouse.execute(
        f"CREATE OR REPLACE TEMP VIEW {NEW_ROWS} AS SELECT primary_key, {_select(new)}, {_differs(new)} AS rewrite FROM {CHANGES}"
    )
    return NEW_ROWS


def _select(new: dict[str, str]) -> str:
    return ", ".join(f"{expression} AS n_{name}" for name, expression in new.items())


def _differs(new: dict[str, str]) -> str:
    compared: Sequence[str] = [name for name in new if name != "run_id"]
    differing = " OR ".join(f"({new[name]}) IS DISTINCT FROM l_{name}" for name in compared)
    return f"l_merged_from IS NOT NULL OR {differing}"
