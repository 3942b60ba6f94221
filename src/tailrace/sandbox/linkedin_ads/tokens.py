"""LinkedIn's token endpoints: refresh_token grants of 60 days, and introspection (its Token Introspection page)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.wire import Request, Response

LIFE = timedelta(days=60)
FORM = ("client_id", "client_secret", "refresh_token")


class Tokens:
    """The sandbox's fixed token and those minted here. `scope`: what tokens are granted."""

    def __init__(self, clock: Clock, token: str) -> None:
        self.scope = "r_ads,r_ads_reporting"
        self._clock, self._token = clock, token
        self._made = clock.now()
        self._minted: dict[str, datetime] = {}

    def refuse(self, request: Request) -> tuple[str, str, int] | None:
        """None where the request may pass; otherwise LinkedIn's code, message and service error code."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return "INVALID_ACCESS_TOKEN", "Empty oauth2 access token", 65604
        if token == self._token:
            return None
        born = self._minted.get(token)
        if born is None:
            return "INVALID_ACCESS_TOKEN", "Invalid access token", 65600
        if self._clock.now() >= born + LIFE:
            return "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired", 65601
        return None

    def mint(self, request: Request) -> Response:
        """POST /oauth/v2/accessToken."""
        form = request.form()
        if form.get("grant_type") != "refresh_token":
            return _wrong("unsupported_grant_type", "The sandbox grants refresh_token alone")
        missing = [name for name in FORM if not form.get(name)]
        if missing:
            return _wrong("invalid_request", f'A required parameter "{missing[0]}" is missing')
        token = f"AQV-sandbox-{len(self._minted) + 1:06d}"
        self._minted[token] = self._clock.now()
        document = {
            "access_token": token,
            "expires_in": int(LIFE.total_seconds()),
            "refresh_token": form["refresh_token"],
            "refresh_token_expires_in": int(LIFE.total_seconds()) * 6,
            "scope": self.scope,
        }
        return Response.of(200, document)

    def introspect(self, request: Request) -> Response:
        """POST /oauth/v2/introspectToken: only the app's own credentials may ask."""
        form = request.form()
        missing = [name for name in ("client_id", "client_secret", "token") if not form.get(name)]
        if missing:
            return _wrong("invalid_request", f'A required parameter "{missing[0]}" is missing')
        born = self._minted.get(form["token"]) or (self._made if form["token"] == self._token else None)
        if born is None:
            return Response.of(200, {"active": False})
        return Response.of(200, self._facts(form["client_id"], born))

    def _facts(self, client: str, born: datetime) -> dict[str, Any]:
        active = self._clock.now() < born + LIFE
        return {
            "active": active,
            "client_id": client,
            "authorized_at": int(born.timestamp()),
            "created_at": int(born.timestamp()),
            "status": "active" if active else "expired",
            "expires_at": int((born + LIFE).timestamp()),
            "scope": self.scope,
            "auth_type": "3L",
        }


def _wrong(error: str, description: str) -> Response:
    return Response.of(400, {"error": error, "error_description": description})
