"""What passes between the server and a vendor's fake: one request, one response, no framework types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson


@dataclass(frozen=True)
class Request:
    """One HTTP request; `path` starts behind the vendor's prefix and is not percent-decoded, header names are lower-case.

    `query` is decoded; `raw_query` is what stood behind the question mark, for vendors to whom the encoding says something.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw_query: str = ""

    def param(self, name: str, default: str | None = None) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)

    def params(self, name: str) -> list[str]:
        """Every value of a repeated query parameter, in order."""
        return [value for key, value in self.query if key == name]

    def json(self) -> Any:
        """The body as JSON; raises ValueError (orjson.JSONDecodeError) where it is none."""
        return orjson.loads(self.body)

    def form(self) -> dict[str, str]:
        """The body as application/x-www-form-urlencoded, the last value of each name."""
        fields = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in fields.items()}


@dataclass
class Response:
    """What a fake answers; `rows_written` counts the vendor's records that the request changed."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    rows_written: int = 0

    @classmethod
    def of(cls, status: int, document: Any, **headers: str) -> Response:
        """A JSON answer; an underscore in a header's keyword stands for a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(
            status, orjson.dumps(document), {"content-type": "application/json;charset=utf-8", **named}
        )
