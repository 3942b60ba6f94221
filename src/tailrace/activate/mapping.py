"""Model columns as vendor fields: typed, never through text templates.

The SQL here is DuckDB's; what another engine spells differently stands in this file and nowhere else in the folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tailrace.project.spec import Association, Sync
from tailrace.warehouse.base import Dialect

_PLAIN = re.compile(
    r"(VARCHAR|BOOLEAN|U?(TINY|SMALL|BIG)?INT(EGER)?|DOUBLE|DATE|TIMESTAMP|DECIMAL\(\d+,\s*\d+\))\Z"
)
WHOLE = "DECIMAL(38, 0)"
_AS_TEXT = re.compile(r"(ENUM\(.*|UUID|TIME|TIME WITH TIME ZONE|INTERVAL|JSON)\Z", re.DOTALL)


@dataclass(frozen=True)
class MappedField:
    """One vendor field and the expression of its value over the staged table; `type` is that expression's."""

    field: str
    column: str
    value: str
    type: str
    if_null: str
    conflict: str
    map: Mapping[str, str] | None = None

    @property
    def skips(self) -> bool:
        return self.if_null == "skip"


def sendable(engine_type: str) -> bool:
    """Whether a column of this type has one clear value to send: lists, structs and bytes have none."""
    return bool(_typed("x", engine_type)[1])


def _typed(expression: str, engine_type: str) -> tuple[str, str]:
    """A value as the vendor gets it and its type; instants in UTC without a zone. No type: it cannot be sent."""
    kind = engine_type.upper()
    if kind.endswith("[]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        return expression, ""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"({expression} AT TIME ZONE 'UTC')", "TIMESTAMP"
    if kind.startswith("TIMESTAMP_"):
        return f"CAST({expression} AS TIMESTAMP)", "TIMESTAMP"
    if kind in {"HUGEINT", "UHUGEINT"}:  # sum() makes them, and Parquet would turn them into doubles
        return f"TRY_CAST({expression} AS DECIMAL(38, 0))", WHOLE
    if kind == "FLOAT":
        return f"CAST({expression} AS DOUBLE)", "DOUBLE"
    if _PLAIN.match(kind):
        return expression, kind
    if _AS_TEXT.match(kind):
        return f"CAST({expression} AS VARCHAR)", "VARCHAR"
    return expression, ""


def as_instant(expression: str, engine_type: str) -> str:
    """A time in UTC without a zone."""
    return f"CAST({_typed(expression, engine_type)[0]} AS TIMESTAMP)"


BLANKS = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"


def trimmed(expression: str) -> str:
    """A match value as it is sent: text without blanks around it, NULL where nothing is left."""
    return f"nullif(trim(CAST({expression} AS VARCHAR), {BLANKS}), '')"


def comparable_key(expression: str) -> str:
    """What makes two match values one key: neither case nor Unicode form tells them apart."""
    # the engine makes one letter of the dotted capital I, Python and Unicode two
    plain = f"replace(nfc_normalize({expression}), chr(304), 'i' || chr(775))"
    folded = f"replace(translate(lower({plain}), chr(962) || chr(383), chr(963) || 's'), chr(223), 'ss')"
    return f"CASE WHEN strlen({expression}) = length({expression}) THEN lower({expression}) ELSE nfc_normalize({folded}) END"


def links_document(associations: Sequence[Association], quote: Callable[[str], str]) -> str:
    """JSON list of the records that a row belongs to, in the sync's order; NULL where it has none."""
    if not associations:
        return "CAST(NULL AS VARCHAR)"
    parts = [
        f"json_object('object', {literal(each.object)}, 'match_field', {literal(each.match_field)},"
        f" 'key', {trimmed(quote(each.column))}, 'label', {literal(each.label)})"
        for each in associations
    ]
    return f"CAST(json_array({', '.join(parts)}) AS VARCHAR)"


def mapped(sync: Sync, columns: Mapping[str, str], dialect: Dialect) -> tuple[MappedField, ...]:
    """The sync's fields in the order of their names, as hashes need it; the columns are known to be there."""
    found = []
    for each in sorted(sync.fields, key=lambda item: item.field):
        value, kind = _typed(dialect.quote(each.column), columns[each.column])
        if each.map is not None:
            value, kind = _translated(dialect, value, kind, each.map), "VARCHAR"
        found.append(MappedField(each.field, each.column, value, kind, each.if_null, each.conflict, each.map))
    return tuple(found)


def _translated(dialect: Dialect, value: str, kind: str, words: Mapping[str, str]) -> str:
    """The vendor's word for a value; NULL for NULL and for a value that the map lacks."""
    text = (
        dialect.typed_text(value, kind) if not kind.startswith("TIMESTAMP") else f"CAST({value} AS VARCHAR)"
    )
    if kind == "BOOLEAN":
        words = {ours.lower(): theirs for ours, theirs in words.items()}
    whens = " ".join(f"WHEN {literal(ours)} THEN {literal(theirs)}" for ours, theirs in words.items())
    return f"CASE {text} {whens} END"


def linked(sync: Sync, columns: Mapping[str, str], dialect: Dialect) -> tuple[MappedField, ...]:
    """The sync's associations as parts of a row's value; none of them is a vendor field."""
    return tuple(
        MappedField(
            f"associations.{each.object}",
            each.column,
            trimmed(dialect.quote(each.column)),
            "VARCHAR",
            "clear",
            "ours",
        )
        for each in sync.associations
        if each.column in columns
    )


def digest(sync: Sync, fields: Sequence[MappedField]) -> str:
    """What a refused row's next try depends on besides its values: fields, their rules, object and key; then, behind a dot, `link_rules`."""
    parts = [
        sync.object,
        sync.mode,
        sync.match_field,
        *(f"{f.field}:{f.if_null}:{f.conflict}{_words(f.map)}" for f in fields),
    ]
    rules = link_rules(sync)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12] + (f".{rules}" if rules else "")


def link_rules(sync: Sync) -> str:
    """How records that rows belong to are found and labelled, as a digest; empty without associations."""
    parts = [f"{each.object}:{each.match_field}:{each.label}" for each in sync.associations]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8] if parts else ""


def _words(words: Mapping[str, str] | None) -> str:
    return "" if words is None else f":{sorted(words.items())}"


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def path(field: str) -> str:
    """A JSON path literal to one field."""
    return literal('$."' + field.replace('"', '\\"') + '"')


def finite(expression: str, kind: str) -> str | None:
    """A condition that is false for NaN and infinity; None where the type has neither."""
    return f"coalesce(isfinite({expression}), true)" if kind in ("DOUBLE", "DATE", "TIMESTAMP") else None


def too_long(value: str, column: str, kind: str) -> str | None:
    """A condition that is true where a whole number has more digits than any type that is sent; None where none can."""
    return f"{column} IS NOT NULL AND {value} IS NULL" if kind.upper() in {"HUGEINT", "UHUGEINT"} else None


def value_hash(parts: Sequence[tuple[str, str]]) -> str:
    """md5 over named parts; each part is what `framed` made, so no value can imitate a border."""
    joined = "".join(f" || {literal('|' + name + '=')} || {part}" for name, part in parts)
    return f"md5('v1'{joined})"


def framed(dialect: Dialect, expression: str, kind: str) -> str:
    """Length and canonical text of a value; `n` for NULL, which no text can look like."""
    text = dialect.typed_text(expression, kind)
    return f"coalesce('t' || strlen({text}) || ':' || {text}, 'n')"


def acked_value(document: str, field: MappedField) -> str:
    """A field's last accepted value, out of the ledger's JSON, in the type that the column has now."""
    return f"TRY_CAST(json_extract_string({document}, {path(field.field)}) AS {field.type})"


def with_dropped(values: str, accepted: str, names: Sequence[str]) -> str:
    """JSON text of `values`, with what was `accepted` of fields that are none of `names`: an edit is told by it when they come back."""
    mapped = literal(json.dumps(dict.fromkeys(names), ensure_ascii=False))
    dropped = f"CAST(json_merge_patch({accepted}, {mapped}) AS VARCHAR)"
    return (
        f"CASE WHEN {values} IS NULL OR {accepted} IS NULL OR {dropped} = '{{}}' THEN {values} WHEN {values} = '{{}}' THEN {dropped}"
        f" ELSE left({values}, -1) || ',' || substr({dropped}, 2) END"
    )


def document(fields: Sequence[tuple[str, str, str]]) -> str:
    """JSON text of (field, expression, type): numbers stay numbers, instants are ISO 8601 in UTC."""
    parts = ", ".join(f"{literal(name)}, {_json(expression, kind)}" for name, expression, kind in fields)
    return f"CAST(json_object({parts}) AS VARCHAR)"


def one_field(field: MappedField, expression: str) -> str:
    """One field of a JSON object, as text; null where the value is NULL."""
    name = json.dumps(field.field, ensure_ascii=False)
    return f"{literal(name + ':')} || coalesce(CAST(to_json({_json(expression, field.type)}) AS VARCHAR), 'null')"


def _json(expression: str, kind: str) -> str:
    if kind == "TIMESTAMP":
        return f"strftime({expression}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"CAST({expression} AS VARCHAR)" if kind == "DATE" else expression


def hashable(expression: str, engine_type: str) -> str:
    """What the engine's hash tells apart as the values are told apart: plain types, times, and text of everything else."""
    kind = engine_type.upper()
    plain = _PLAIN.match(kind) or kind.startswith("TIMESTAMP") or kind in {"FLOAT", "HUGEINT", "UHUGEINT"}
    return expression if plain else f"CAST({expression} AS VARCHAR)"


def scan_hash(tag: str, expressions: Sequence[str]) -> str:
    """A cheap hash of this engine's own: equal means unchanged, different means look closer."""
    return f"CAST(hash({literal(tag)}, {', '.join(expressions)}) >> 1 AS BIGINT)"


def number_of(expression: str) -> str:
    """A sum of these over rows does not depend on their order."""
    return f"CAST(md5_number_lower({expression}) >> 8 AS HUGEINT)"


def as_sent(value: Any) -> Any:
    """A fetched value as a destination takes it: instants carry their zone, whole numbers are int."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, Decimal) and value.as_tuple().exponent == 0:
        return int(value)
    return value
