"""How LinkedIn words a refusal."""

from __future__ import annotations

from tailrace.sandbox.wire import Response


class Refused(Exception):
    """An answer that is an error: `{"status", "code", "message"[, "serviceErrorCode"]}`."""

    def __init__(self, status: int, code: str, message: str, service: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.service = status, code, message, service

    def response(self) -> Response:
        """The error as Rest.li sends it."""
        document = {"status": self.status, "code": self.code, "message": self.message}
        if self.service is not None:
            document["serviceErrorCode"] = self.service
        return Response.of(self.status, document, x_restli_protocol_version="2.0.0")


def bad_parameter(message: str) -> Refused:
    """400 for a query that Rest.li cannot read or that misses something."""
    return Refused(400, "ILLEGAL_ARGUMENT", message)
