"""Errors in the Graph API's envelope and words (vendor-apis 7.3; the words are from memory)."""

from __future__ import annotations

from typing import Any

from tailrace.sandbox.wire import Response


class GraphError(Exception):
    """An answer that is an error; `headers` go with it."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int = 400,
        subcode: int | None = None,
        kind: str = "OAuthException",
        transient: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.status, self.subcode = code, status, subcode
        self.message, self.kind, self.transient = message, kind, transient
        self.headers = headers or {}

    def response(self, trace: str) -> Response:
        """`{"error": {"message", "type", "code"[, "error_subcode"][, "is_transient"], "fbtrace_id"}}`."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.transient:
            error["is_transient"] = True
        error["fbtrace_id"] = trace
        answer = Response.of(self.status, {"error": error})
        answer.headers.update(self.headers)
        return answer


def invalid(message: str) -> GraphError:
    """Code 100: a parameter is wrong."""
    return GraphError(100, f"(#100) {message}")


def unknown_node(node: str, method: str = "get") -> GraphError:
    """Code 100/33: no such object, or no permission to see it; Graph does not say which."""
    message = (
        f"Unsupported {method} request. Object with ID '{node}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api"
    )
    return GraphError(100, message, subcode=33, kind="GraphMethodException")


def too_much() -> GraphError:
    """Code 1: the answer would be too large to make at once."""
    message = "Please reduce the amount of data you're asking for, then retry your request"
    return GraphError(1, message, status=500, subcode=99)
