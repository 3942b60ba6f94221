"""Rows as a webhook's JSON: typed, and exact where a reader of JSON would round."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson

from tailrace.connectors.sdk.writing import WriteBatch, WriteResult, WriteRow

LARGEST_EXACT = 2**53 - 1
"""Most readers of JSON keep numbers as doubles: a whole number beyond this goes as text."""


class Unsendable(ValueError):
    """A value that JSON has nothing for; `field` is where it belongs."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Message:
    """A row as it is sent; `document` has neither type nor timestamp, so that it is the same whenever it is sent."""

    row: WriteRow
    trace: str
    document: Mapping[str, Any]


def messages(batch: WriteBatch) -> tuple[list[Message], list[WriteResult]]:
    """The batch's rows, and those that cannot be sent at all; a trace is the row's place in the batch."""
    sendable, refused = [], []
    for place, row in enumerate(batch.rows):
        try:
            sendable.append(Message(row, str(place), _document(batch, row, str(place))))
        except Unsendable as error:
            refused.append(WriteResult(row.trace, "dead", None, str(error), error.field))
    return sendable, refused


def _document(batch: WriteBatch, row: WriteRow, trace: str) -> dict[str, Any]:
    found: dict[str, Any] = {"trace": trace, "operation": batch.operation}
    if row.key is not None:
        found |= {"key_field": batch.match_field, "key": json_value("key", row.key)}
    if row.previous_key is not None:
        found["previous_key"] = json_value("previous_key", row.previous_key)
    if row.links:
        found["associations"] = [
            {
                "object": link.object,
                link.match_field: json_value(f"associations.{link.object}", link.key),
                **({"label": link.label} if link.label else {}),
            }
            for link in row.links
        ]
    found["fields"] = {name: json_value(name, value) for name, value in row.values.items()}
    return found


def json_value(field: str, value: Any) -> Any:
    """Whole numbers up to 2**53 are numbers, larger ones and decimals are texts; instants are ISO 8601 in UTC, microseconds."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _whole_text(field, value)
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_EXACT else str(value)
    if isinstance(value, float | Decimal):
        return _fraction(field, value)
    if isinstance(value, datetime):
        try:
            utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        except OverflowError:
            raise Unsendable(field, f"{value} has no year from 1 to 9999 in UTC") from None
        return utc.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {_whole_text(field, str(name)): json_value(field, inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [json_value(field, inner) for inner in value]
    raise Unsendable(field, f"a value of type {type(value).__name__} cannot be sent")


def _whole_text(field: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unsendable(field, "the text has half a character in it (a lone surrogate)") from None
    return text


def _fraction(field: str, value: float | Decimal) -> float | str:
    if not math.isfinite(value):
        raise Unsendable(field, f"{value} is not a number that can be sent")
    return format(value, "f") if isinstance(value, Decimal) else value


def name_of(batch: WriteBatch, part: Sequence[Message]) -> str:
    """The webhook-id: the same for the same rows and values, however often and in whatever parts they are sent."""
    told = orjson.dumps([batch.name, batch.object, [one.document for one in part]])
    return f"msg_{hashlib.sha256(told).hexdigest()[:32]}"


def body_of(batch: WriteBatch, part: Sequence[Message], now: datetime) -> bytes:
    """The request's body in the sync's format."""
    kind, at = f"{batch.object}.{batch.operation}", json_value("timestamp", now)
    if batch.options.get("format") == "array":
        return orjson.dumps([{"type": kind, "timestamp": at, **one.document} for one in part])
    return orjson.dumps({"type": kind, "timestamp": at, "data": [one.document for one in part]})
