"""What Google's APIs share: bearer tokens, the token endpoint, and the envelope of an error."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.wire import Request, Response

TOKEN_LIFE = timedelta(seconds=3600)
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_PARTS = 3
# grant -> the form fields it needs
GRANTS = {"refresh_token": ("client_id", "client_secret", "refresh_token"), JWT_GRANT: ("assertion",)}
STATUS_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
}


class ApiError(Exception):
    """An answer that is an error; `details` are google.rpc.Status details."""

    def __init__(self, status: int, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details or []

    def document(self) -> dict[str, Any]:
        """`{"error": {"code", "message", "status"[, "details"]}}`."""
        error: dict[str, Any] = {
            "code": self.status,
            "message": self.message,
            "status": STATUS_WORDS[self.status],
        }
        if self.details:
            error["details"] = self.details
        return {"error": error}

    def response(self) -> Response:
        """The error as Google's REST front end sends it."""
        challenge = (
            {"www_authenticate": 'Bearer realm="https://accounts.google.com/"'} if self.status == 401 else {}
        )
        return Response.of(self.status, self.document(), **challenge)


def wrong_method() -> ApiError:
    """405, as Google's front end says it."""
    return ApiError(405, "Request method is not allowed for this URL.")


class TokenDesk:
    """The bearer tokens of one API: the sandbox's fixed one, those minted here, and self-signed JWTs where allowed."""

    def __init__(self, clock: Clock, token: str, scope: str, *, self_signed: bool) -> None:
        self._clock = clock
        self._token = token
        self._scope = scope
        self._self_signed = self_signed
        self._minted: dict[str, datetime] = {}

    def check(self, request: Request) -> str | None:
        """None where the request may pass; otherwise "missing", "invalid" or "expired"."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return "missing"
        if token == self._token or (self._self_signed and is_jwt(token)):
            return None
        expiry = self._minted.get(token)
        if expiry is None:
            return "invalid"
        return None if self._clock.now() < expiry else "expired"

    def answer(self, request: Request) -> Response:
        """What the token endpoint answers, also to a method that it does not take."""
        return self.mint(request) if request.method == "POST" else wrong_method().response()

    def mint(self, request: Request) -> Response:
        """POST /token as at oauth2.googleapis.com: the refresh_token and the jwt-bearer grant, tokens for an hour."""
        form = request.form()
        grant = form.get("grant_type")
        if grant not in GRANTS:
            return _refused("unsupported_grant_type", f"Invalid grant_type: {grant or ''}")
        missing = [name for name in GRANTS[grant] if not form.get(name)]
        if missing:
            return _refused("invalid_request", f"Missing required parameter: {missing[0]}")
        if grant == JWT_GRANT and not is_jwt(form["assertion"]):
            return _refused("invalid_grant", "Invalid JWT: Token must have three parts.")
        token = f"ya29.sandbox-{len(self._minted) + 1:06d}"
        self._minted[token] = self._clock.now() + TOKEN_LIFE
        seconds = int(TOKEN_LIFE.total_seconds())
        document = {
            "access_token": token,
            "expires_in": seconds,
            "scope": self._scope,
            "token_type": "Bearer",
        }
        return Response.of(200, document)


def is_jwt(token: str) -> bool:
    """Three non-empty parts between dots; what they say is not read."""
    parts = token.split(".")
    return len(parts) == JWT_PARTS and all(parts)


def _refused(error: str, description: str) -> Response:
    return Response.of(400, {"error": error, "error_description": description})


def json_body(request: Request, known: frozenset[str]) -> dict[str, Any]:
    """The body as an object with no other keys than `known`; ApiError 400 in the words of Google's JSON parser."""
    try:
        body = request.json() if request.body else {}
    except ValueError as error:
        raise ApiError(400, f"Invalid JSON payload received. {error}") from error
    if not isinstance(body, dict):
        raise ApiError(400, "Invalid JSON payload received. Root element must be a message.")
    for name in body:
        if name not in known:
            raise ApiError(400, f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')
    return body
