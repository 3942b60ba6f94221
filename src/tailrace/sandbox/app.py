"""The ASGI application: a vendor's prefix, the admin API, and what the fault rules do to a connection."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from tailrace.sandbox import admin
from tailrace.sandbox.faults import Rule
from tailrace.sandbox.house import House
from tailrace.sandbox.wire import Request, Response

MOST_BODY_BYTES = 256 * 1024 * 1024
ADMIN = "_sandbox"
HANG_UP_AT_ONCE = struct.pack("ii", 1, 0)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
log = logging.getLogger("tailrace.sandbox")


class App:
    """ASGI 3 under uvicorn; one thread, so a request is handled whole before the next."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _read_body(receive)
        prefix, path = _split(scope["raw_path"].decode("latin-1"))
        if body is None:
            reason = f"the body is larger than {MOST_BODY_BYTES} bytes"
            await _reply(send, Response.of(413, {"error": reason}, connection="close"))
            return
        request = _request(scope, path, body)
        if prefix in self.house.fakes:
            await self._serve_vendor(prefix, request, send)
        elif prefix == ADMIN:
            await _reply(send, self._guarded(lambda: admin.handle(self.house, request)))
        else:
            known = ", ".join(f"/{name}" for name in (*self.house.fakes, ADMIN))
            await _reply(send, Response.of(404, {"error": f"no vendor at /{prefix}; known: {known}"}))

    async def _serve_vendor(self, vendor: str, request: Request, send: Send) -> None:
        fired = self.house.faults.fired_by(vendor, request.method, request.path)
        pause = sum(rule.delay for rule in fired)
        if pause:
            await asyncio.sleep(pause)
        effects = {rule.effect for rule in fired}
        if "reset" in effects:
            self.house.record(vendor, request, None, fired)
            await _hang_up(send, HANG_UP_AT_ONCE)
            return
        response = _scripted(fired) or self._guarded(lambda: self.house.answer(vendor, request, fired))
        self.house.record(vendor, request, response, fired)
        if "lost_answer" in effects:
            await _hang_up(send)
            return
        await _reply(send, response, with_body=request.method != "HEAD")

    def _guarded(self, answer: Callable[[], Response]) -> Response:
        """A mistake in a fake is the sandbox's, and is said so."""
        try:
            return answer()
        except Exception as error:
            log.exception("the sandbox failed on a request")
            return Response.of(500, {"error": f"the sandbox failed: {type(error).__name__}: {error}"})


def _scripted(fired: list[Rule]) -> Response | None:
    """The answer of the first rule that gives one, instead of the fake's."""
    rule = next((rule for rule in fired if rule.effect == "status"), None)
    if rule is None:
        return None
    if isinstance(rule.body, str):
        return Response(rule.status, rule.body.encode(), {"content-type": "text/plain", **rule.headers})
    body = b"" if rule.body is None else orjson.dumps(rule.body)
    return Response(rule.status, body, {"content-type": "application/json;charset=utf-8", **rule.headers})


def _split(path: str) -> tuple[str, str]:
    """The first segment, and the rest with its slash."""
    prefix, _, rest = path.removeprefix("/").partition("/")
    return prefix, "/" + rest


def _request(scope: Message, path: str, body: bytes) -> Request:
    query = scope["query_string"].decode("latin-1")
    return Request(
        method=scope["method"],
        path=path,
        query=tuple(parse_qsl(query, keep_blank_values=True)) if query else (),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
        raw_query=query,
    )


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body; None where it is too large (what is left of it is not read)."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(chunks)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MOST_BODY_BYTES:
            return None
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _reply(send: Send, response: Response, with_body: bool = True) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    if response.status not in (204, 304):
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body if with_body else b""})


async def _hang_up(send: Send, linger: bytes | None = None) -> None:
    """Close the connection without an answer; with `linger` the client sees a reset instead of an end."""
    # ASGI has no word for this; uvicorn's send is a method of the object that holds the connection.
    transport = send.__self__.transport  # type: ignore[attr-defined]
    if linger is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
    await asyncio.sleep(0)
