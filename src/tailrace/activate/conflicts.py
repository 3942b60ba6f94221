"""Fields that people edit, too: written only where the vendor's value is empty or still ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from tailrace.activate.staging import SentField, StagedBatch, StagedRow
from tailrace.connectors.sdk.base import Destination


@dataclass(frozen=True)
class Kept:
    """Fields of one row that stay as they are; `all_changes`: nothing else of it has changed."""

    fields: tuple[str, ...]
    all_changes: bool
    acked_patch: Mapping[str, Any]
    """What the ledger keeps as accepted for them: the old value, or null for a field never accepted."""
    overwritten: tuple[str, ...] = ()
    """Fields that a person had edited and that are written all the same, as declared."""


def guarded(fields: Sequence[SentField]) -> list[SentField]:
    """The fields whose rule needs the vendor's value."""
    return [field for field in fields if field.conflict != "ours"]


def kept_fields(
    destination: Destination,
    obj: str,
    match_field: str,
    batch: StagedBatch,
    fields: Sequence[SentField],
    options: Mapping[str, Any],
) -> dict[int, Kept]:
    """Rows, by their place in the file, of which some fields must not be written; asks the vendor once."""
    rules = [field.field for field in guarded(fields)]
    if not rules or batch.operation in {"create", "archive"}:
        return {}
    keys = [row.remote_id if batch.by_id else row.key for row in batch.rows]
    there = destination.read_fields(
        obj, None if batch.by_id else match_field, [key for key in keys if key], rules, options
    )
    found = {}
    for row, key in zip(batch.rows, keys, strict=True):
        remote = there.get(key or "", there.get((key or "").lower(), {}))
        kept = _kept(row, remote, rules, [field.field for field in fields])
        if kept.fields:
            found[row.ordinal] = kept
    return found


def _kept(row: StagedRow, remote: Mapping[str, Any], rules: Sequence[str], names: Sequence[str]) -> Kept:
    acked: dict[str, Any] = json.loads(row.acked, parse_float=Decimal) if row.acked else {}
    new: dict[str, Any] = (
        json.loads(row.document, parse_float=Decimal) if row.document else dict.fromkeys(names)
    )
    mine = tuple(name for name in rules if _edited(remote.get(name), acked.get(name), new.get(name)))
    changed = {name for name in new if name not in acked or acked[name] != new[name]}
    return Kept(mine, changed <= set(mine), {name: _plain(acked.get(name)) for name in mine})


def _edited(remote: Any, acked: Any, new: Any) -> bool:
    """Whether somebody else's value stands there; one that equals what we want to write is nobody's loss."""
    there = comparable(remote)
    return there is not None and there not in (comparable(acked), comparable(new))


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def comparable(value: Any) -> Any:
    """A value as vendors and we may both spell it: "85.0" is 85, "TRUE" is true, an instant is UTC; "" is None."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value)).normalize()
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    text = str(value).strip() if value is not None else ""
    if not text:
        return None
    read = next((found for found in (_number(text), _instant(text)) if found is not None), text)
    return text.lower() if text.lower() in {"true", "false"} else read


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found.normalize() if found.is_finite() else None


def _instant(text: str) -> datetime | None:
    if len(text) < 19 or text[10] not in "T ":
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
