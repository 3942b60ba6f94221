"""Refusals as Mailchimp words them: application/problem+json, recorded from real accounts where they are."""

from __future__ import annotations

import uuid
from typing import Any

from tailrace.sandbox.wire import Response

ERRORS_PAGE = "https://mailchimp.com/developer/marketing/docs/errors/"
TITLES = {
    400: "Invalid Resource",
    401: "API Key Invalid",
    404: "Resource Not Found",
    405: "Method Not Allowed",
}


class Problem(Exception):
    """An answer that is an error; `errors` are [{"field", "message"}]."""

    def __init__(
        self, status: int, detail: str, title: str = "", errors: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.title = title or TITLES[status]
        self.errors = errors or []

    def document(self) -> dict[str, Any]:
        """`{"type", "title", "status", "detail", "instance"[, "errors"]}`; `instance` names the detail, not the moment."""
        document: dict[str, Any] = {
            "type": ERRORS_PAGE,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{ERRORS_PAGE}{self.title}/{self.detail}")),
        }
        if self.errors:
            document["errors"] = self.errors
        return document

    def response(self) -> Response:
        """The error under its own content type, which the vendor's SDK leaves unparsed."""
        response = Response.of(self.status, self.document())
        response.headers["content-type"] = "application/problem+json; charset=utf-8"
        return response


def not_found() -> Problem:
    """No such list, member, campaign or path."""
    return Problem(404, "The requested resource could not be found.")


def invalid(field: str, message: str) -> Problem:
    """One field of the request is wrong."""
    detail = (
        "The resource submitted could not be validated. For field-specific details, see the 'errors' array."
    )
    return Problem(400, detail, errors=[{"field": field, "message": message}])
