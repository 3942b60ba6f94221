"""One routed API call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tailrace.sandbox.salesforce.errors import json_error
from tailrace.sandbox.vendor import RowError
from tailrace.sandbox.wire import Request


@dataclass(frozen=True)
class Call:
    """A request with its route's arguments (percent-decoded) and the version in its path, like v67.0."""

    request: Request
    version: str
    args: dict[str, str]
    row_errors: list[RowError] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        """The JSON object in the body; Refusal where there is none."""
        try:
            document = self.request.json()
        except ValueError as error:
            raise json_error(f"Unexpected character: {error}") from error
        if not isinstance(document, dict):
            raise json_error("The HTTP entity body is required, but this request has no entity body.")
        return document
