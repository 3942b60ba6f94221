"""Rows that no request could carry, or whose record is another row's: held back with their reason; nobody is asked about them.

None of these is remembered by its values: each run judges them anew, so they go out by themselves when the reason is gone.
"""

from __future__ import annotations

from tailrace.activate import candidates
from tailrace.activate.mapping import MappedField, comparable_key, literal
from tailrace.activate.question import CHANGES, Question
from tailrace.connectors.sdk.writing import RemoteField
from tailrace.warehouse.base import Warehouse

SHARERS = "tailrace_sharers"
SENT = "operation IS NOT NULL AND NOT leaving"
TAKEN = literal("its record is another row's now")
TOO = literal("'s, too")


def hold(warehouse: Warehouse, asked: Question) -> None:
    if not _any(warehouse, "operation IS NOT NULL"):
        return
    match = asked.sync.match_column
    if match:
        missing = literal(f"{match} is empty")
        _hold(warehouse, "match_key_missing", "mk IS NULL AND NOT leaving", "unmatched", missing)
        _hold_twins(warehouse, asked)
    _hold(warehouse, "wrong_value", "reason IS NOT NULL AND NOT leaving", "dead", "reason")
    nameless = "leaving AND l_remote_id IS NULL AND l_match_key IS NULL"
    _hold(warehouse, "left_without_key", nameless, "", literal("no remote id is known"))
    _hold_owned(warehouse, asked)
    _hold_shared(warehouse, asked)
    _hold_refused(warehouse, asked)


def _any(warehouse: Warehouse, condition: str) -> bool:
    return bool(warehouse.query(f"SELECT 1 FROM {CHANGES} WHERE {condition} LIMIT 1"))


def _hold(warehouse: Warehouse, what: str, condition: str, status: str, reason: str) -> None:
    """`status` empty: the row goes to where it was going, without a request. `what` names the rule in errors."""
    wanted = literal(status) if status else "target"
    warehouse.execute(
        f"UPDATE {CHANGES} SET operation = NULL, status = {wanted}, reason = {reason}"
        f" WHERE operation IS NOT NULL AND {condition} /* {what} */"
    )


def _eligible(asked: Question, wanted: str) -> str:
    gate = candidates.gate(asked)
    return candidates.model(asked, wanted) + ("" if gate == "'eligible'" else f" WHERE {gate} = 'eligible'")


def _hold_twins(warehouse: Warehouse, asked: Question) -> None:
    """Two rows with one match value would overwrite each other at the vendor: neither is sent.

    A row that was accepted under its key can only have got a twin that is new to that key, so those are looked for.
    """
    key = comparable_key("mk")
    settled = "coalesce(l_status = 'acked' AND l_acked_at IS NOT NULL AND same_key, false)"
    new = f"{SENT} AND mk IS NOT NULL AND NOT {settled}"
    if not _any(warehouse, new):
        return
    keys = _eligible(asked, f"{comparable_key(candidates.match_value(asked))} AS twin")
    twins = (
        f"SELECT twin, count(*) AS n FROM ({keys}) WHERE twin IN (SELECT {key} FROM {CHANGES} WHERE {new})"
        " GROUP BY 1 HAVING count(*) > 1"
    )
    name = literal(asked.sync.match_column + " is the same in ")
    warehouse.execute(
        f"UPDATE {CHANGES} SET operation = NULL, status = 'dead', field = NULL, reason = {name} || n || ' rows'"
        f" FROM ({twins}) AS t WHERE {SENT} AND {key} = t.twin"
    )


def _hold_owned(warehouse: Warehouse, asked: Question) -> None:
    """A record that another row of the model takes over is left alone: given up once that row is accepted, kept in mind until then."""
    if not asked.sync.match_column or not _any(warehouse, "leaving AND operation IS NOT NULL"):
        return
    taken = f"leaving AND {comparable_key('l_match_key')} IN ({owned(asked, 'leaving')})"
    accepted = f"SELECT {comparable_key('match_key')} FROM ({asked.known}) AS k WHERE status = 'acked' AND primary_key IN ({{}})"
    key = asked.dialect.quote(asked.sync.primary_key)
    living = _eligible(asked, f"CAST({key} AS VARCHAR)")
    given_up = f"{taken} AND {comparable_key('l_match_key')} IN ({accepted.format(living)})"
    _hold(warehouse, "another_row_owns_the_record", given_up, "", TAKEN)
    warehouse.execute(
        f"UPDATE {CHANGES} SET operation = NULL, status = l_status, reason = NULL WHERE operation IS NOT NULL AND {taken}"
    )


def owned(asked: Question, condition: str) -> str:
    """A SELECT of the match values, as they compare, that such changes were accepted under and that are an eligible row's now."""
    if not asked.sync.match_column:
        return "SELECT NULL WHERE false"
    keys = _eligible(asked, f"{comparable_key(candidates.match_value(asked))} AS k")
    former = (
        f"SELECT {comparable_key('l_match_key')} FROM {CHANGES} WHERE l_match_key IS NOT NULL AND {condition}"
    )
    return f"SELECT k FROM ({keys}) WHERE k IN ({former})"


def _hold_shared(warehouse: Warehouse, asked: Question) -> None:
    """Of rows that point at one remote record only one writes it: one that is not refused, then the first by primary key."""
    ids = f"SELECT l_remote_id FROM {CHANGES} WHERE operation IS NOT NULL AND l_remote_id IS NOT NULL"
    if not warehouse.query(f"{ids} LIMIT 1"):
        return
    # one column of the whole ledger first: rows that share a record are rare
    shared = (
        f"SELECT remote_id FROM ({asked.known}) WHERE remote_id IN ({ids}) GROUP BY 1 HAVING count(*) > 1"
    )
    if not warehouse.query(f"{shared} LIMIT 1"):
        return
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {SHARERS} AS SELECT remote_id, primary_key, status, merged_from, subject, match_key FROM ({asked.known})"
        f" WHERE remote_id IN ({shared})"
    )
    _hold_sharers(warehouse, asked)
    warehouse.execute(f"DROP TABLE temp.{SHARERS}")


def _hold_sharers(warehouse: Warehouse, asked: Question) -> None:
    key = asked.dialect.quote(asked.sync.primary_key)
    living = _eligible(asked, f"CAST({key} AS VARCHAR) AS pk, {key} AS ord")
    # a row that is matched by a new value writes that value's record, not the one that it had
    elsewhere = "operation IS NOT NULL AND NOT (by_id OR leaving OR same_key)"
    changed = f"{comparable_key('subject')} IS DISTINCT FROM {comparable_key('match_key')}"
    moved = f"({changed})" if asked.sync.mode == "update" and asked.sync.match_column else "false"
    owners = (
        f"SELECT remote_id, arg_min(primary_key, ({moved}, status = 'dead', merged_from IS NOT NULL, ord)) AS owner"
        f" FROM {SHARERS} JOIN ({living}) ON pk = primary_key"
        f" WHERE primary_key NOT IN (SELECT primary_key FROM {CHANGES} WHERE {elsewhere}) GROUP BY remote_id"
    )
    told = (
        "CASE WHEN l_merged_from IS NOT NULL"
        " THEN 'its record ' || l_merged_from || ' was merged into ' || l_remote_id || ', which row ' || owner || ' writes'"
        " WHEN l_status = 'dead' AND starts_with(l_error, 'its record ') THEN l_error"
        f" ELSE 'its record ' || l_remote_id || ' is row ' || owner || {TOO} END"
    )
    warehouse.execute(
        f"UPDATE {CHANGES} SET operation = NULL, status = CASE WHEN leaving THEN target ELSE 'dead' END, field = NULL,"
        f" reason = CASE WHEN leaving THEN {TAKEN} ELSE {told} END"
        f" FROM ({owners}) AS o WHERE operation IS NOT NULL AND NOT ({elsewhere}) AND l_remote_id = o.remote_id AND primary_key <> o.owner"
    )


def _hold_refused(warehouse: Warehouse, asked: Question) -> None:
    """Values that the vendor's own description of a field rules out. It is asked once, and only if something would be sent."""
    if asked.remote is None or not asked.fields or not _any(warehouse, SENT):
        return
    there = asked.remote()
    rules = [rule for field in asked.fields for rule in _rules(asked, field, there.get(field.field))]
    if not rules:
        return
    reasons = " ".join(f"WHEN {condition} THEN {told}" for condition, told, _ in rules)
    fields = " ".join(f"WHEN {condition} THEN {literal(field)}" for condition, _, field in rules)
    place = candidates.place(asked)
    rows = candidates.model(
        asked, f"{place} AS row_place, CASE {reasons} END AS told, CASE {fields} END AS which"
    )
    rows += f" WHERE {place} IN (SELECT place FROM {CHANGES} WHERE {SENT})"
    warehouse.execute(
        f"UPDATE {CHANGES} SET operation = NULL, status = 'dead', reason = told, field = which"
        f" FROM (SELECT * FROM ({rows}) WHERE told IS NOT NULL) AS r WHERE {SENT} AND place = row_place"
    )


def _rules(asked: Question, field: MappedField, there: RemoteField | None) -> list[tuple[str, str, str]]:
    """(condition that is true where the field cannot take the value, the reason, the field)."""
    if there is None or field.type == "TIMESTAMP":
        return []
    text, rules = asked.dialect.typed_text(field.value, field.type), []
    if there.options:
        words = ", ".join(literal(word) for word in there.options)
        sound = f"{text} IN ({words})"
        if there.many:
            sound = f"len(list_filter(string_split({text}, ';'), lambda word: word NOT IN ('', {words}))) = 0"
        told = f"{literal(field.column + ' is ')} || left({text}, 60) || {literal(f', which is no option of {field.field}')}"
        rules.append((f"{field.value} IS NOT NULL AND {text} <> '' AND NOT ({sound})", told, field.field))
    if there.longest and field.type.startswith("VARCHAR"):
        takes = literal(f" characters, {field.field} takes {there.longest}")
        told = f"{literal(field.column + ' has ')} || length({text}) || {takes}"
        rules.append((f"length({text}) > {there.longest}", told, field.field))
    return rules
