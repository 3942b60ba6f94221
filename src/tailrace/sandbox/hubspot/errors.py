"""HubSpot's refusals and their bodies (vendor-apis 1.10)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import orjson

from tailrace.sandbox.wire import Response


@dataclass
class Refusal(Exception):
    """A request, or one row of a batch, that HubSpot refuses."""

    status: int
    category: str
    message: str
    errors: list[dict[str, Any]] = field(default_factory=list)
    context: dict[str, list[str]] = field(default_factory=dict)
    sub_category: str | None = None

    def response(self) -> Response:
        """The answer to a request that is refused whole."""
        document: dict[str, Any] = {
            "status": "error",
            "message": self.message,
            "correlationId": str(uuid.uuid4()),
            "category": self.category,
        }
        if self.sub_category:
            document["subCategory"] = self.sub_category
        if self.errors:
            document["errors"] = self.errors
        if self.context:
            document["context"] = self.context
        return Response.of(self.status, document)

    def as_row(self, context: dict[str, list[str]]) -> dict[str, Any]:
        """The entry in `errors` of a 207 for one row."""
        return {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "context": {**self.context, **context},
            "errors": self.errors,
            "links": {},
        }


def invalid(message: str, **context: str) -> Refusal:
    """400 VALIDATION_ERROR."""
    return Refusal(400, "VALIDATION_ERROR", message, context={key: [value] for key, value in context.items()})


def not_found(message: str = "resource not found") -> Refusal:
    """404 OBJECT_NOT_FOUND."""
    return Refusal(404, "OBJECT_NOT_FOUND", message)


@dataclass(frozen=True)
class Problem:
    """One property value that HubSpot refuses."""

    property: str
    code: str
    message: str


def invalid_properties(problems: list[Problem]) -> Refusal:
    """400 with every bad value, in the message and in `errors` as HubSpot has it."""
    listed = [
        {"isValid": False, "message": problem.message, "error": problem.code, "name": problem.property}
        for problem in problems
    ]
    details = [
        {
            "message": problem.message,
            "code": problem.code,
            "context": {"propertyName": [problem.property]},
        }
        for problem in problems
    ]
    return Refusal(
        400, "VALIDATION_ERROR", f"Property values were not valid: {orjson.dumps(listed).decode()}", details
    )
