"""Salesforce's refusals: a JSON array of {message, errorCode[, fields]} (vendor-apis.md 2.1, 2.2)."""

from __future__ import annotations

from typing import Any

from tailrace.sandbox.wire import Response


class Refusal(Exception):
    """A request that is not carried out."""

    def __init__(self, status: int, code: str, message: str, fields: list[str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, fields

    def document(self) -> list[dict[str, Any]]:
        """The array that REST answers with."""
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = self.fields
        return [error]

    def row(self) -> dict[str, Any]:
        """The same as one row's result in a Collection: there the code is called statusCode."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields or []}

    def response(self) -> Response:
        """The whole answer."""
        return Response.of(self.status, self.document())


def not_found(message: str = "The requested resource does not exist") -> Refusal:
    """404."""
    return Refusal(404, "NOT_FOUND", message)


def json_error(message: str) -> Refusal:
    """400 for a body that is no JSON of the expected shape."""
    return Refusal(400, "JSON_PARSER_ERROR", message)


def no_column(name: str, obj: str) -> Refusal:
    """400 in the words of SOQL."""
    return Refusal(
        400,
        "INVALID_FIELD",
        f"No such column '{name}' on entity '{obj}'. If you are attempting to use a custom field, be sure to append the "
        "'__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
    )


def no_type(name: str) -> Refusal:
    """400 for an object that SOQL does not know."""
    return Refusal(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
