"""What a receiver said of the rows: nothing (all are taken), or which of them it did not take, by trace or key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.connectors.sdk.http import Answer, parse
from tailrace.connectors.sdk.writing import Outcome, WriteResult
from tailrace.connectors.webhook.rows import Message

CODES: Mapping[str, Outcome] = {"refused": "dead", "not_found": "unmatched", "later": "later"}
LONGEST_REASON = 1000
SNIPPET = 300


def errors_of(answer: Answer) -> list[Any]:
    """`errors` of a JSON body, as a list; empty where it says nothing of any. ValueError where the body is JSON that was cut off."""
    document, whole = parse(answer.content)
    if not whole and _begins_as_json(answer):
        raise ValueError("JSON that does not end")
    found = document.get("errors") if isinstance(document, Mapping) else None
    return found if isinstance(found, list) else [found] if found else []


def _begins_as_json(answer: Answer) -> bool:
    """A word like OK under a JSON content type says nothing of errors; what begins as an object might."""
    media = str(answer.headers.get("content-type", "")).lower()
    return "json" in media and answer.content.lstrip()[:1] in (b"{", b"[")


def told(part: Sequence[Message], errors: Sequence[Any]) -> tuple[dict[str, WriteResult], list[Any]]:
    """Outcomes of the rows that errors name, by the row's own trace; and the errors that name none of them."""
    by_trace = {one.trace: one for one in part}
    by_key = {str(one.row.key): one for one in part if one.row.key is not None}
    found: dict[str, WriteResult] = {}
    nameless = []
    for error in errors:
        named = error if isinstance(error, Mapping) else {}
        one = _named(by_trace, named.get("trace")) or _named(by_key, named.get("key"))
        if one is None:
            nameless.append(error)
        else:
            found[one.row.trace] = _result(one, named)
    return found, nameless


def _named(rows: Mapping[str, Message], name: Any) -> Message | None:
    return None if name is None else rows.get(str(name))


def _result(one: Message, error: Mapping[str, Any]) -> WriteResult:
    outcome = CODES.get(str(error.get("code") or "refused"), "dead")
    reason = str(error.get("message") or error.get("code") or "refused without a reason")[:LONGEST_REASON]
    field = error.get("field")
    return WriteResult(one.row.trace, outcome, None, reason, None if field is None else str(field))


def message_of(answer: Answer) -> str:
    """The receiver's words: `message`, `error` or `error.message` of a JSON body, else how its text begins."""
    document, _ = parse(answer.content)
    if isinstance(document, Mapping):
        error = document.get("error")
        inner = error.get("message") if isinstance(error, Mapping) else error
        return str(document.get("message") or inner or "")
    return " ".join(answer.content[:SNIPPET].decode("utf-8", "replace").split())
