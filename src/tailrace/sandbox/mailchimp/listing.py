"""Listings: count and offset, fields and exclude_fields in dot notation, times, links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.mailchimp.problem import Problem, invalid
from tailrace.sandbox.mailchimp.stock import Account, Record
from tailrace.sandbox.vendor import RowError
from tailrace.sandbox.wire import Request, Response

DEFAULT_COUNT, MOST_COUNT = 10, 1000


@dataclass(frozen=True)
class Habits:
    """What stored documentation leaves open of the real service; a connector has to live with both."""

    since_inclusive: bool = False
    archived_listed: bool = True
    status_if_new_in_bulk: bool = True
    """A member of POST /lists/{list} may bear status_if_new; otherwise it is ignored."""
    new_without_status_told: bool = True
    """A new member of POST /lists/{list} without a status is an error; otherwise nothing is said of it."""
    longest_text: int = 255
    """Characters of a merge field of type text: more are cut off without a word."""


@dataclass(frozen=True)
class Call:
    """One request on the account; `args` are the path's arguments, `base` the URL of /3.0."""

    account: Account
    clock: Clock
    request: Request
    base: str
    args: Mapping[str, str] = field(default_factory=dict)
    row_errors: tuple[RowError, ...] = ()
    habits: Habits = field(default_factory=Habits)

    def now(self) -> str:
        """The time of a change, in Mailchimp's whole seconds."""
        return spelled(self.clock.stamp())

    def is_set(self, name: str) -> bool:
        """A switch among the query parameters; the vendor's SDK writes True."""
        return (self.request.param(name) or "").lower() == "true"

    def body(self) -> Record:
        """The JSON object that was sent; 400 where it is none."""
        try:
            body = self.request.json() if self.request.body else {}
        except ValueError as error:
            raise Problem(
                400, "We encountered an unspecified JSON parsing error.", "JSON Parse Error"
            ) from error
        if not isinstance(body, dict):
            raise Problem(400, "Schema describes object, but the body is none.")
        return body


Handler = Callable[[Call], Response]


def spelled(moment: datetime) -> str:
    """2026-01-31T09:30:00+00:00."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def page(call: Call, name: str, rows: list[Record], path: str, **extra: Any) -> Response:
    """One page of `rows` under `name`, with `total_items`; each row with its links, none of `fields` left out."""
    size, offset = _number(call, "count", DEFAULT_COUNT), _number(call, "offset", 0)
    if size > MOST_COUNT:
        raise invalid("count", f"Value must be less than or equal to {MOST_COUNT}")
    shown = [
        {**row, "_links": links(call, f"{path}/{row.get('id', '')}")} for row in rows[offset : offset + size]
    ]
    return selected(call, {name: shown, **extra, "total_items": len(rows), "_links": links(call, path)})


def one(call: Call, record: Record, path: str) -> Response:
    """One record with its links."""
    return selected(call, {**record, "_links": links(call, path)})


def links(call: Call, path: str) -> list[dict[str, str]]:
    """Where the thing itself is, and what is above it."""
    above = path.rsplit("/", 1)[0]
    return [
        {"rel": "self", "href": f"{call.base}{path}", "method": "GET"},
        {"rel": "parent", "href": f"{call.base}{above}", "method": "GET"},
    ]


def selected(call: Call, document: Record) -> Response:
    """The document as `fields` and `exclude_fields` want it."""
    wanted, unwanted = call.request.param("fields"), call.request.param("exclude_fields")
    if wanted and unwanted:
        raise Problem(400, "The fields and exclude_fields parameters cannot be used together.")
    if wanted:
        document = _only(document, _tree(wanted))
    elif unwanted:
        document = _without(document, _tree(unwanted))
    return Response.of(200, document)


def between(call: Call, rows: Iterable[Record], column: str, since: str, before: str) -> list[Record]:
    """The rows after `since` and before `before`, both names of query parameters; times are compared as texts of UTC."""
    low, high = moment(call, since), moment(call, before)
    if low is None and high is None:
        return list(rows)
    first, last = (None if at is None else spelled(at) for at in (low, high))
    inclusive = call.habits.since_inclusive

    def inside(row: Record) -> bool:
        at = str(row.get(column) or "")
        above = first is None or at > first or (inclusive and at == first)
        return at != "" and above and (last is None or at < last or (inclusive and at == last))

    return [row for row in rows if inside(row)]


def moment(call: Call, name: str) -> datetime | None:
    """A time among the query parameters; 400 where it is none."""
    text = call.request.param(name)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise invalid(name, "Data did not match any of the schemas described in anyOf.") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def ordered(call: Call, rows: list[Record], fields: tuple[str, ...]) -> list[Record]:
    """By sort_field and sort_dir, where they are given."""
    name, direction = call.request.param("sort_field"), call.request.param("sort_dir", "ASC")
    if name is None:
        return rows
    if name not in fields:
        raise invalid("sort_field", f"Value must be one of: {', '.join(fields)}")
    if direction not in ("ASC", "DESC"):
        raise invalid("sort_dir", "Value must be one of: ASC, DESC")
    return sorted(rows, key=lambda row: str(row.get(name) or ""), reverse=direction == "DESC")


def _number(call: Call, name: str, default: int) -> int:
    text = call.request.param(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise invalid(name, "Schema describes integer, string found instead")
    return int(text)


def _tree(text: str) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in text.split(","):
        place = tree
        for part in path.strip().split("."):
            place = place.setdefault(part, {})
    return tree


def _only(value: Any, tree: Mapping[str, Any]) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_only(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _only(item, tree[name]) for name, item in value.items() if name in tree}


def _without(value: Any, tree: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_without(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without(item, tree.get(name, {})) for name, item in value.items() if tree.get(name, True) != {}
    }
