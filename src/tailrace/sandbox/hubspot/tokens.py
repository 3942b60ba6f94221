"""OAuth: minting access tokens and checking the bearer token of a call (vendor-apis 1.1)."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta

from tailrace.sandbox.clock import Clock, iso
from tailrace.sandbox.hubspot.errors import Refusal
from tailrace.sandbox.wire import Request, Response

LIFETIME = timedelta(minutes=30)
PORTAL_ID = 62515
USER_ID = 1001
SCOPES = [
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "oauth",
]
GRANTS = ("refresh_token", "authorization_code", "client_credentials")


class Tokens:
    """The tokens that this account accepts: the fixed one without an end, minted ones for 30 minutes."""

    def __init__(self, fixed: str, clock: Clock) -> None:
        self._fixed = fixed
        self._clock = clock
        self._ends: dict[str, datetime] = {}
        self._refresh = {fixed}

    def check(self, request: Request) -> None:
        """401 without a valid bearer token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token == self._fixed:
            return
        end = self._ends.get(token) if scheme.lower() == "bearer" else None
        if end is None:
            message = "Authentication credentials not found. This API supports OAuth 2.0 authentication"
            raise Refusal(401, "INVALID_AUTHENTICATION", message)
        if end <= self._clock.now():
            message = "The OAuth token used to make this call expired."
            raise Refusal(401, "EXPIRED_AUTHENTICATION", message, context={"expire time": [iso(end)]})

    def grant(self, request: Request) -> Response:
        """POST /oauth/.../token; the refresh token is not rotated."""
        form = _fields(request)
        kind = form.get("grant_type", "")
        if kind not in GRANTS:
            return _oauth_error(
                "unsupported_grant_type", f"grant_type {kind!r} is not supported", "BAD_GRANT_TYPE"
            )
        if not form.get("client_id") or not form.get("client_secret"):
            return _oauth_error("invalid_client", "missing or invalid client id or secret", "BAD_CLIENT_ID")
        if kind == "refresh_token" and form.get("refresh_token") not in self._refresh:
            return _oauth_error(
                "invalid_grant", "refresh token is invalid, expired or revoked", "BAD_REFRESH_TOKEN"
            )
        if kind == "authorization_code" and not form.get("code"):
            return _oauth_error("invalid_grant", "missing or unknown auth code", "BAD_AUTH_CODE")
        return self._minted(kind, form.get("refresh_token"))

    def describe(self, token: str) -> Response:
        """GET /oauth/v1/access-tokens/{token}."""
        end = self._ends.get(token)
        if end is None and token != self._fixed:
            raise Refusal(404, "OBJECT_NOT_FOUND", "access token is not valid")
        left = int((end - self._clock.now()).total_seconds()) if end else int(LIFETIME.total_seconds())
        return Response.of(
            200,
            {
                "token": token,
                "user": "sandbox@example.com",
                "hub_domain": "sandbox.example.com",
                "scopes": SCOPES,
                "hub_id": PORTAL_ID,
                "app_id": 1,
                "expires_in": max(left, 0),
                "user_id": USER_ID,
                "token_type": "access",
            },
        )

    def _minted(self, kind: str, refresh_token: str | None) -> Response:
        token = f"sandbox-{secrets.token_hex(16)}"
        self._ends[token] = self._clock.now() + LIFETIME
        document: dict[str, object] = {
            "access_token": token,
            "expires_in": int(LIFETIME.total_seconds()),
            "token_type": "bearer",
            "token_use": "client_credentials" if kind == "client_credentials" else "access_token",
            "hub_id": PORTAL_ID,
            "user_id": USER_ID,
            "scopes": SCOPES,
        }
        if kind != "client_credentials":
            document["refresh_token"] = refresh_token or self._new_refresh_token()
        return Response.of(200, document)

    def _new_refresh_token(self) -> str:
        token = f"sandbox-refresh-{secrets.token_hex(16)}"
        self._refresh.add(token)
        return token


def _fields(request: Request) -> dict[str, str]:
    """The specification wants a form; HubSpot's own SDK for 2026-03 sends JSON."""
    if "json" not in request.headers.get("content-type", ""):
        return request.form()
    try:
        document = request.json()
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in document.items()} if isinstance(document, dict) else {}


def _oauth_error(error: str, description: str, status: str) -> Response:
    return Response.of(
        400,
        {
            "error": error,
            "error_description": description,
            "status": status,
            "message": description,
            "correlationId": str(uuid.uuid4()),
        },
    )
