"""Requests about single members: one by one, or many of them as one background batch (vendor-apis.md 3)."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from tailrace.connectors.mailchimp.api import Api
from tailrace.connectors.sdk.auth import NoAuth
from tailrace.connectors.sdk.http import Http, origin
from tailrace.errors import TailraceError, Unavailable
from tailrace.events import Waiting, emit

DECIDED = (400, 404, 405)
"""A member's own answers: refused, not there, not in this state."""
LONGEST_POLL = 30.0


@dataclass(frozen=True)
class Operation:
    """One request, safe to repeat; `path` is behind the version."""

    id: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What came of one operation."""

    status: int
    document: Mapping[str, Any]


@dataclass
class Replies:
    """By operation. `broke`: why the others have none, where some were carried out before."""

    found: dict[str, Reply] = field(default_factory=dict)
    broke: str | None = None


@dataclass(frozen=True)
class Operations:
    """`poll` and `longest`: seconds between two looks at a batch, and until it is given up."""

    api: Api
    poll: float
    longest: float
    pause: Callable[[float], None] = time.sleep

    def run(self, operations: Sequence[Operation], batch_from: int) -> Replies:
        """Raises only where nothing was sent, or where nobody knows what was."""
        if len(operations) >= batch_from:
            return Replies(self._batch(operations))
        replies = Replies()
        for operation in operations:
            try:
                replies.found[operation.id] = self._single(operation)
            except TailraceError as error:
                if not replies.found:
                    raise
                replies.broke = error.message
                return replies
        return replies

    def _single(self, operation: Operation) -> Reply:
        answer = self.api.http.request(
            operation.method,
            f"/{self.api.version}{operation.path}",
            params=operation.params or None,
            json=operation.body,
            retry=True,
            accept=DECIDED,
        )
        return Reply(answer.status, _object(answer.json()))

    def _batch(self, operations: Sequence[Operation]) -> dict[str, Reply]:
        body = {"operations": [_described(operation) for operation in operations]}
        path = f"/{self.api.version}/batches"
        started = _object(self.api.http.request("POST", path, json=body, retry=True).json())
        key = str(started.get("id") or "")
        if not key:
            raise Unavailable(f"{self.api.connection}: a batch was taken without an id", "run again")
        asked = {operation.id for operation in operations}
        return {
            str(entry["operation_id"]): _reply(entry)
            for entry in self._entries(self._finished(key))
            if entry.get("operation_id") in asked
        }

    def _finished(self, key: str) -> str:
        """The address of a batch's results, once there are some."""
        waited, wait = 0.0, self.poll
        while True:
            state = self.api.get(f"/batches/{key}")
            if state.get("status") == "finished":
                return str(state.get("response_body_url") or "")
            if waited + wait > self.longest:
                told = f"batch {key} is not done after {waited:.0f} s ({state.get('status')})"
                raise Unavailable(f"{self.api.connection}: {told}", "run again later, or raise batch_wait")
            emit(Waiting(self.api.connection, wait, f"batch {key}: {state.get('status')}"))
            self.pause(wait)
            waited, wait = waited + wait, min(wait * 1.5, max(LONGEST_POLL, self.poll))

    def _entries(self, url: str) -> Iterator[Mapping[str, Any]]:
        """The results lie on another host, whose address is the only key to them: no credentials go there."""
        if not url:
            raise Unavailable(f"{self.api.connection}: a batch ended without results", "run again")
        parts, own = urlsplit(url), self.api.http
        store = Http(
            origin(url), NoAuth({"query": parts.query}), own.context, own.manners, max_wait=own.max_wait, shared=False
        )  # fmt: skip
        try:
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            content = store.request("GET", path, media="").content
        finally:
            store.close()
        try:
            yield from _unpacked(content)
        except (tarfile.TarError, OSError, EOFError, orjson.JSONDecodeError) as error:
            raise Unavailable(
                f"{self.api.connection}: a batch's results cannot be read ({error})", "run again"
            ) from error


def _unpacked(content: bytes) -> list[Mapping[str, Any]]:
    """Every entry of every JSON file in the archive; its layout is from memory (vendor-apis.md 3)."""
    found: list[Mapping[str, Any]] = []
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member) if member.isfile() else None
            text = file.read() if file is not None else b""
            if not member.name.endswith(".json") or not text.strip():
                continue
            entries = orjson.loads(text)
            found += [entry for entry in entries if isinstance(entry, Mapping)]
    return found


def _described(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {"method": operation.method, "path": operation.path, "operation_id": operation.id}
    if operation.body is not None:
        told["body"] = orjson.dumps(operation.body).decode()
    if operation.params:
        told["params"] = dict(operation.params)
    return told


def _reply(entry: Mapping[str, Any]) -> Reply:
    """`response` is JSON text; an object is taken, too."""
    response = entry.get("response")
    if isinstance(response, str):
        try:
            response = orjson.loads(response) if response.strip() else {}
        except orjson.JSONDecodeError:
            response = {}
    status = entry.get("status_code")
    return Reply(status if isinstance(status, int) else 0, _object(response))


def _object(document: Any) -> Mapping[str, Any]:
    return document if isinstance(document, Mapping) else {}
