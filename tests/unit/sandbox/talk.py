"""A bare HTTP client for the sandbox's tests: status, headers, JSON."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

BEARER = {"authorization": "Bearer sandbox"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


def ask(
    url: str, method: str, path: str, document: Any = None, headers: dict[str, str] | None = None
) -> Answer:
    """One request on a connection of its own; raises what http.client raises where no answer comes."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        body = document if isinstance(document, (bytes, type(None))) else orjson.dumps(document)
        connection.request(method, path, body, headers or BEARER)
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()
