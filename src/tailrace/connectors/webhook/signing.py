"""Standard Webhooks 1.0: every attempt of a request is signed anew, for a receiver refuses old timestamps (vendor-apis.md 9)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def signature(key: bytes, name: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`."""
    digest = hmac.new(key, f"{name}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


class Signer:
    """The webhook's headers for whichever message its thread is sending; `keys`: the first is the current one."""

    def __init__(
        self,
        keys: Sequence[bytes],
        headers: Mapping[str, str],
        hidden: Sequence[str],
        now: Callable[[], datetime],
    ) -> None:
        self._keys, self._headers, self._hidden, self._now = tuple(keys), dict(headers), list(hidden), now
        self._sending = threading.local()

    @contextmanager
    def message(self, name: str, body: bytes) -> Iterator[None]:
        """Requests of this thread are of this message meanwhile."""
        self._sending.message = (name, body)
        try:
            yield
        finally:
            del self._sending.message

    def headers(self) -> dict[str, str]:
        name, body = self._sending.message
        timestamp = int(self._now().timestamp())
        signatures = " ".join(signature(key, name, timestamp, body) for key in self._keys)
        return {**self._headers, ID: name, TIMESTAMP: str(timestamp), SIGNATURE: signatures}

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - another signature would be no better
        return False

    def secrets(self) -> list[str]:
        return self._hidden
