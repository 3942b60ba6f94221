"""Background batches: many requests about single members as one, carried out in Mailchimp's own time (vendor-apis.md 3)."""

from __future__ import annotations

import io
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from tailrace import interrupts
from tailrace.connectors.mailchimp.api import Api
from tailrace.connectors.sdk.auth import NoAuth
from tailrace.connectors.sdk.http import Http, Lost, origin
from tailrace.errors import TailraceError, Unavailable
from tailrace.events import Waiting, emit

LONGEST_PAUSE = 30.0
SLICE = 0.2
ATTEMPTS = 3
GONE = 404
OPEN = {"fields": "batches.id,batches.status,total_items"}


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


def rest(seconds: float) -> None:
    """Sleeps, but no longer than until somebody asks the process to end."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0 and not interrupts.asked():
        time.sleep(min(left, SLICE))


class Batches:
    """One account's batches. `poll` and `longest`: seconds between two looks at a batch, and until it is stopped."""

    def __init__(self, api: Api, poll: float, longest: float, pause: Callable[[float], None] = rest) -> None:
        self._api, self._poll, self._longest, self._pause = api, poll, longest, pause
        self._guard, self._settled, self._own = threading.Lock(), False, set[str]()

    def settle(self) -> None:
        """Before the first write, and after a batch that could not be stopped: no batch of before may come in between.

        Mailchimp does not say whose a batch is: all that are open are waited for, but for this run's own.
        """
        with self._guard:
            if self._settled:
                return
            for page in self._api.listing("/batches", "batches", OPEN):
                for batch in page:
                    if batch.get("status") != "finished" and str(batch.get("id")) not in self._own:
                        self._left(str(batch.get("id")))
            self._settled = True

    def run(self, operations: Sequence[Operation]) -> dict[str, Reply]:
        """Replies by operation, as far as the results tell. Lost where nobody knows what was carried out."""
        key = self._started(operations)
        asked = {operation.id for operation in operations}
        try:
            url = self._finished(key)
        finally:
            self._own.discard(key)
        found = ((entry.get("operation_id"), _reply(entry)) for entry in self._entries(url))
        return {str(name): reply for name, reply in found if name in asked and reply is not None}

    def _left(self, key: str) -> None:
        try:
            self._watched(key)
        except Lost as late:
            fix = "run again when it is done, or stop it at Mailchimp (DELETE /batches/{id})"
            raise Unavailable(f"{late.message}; somebody else or an earlier run left it open", fix) from None

    def _started(self, operations: Sequence[Operation]) -> str:
        """A batch's id. After a lost answer it may be at work already: it is waited for before another one is made."""
        reads = all(operation.method == "GET" for operation in operations)
        body = {"operations": [_described(operation) for operation in operations]}
        path = f"/{self._api.version}/batches"
        for attempt in range(ATTEMPTS):
            try:
                answer = self._api.http.request("POST", path, json=body, retry=reads)
                break
            except Lost:
                self._settled = False
                if attempt == ATTEMPTS - 1:
                    raise
                self.settle()
        key = str(_object(answer.json()).get("id") or "")
        if not key:
            self._settled = False
            raise Lost(f"{self._api.connection}: a batch was taken without an id", "run again")
        self._own.add(key)
        return key

    def _finished(self, key: str) -> str:
        """The address of the results; a batch whose end is not seen is stopped, so that it writes nothing later."""
        try:
            url = self._watched(key)
        except TailraceError as error:
            self._stop(key)
            if isinstance(error, Unavailable):
                raise Lost(error.message, error.fix) from None
            raise
        if url is None:
            raise Lost(f"{self._api.connection}: batch {key} was removed by somebody", "run again")
        return url

    def _watched(self, key: str) -> str | None:
        """The address of a batch's results once there are some; None where it is gone."""
        waited, wait = 0.0, self._poll
        while True:
            answer = self._api.http.request("GET", f"/{self._api.version}/batches/{key}", accept=(GONE,))
            if answer.status == GONE:
                return None
            state = _object(answer.json())
            if state.get("status") == "finished":
                return str(state.get("response_body_url") or "")
            if waited + wait > self._longest or interrupts.asked():
                told = f"batch {key} is not done after {waited:.0f} s ({state.get('status')})"
                raise Lost(f"{self._api.connection}: {told}", "run again later, or raise batch_wait")
            emit(Waiting(self._api.connection, wait, f"batch {key}: {state.get('status')}"))
            self._pause(wait)
            waited, wait = waited + wait, min(wait * 1.5, max(LONGEST_PAUSE, self._poll))

    def _stop(self, key: str) -> None:
        """DELETE ends a batch at work; where that fails, the next write waits for it."""
        try:
            path = f"/{self._api.version}/batches/{key}"
            self._api.http.request("DELETE", path, media="", retry=True, accept=(GONE,))
        except TailraceError:
            self._settled = False

    def _entries(self, url: str) -> Iterator[Mapping[str, Any]]:
        """The results lie on another host, whose address is the only key to them: no credentials go there."""
        if not url:
            raise Unavailable(f"{self._api.connection}: a batch ended without results", "run again")
        parts, own = urlsplit(url), self._api.http
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
                f"{self._api.connection}: a batch's results cannot be read ({error})", "run again"
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


def _reply(entry: Mapping[str, Any]) -> Reply | None:
    """`response` is JSON text; an object is taken, too. None where no status can be read: nobody knows what was done."""
    response = entry.get("response")
    if isinstance(response, str):
        try:
            response = orjson.loads(response) if response.strip() else {}
        except orjson.JSONDecodeError:
            response = {}
    status = str(entry.get("status_code"))
    return Reply(int(status), _object(response)) if status.isdecimal() and int(status) else None


def _object(document: Any) -> Mapping[str, Any]:
    return document if isinstance(document, Mapping) else {}
