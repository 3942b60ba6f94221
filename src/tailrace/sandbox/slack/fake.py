"""Slack's incoming webhooks: any /services/T/B/x takes messages, and answers `ok` or one word (vendor-apis.md 10)."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

import orjson

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.limits import SlidingWindow
from tailrace.sandbox.vendor import RowError, Settings
from tailrace.sandbox.wire import Request, Response
from tailrace.sandbox.world import World

HOOK = re.compile(r"/services/(T\w+)/(B\w+)/(\w+)")
OBJECTS = ("messages",)
MOST_BLOCKS, MOST_ATTACHMENTS = 50, 100
LONGEST_TEXT = 40_000
PLAIN = {"content-type": "text/plain;charset=utf-8"}
KNOWN = frozenset(
    {
        *("text", "blocks", "attachments", "username", "icon_emoji", "icon_url", "channel", "thread_ts"),
        *("unfurl_links", "unfurl_media", "mrkdwn", "link_names", "response_type", "replace_original"),
        *("delete_original", "metadata"),
    }
)


class _Refused(Exception):
    """A status and Slack's word."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status


class Slack:
    """A workspace whose webhooks all exist; messages are kept in the order of their arrival."""

    name = "slack"

    def __init__(self, world: World, clock: Clock, settings: Settings) -> None:  # noqa: ARG002 - every fake is made alike
        self.row_errors: list[RowError] = []
        self._clock, self._settings = clock, settings
        self._windows: dict[str, SlidingWindow] = {}
        self.reset()

    def handle(self, request: Request) -> Response:
        """One message, or the word for why not."""
        try:
            return self._post(request)
        except _Refused as refused:
            more = {"retry-after": "1"} if refused.status == 429 else {}
            return Response(refused.status, str(refused).encode(), {**PLAIN, **more})

    def _post(self, request: Request) -> Response:
        hook = HOOK.fullmatch(request.path)
        if hook is None:
            raise _Refused(404, "no_service")
        if request.method != "POST":
            raise _Refused(400, "invalid_payload")
        window = self._windows.setdefault(request.path, SlidingWindow(1, 1.0))
        if self._settings.limits and not window.take():
            raise _Refused(429, "rate_limited")
        message = self._checked(_payload(request))
        stamp = self._clock.stamp()
        key = f"{stamp.timestamp():.6f}"
        self._messages[key] = {"id": key, "ts": key, "team": hook[1], "hook": hook[2], **message}
        self._writes[key] += 1
        return Response(200, b"ok", dict(PLAIN), rows_written=1)

    def _checked(self, message: dict[str, Any]) -> dict[str, Any]:
        text, blocks, attachments = (message.get(name) for name in ("text", "blocks", "attachments"))
        if not text and not blocks and not attachments:
            raise _Refused(400, "no_text")
        if text is not None and not isinstance(text, str):
            raise _Refused(400, "invalid_payload")
        if not _objects(blocks, MOST_BLOCKS) or any("type" not in block for block in blocks or ()):
            raise _Refused(400, "invalid_blocks")
        if not _objects(attachments, MOST_ATTACHMENTS):
            raise _Refused(400, "too_many_attachments")
        for error in self.row_errors:
            if str(text).strip().lower() in error.keys:
                raise _Refused(400, error.message)
        return {**message, **({"text": text[:LONGEST_TEXT]} if text else {})}

    def objects(self) -> list[str]:
        """The one."""
        return list(OBJECTS)

    def records(self, obj: str) -> list[dict[str, Any]]:
        """What was posted, in order."""
        return list(self._of(obj).values())

    def replace(self, obj: str, records: list[dict[str, Any]]) -> None:
        """Hold exactly these."""
        self._of(obj).clear()
        self.upsert(obj, records)

    def upsert(self, obj: str, records: list[dict[str, Any]]) -> None:
        """Add messages, or change those of the same id."""
        found = self._of(obj)
        for record in records:
            if not record.get("id"):
                raise ValueError("a message without id")
            found[str(record["id"])] = {**found.get(str(record["id"]), {}), **record, "id": str(record["id"])}

    def remove(self, obj: str, key: str) -> bool:
        """Delete a message as a person would."""
        return self._of(obj).pop(key, None) is not None

    def writes(self, obj: str) -> dict[str, int]:
        """Once for each message: a webhook cannot change one."""
        self._of(obj)
        return dict(self._writes)

    def advance(self, rng: random.Random, rounds_done: int) -> None:
        """Nobody else posts here."""

    def reset(self) -> None:
        """An empty channel."""
        self._messages: dict[str, dict[str, Any]] = {}
        self._writes: Counter[str] = Counter()

    def _of(self, obj: str) -> dict[str, dict[str, Any]]:
        if obj not in OBJECTS:
            raise KeyError(f"slack has no object {obj!r}; known: {', '.join(OBJECTS)}")
        return self._messages


def _payload(request: Request) -> dict[str, Any]:
    """JSON, or a form's `payload`, as Slack takes both."""
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    try:
        found = orjson.loads(request.form().get("payload", "") if form else request.body)
    except orjson.JSONDecodeError:
        raise _Refused(400, "invalid_payload") from None
    if not isinstance(found, dict) or found.keys() - KNOWN:
        raise _Refused(400, "invalid_payload")
    return found


def _objects(value: Any, most: int) -> bool:
    if value is None:
        return True
    return isinstance(value, list) and len(value) <= most and all(isinstance(item, dict) for item in value)
