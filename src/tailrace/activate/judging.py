"""What becomes of each candidate: one SELECT from values to hash, from hash to operation and status.

Order of judgement: suppressed, filtered, quarantined, then changed or unchanged.
"""

from __future__ import annotations

from tailrace.activate import appearing, candidates, ledger
from tailrace.activate.mapping import (
    MappedField,
    acked_value,
    as_instant,
    comparable_key,
    document,
    finite,
    framed,
    link_rules,
    links_document,
    literal,
    path,
    too_long,
    value_hash,
)
from tailrace.activate.question import CANDIDATES, CREATING, Question
from tailrace.warehouse.base import Warehouse

MOVED = "(l_remote_id IS NOT NULL AND l_acked_values IS NOT NULL AND NOT same_key)"
"""A record that we know, under another match value than the one it was accepted with."""

DOUBTED = "coalesce(l_acked_at IS NULL AND l_match_key IS NOT NULL AND l_attempts > 0, false)"
"""A first request went out under that key without an answer, and none has settled since whether a record is there."""


def changes_sql(warehouse: Warehouse, asked: Question) -> str:
    """Every candidate that changes in the CRM or in the ledger."""
    shown = [(part.field, _effective(number, asked), part.type) for number, part in enumerate(asked.parts)]
    carried = "".join(f"{name}, " for name in _own_columns(asked))
    return f"""
    WITH model AS ({_values(asked)}), known AS ({_known(asked)}), {appearing.tables(warehouse, asked)}
    joined AS (
      SELECT coalesce(pk, known.primary_key) AS primary_key,
        coalesce(ord, TRY_CAST(known.primary_key AS {asked.columns[asked.sync.primary_key]})) AS ord,
        place, coalesce(gate, 'absent') AS gate, mk, scan, links, updated_at, {carried}{_ledger_columns()}
      FROM model FULL JOIN known ON known.primary_key = pk),
    named AS (SELECT *, {_same_key(asked)} AS same_key,
      coalesce({comparable_key("l_subject")} = {comparable_key("mk")}, mk IS NULL AND l_subject IS NULL) AS same_subject,
      {appearing.there(asked)}, {appearing.since(warehouse, asked)} AS since, {_wrong(asked)} FROM joined),
    hashed AS (SELECT *, {_hash(asked)} AS hash, CASE WHEN gate = 'eligible' THEN {document(shown)} END AS vals FROM named),
    compared AS (SELECT *, {_same(asked)} AS same, {_held(asked)} AS held, {_left(asked)} AS leaving FROM hashed),
    decided AS (SELECT *, {_operation(asked)} AS operation FROM compared),
    judged AS (SELECT *, {_status()} AS status, {_target()} AS target FROM decided)
    SELECT * EXCLUDE ({carried}there_by_key, there_by_id, since, wrong, wrong_field), true AS chosen,
      CASE WHEN there_by_key OR there_by_id THEN true ELSE coalesce(there_by_key, there_by_id) END AS there, {_by_id(asked)} AS by_id,
      CASE WHEN operation IS NOT NULL AND NOT leaving THEN wrong END AS reason,
      CASE WHEN operation IS NOT NULL AND NOT leaving THEN wrong_field END AS field,
      coalesce(l_status IN ('pending', 'unknown') AND l_sent_hash = {sent_hash()}
        AND (leaving OR same_subject), false) AS through
    FROM judged
    WHERE operation IS NOT NULL OR status IS DISTINCT FROM l_status OR l_merged_from IS NOT NULL
      OR ({refreshes(asked)} AND (l_fields IS DISTINCT FROM {literal(asked.digest)} OR l_scan_hash IS DISTINCT FROM scan))
      OR (gate IN {candidates.HELD} AND (l_subject IS DISTINCT FROM mk OR l_scan_hash IS DISTINCT FROM scan))
    """


def sent_hash() -> str:
    """What `sent_hash` holds for a row that is sent: its values' hash, or the word of what was done to it."""
    return "CASE WHEN leaving THEN operation ELSE hash END"


def refreshes(asked: Question) -> str:
    """Rows whose accepted state is written anew in the ledger without a request."""
    return "false" if asked.sync.mode == "insert" else "same"


def _own_columns(asked: Question) -> list[str]:
    """What a row carries through the judgement and no further."""
    lacking = [
        f"lacks{number}"
        for number, part in enumerate(asked.parts)
        if part.map is not None or _too_long(asked, part)
    ]
    return ["forced", *(f"v{number}" for number in range(len(asked.parts))), *lacking]


def _too_long(asked: Question, part: MappedField) -> str | None:
    """See `too_long`; a value that a map translates is judged by the map."""
    return (
        None
        if part.map
        else too_long(part.value, asked.dialect.quote(part.column), asked.columns[part.column])
    )


def _values(asked: Question) -> str:
    """The candidates of the model, with their values."""
    quote, sync = asked.dialect.quote, asked.sync
    key, match = quote(sync.primary_key), candidates.match_value(asked)
    updated = sync.updated_at
    wanted = [
        f"{candidates.place(asked)} AS place",
        f"{key} AS ord",
        f"CAST({key} AS VARCHAR) AS pk",
        f"{match} AS mk",
        f"{as_instant(quote(updated), asked.columns[updated]) if updated else 'CAST(NULL AS TIMESTAMP)'} AS updated_at",
        f"{links_document(sync.associations, quote)} AS links",
        f"{candidates.only_this(asked, f'CAST({key} AS VARCHAR)', match)} AS forced",
    ]
    for number, part in enumerate(asked.parts):
        wanted.append(f"{part.value} AS v{number}")
        if part.map is not None or _too_long(asked, part):
            wanted.append(
                f"CASE WHEN {part.value} IS NULL THEN CAST({quote(part.column)} AS VARCHAR) END AS lacks{number}"
            )
    rows = candidates.model(asked, ", ".join(wanted))
    return (
        f"SELECT m.*, c.gate, c.scan FROM ({rows} WHERE {candidates.place(asked)} IN (SELECT place FROM {CANDIDATES})) AS m"
        f" JOIN {CANDIDATES} AS c ON c.place = m.place"
    )


def _known(asked: Question) -> str:
    """The candidates' ledger rows; those of rows that are gone for good stay out."""
    return (
        f"SELECT *{_of_other_links(asked)} FROM ({asked.known}) WHERE lid IN"
        f" (SELECT lid FROM {CANDIDATES} WHERE lid IS NOT NULL AND NOT gone)"
    )


def _of_other_links(asked: Question) -> str:
    """A record that was linked by other rules, to another record or under another label, is not as it is wanted."""
    if not asked.links:
        return ""
    linked = " OR ".join(
        f"json_extract_string(acked_values, {path(each.field)}) IS NOT NULL" for each in asked.links
    )
    other = f"split_part(fields, '.', 2) IS DISTINCT FROM {literal(link_rules(asked.sync))} AND ({linked})"
    return f" REPLACE (CASE WHEN NOT coalesce({other}, false) THEN acked_hash END AS acked_hash)"


def _effective(number: int, asked: Question) -> str:
    """A NULL that is skipped keeps the value that was last accepted."""
    part = asked.parts[number]
    return f"coalesce(v{number}, {acked_value('l_acked_values', part)})" if part.skips else f"v{number}"


def _ledger_columns() -> str:
    names = [name for name in ledger.COLUMNS if name not in ("account", "object", "sync", "primary_key")]
    return ", ".join(f"known.{name} AS l_{name}" for name in [*names, "merged_from"])


def _same_key(asked: Question) -> str:
    """Nothing is matched, or the value is the one that was last accepted."""
    if not asked.sync.match_column:
        return "true"
    return f"coalesce({comparable_key('l_match_key')} = {comparable_key('mk')}, false)"


def _wrong(asked: Question) -> str:
    """Why a row's values cannot be sent, and the field."""
    rules: list[tuple[str, str, str]] = []
    for number, part in enumerate(asked.parts):
        sound = finite(f"v{number}", part.type)
        if sound:
            what = "is not a number: NaN or infinite" if part.type == "DOUBLE" else "is infinite"
            told = literal(f"{part.column} {what}")
            rules.append((f"NOT {sound}", part.field, told))
        if _too_long(asked, part):
            told = literal(f"{part.column} has more than 38 digits")
            rules.append((f"lacks{number} IS NOT NULL", part.field, told))
        elif part.map is not None:
            told = f"{literal(part.column + ' is ')} || left(lacks{number}, 60) || {literal(f', which the map of {part.field} lacks')}"
            rules.append((f"lacks{number} IS NOT NULL", part.field, told))
    if not rules:
        return "CAST(NULL AS VARCHAR) AS wrong, CAST(NULL AS VARCHAR) AS wrong_field"
    why = " ".join(f"WHEN {condition} THEN {told}" for condition, _, told in rules)
    which = " ".join(f"WHEN {condition} THEN {literal(field)}" for condition, field, _ in rules)
    return f"CASE {why} END AS wrong, CASE {which} END AS wrong_field"


def _hash(asked: Question) -> str:
    parts = [
        (part.field, framed(asked.dialect, _effective(number, asked), part.type))
        for number, part in enumerate(asked.parts)
    ]
    return (
        "CASE WHEN l_status <> 'unknown' AND l_scan_hash = scan AND l_acked_hash IS NOT NULL THEN l_acked_hash"
        f" WHEN gate = 'eligible' THEN {value_hash(parts)} END"
    )


def _acked_hash_now(asked: Question) -> str:
    """The accepted values under today's mapping: a field that was never sent differs from every value."""
    parts = []
    for part in asked.parts:
        there = f"json_exists(l_acked_values, {path(part.field)})"
        known = framed(asked.dialect, acked_value("l_acked_values", part), part.type)
        parts.append((part.field, f"CASE WHEN {there} THEN {known} ELSE 'absent' END"))
    return value_hash(parts)


def _same(asked: Question) -> str:
    if asked.sync.mode == "insert":
        return "coalesce(gate = 'eligible' AND l_acked_at IS NOT NULL AND l_status <> 'unknown', false)"
    if asked.full_resync:
        return "false"
    return (
        "coalesce(gate = 'eligible' AND NOT forced AND wrong IS NULL AND l_acked_hash IS NOT NULL AND l_status <> 'unknown'"
        f" AND l_sent_hash IS DISTINCT FROM {literal(ledger.RETRY)} AND same_key AND CASE WHEN l_fields = {literal(asked.digest)} OR l_acked_hash = hash THEN l_acked_hash = hash"
        f" ELSE {_acked_hash_now(asked)} = hash END, false)"
    )


def _held(asked: Question) -> str:
    """Refused before, and nothing has changed since: neither its values nor its key nor the mapping; or it is too early."""
    if asked.full_resync:
        return "false"
    refused = (
        f"l_status IN ('dead', 'unmatched', 'conflict') AND l_sent_hash = hash AND l_fields = {literal(asked.digest)}"
        " AND same_subject AND NOT since"
    )
    early = f" OR l_status = 'dead' AND primary_key IN ({asked.waiting})" if asked.waiting else ""
    return f"coalesce(gate = 'eligible' AND NOT forced AND ({refused}{early}), false)"


def _left(asked: Question) -> str:
    """Rows that left the model or the `where` just now, and that the vendor has something of."""
    if asked.sync.on_removed == "keep":
        return "false"
    return (
        f"coalesce(gate IN ('absent', 'filtered') AND (l_acked_values IS NOT NULL OR l_status = 'unknown' OR {DOUBTED})"
        " AND l_status NOT IN ('removed', 'filtered', 'suppressed'), false)"
    )


def _operation(asked: Question) -> str:
    sync = asked.sync
    usual = literal(CREATING.get(sync.mode, "update"))
    if usual == "'upsert'":
        # a known record whose key has changed is changed in place: an upsert would make a second one
        usual = f"CASE WHEN {MOVED} THEN 'update' ELSE 'upsert' END"
    leaving = literal(sync.on_removed)
    return (
        f"CASE WHEN gate = 'eligible' AND NOT same AND NOT held THEN {usual}"
        f" WHEN leaving AND NOT coalesce(l_status = 'dead' AND l_sent_hash = {leaving}, false) THEN {leaving} END"
    )


def _by_id(asked: Question) -> str:
    # in mode update the record that has the new value is written; the known one only where there is no such record
    known_alone = f"({MOVED} AND coalesce(there_by_id AND NOT there_by_key, false))"
    moved = {"update": known_alone, "upsert": MOVED}.get(CREATING.get(asked.sync.mode, "update"), "false")
    return f"CASE WHEN leaving THEN l_remote_id IS NOT NULL ELSE {moved} END"


def _status() -> str:
    resent = "CASE WHEN l_status = 'unknown' THEN 'unknown' ELSE 'pending' END"
    return (
        f"CASE WHEN operation IS NOT NULL THEN {resent} WHEN same THEN 'acked' WHEN held OR leaving THEN l_status"
        " WHEN gate = 'absent' THEN 'removed' ELSE gate END"
    )


def _target() -> str:
    return "CASE gate WHEN 'eligible' THEN 'acked' WHEN 'absent' THEN 'removed' ELSE gate END"
