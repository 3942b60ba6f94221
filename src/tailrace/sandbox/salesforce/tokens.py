"""OAuth: JWT bearer and client credentials, and the check of a call's bearer token (vendor-apis.md 2.1)."""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta
from typing import Any

import orjson

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.salesforce.errors import Refusal
from tailrace.sandbox.wire import Request, Response

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
LONGEST = timedelta(minutes=5)
SKEW = timedelta(seconds=30)


class Tokens:
    """The tokens that this org accepts: the fixed one, and minted ones until they are revoked."""

    def __init__(self, fixed: str, clock: Clock, org_id: str, user_id: str) -> None:
        self._fixed, self._clock = fixed, clock
        self._org, self._user = org_id, user_id
        self.minted: set[str] = set()

    def check(self, request: Request) -> None:
        """401 without a valid bearer token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "oauth") or (token != self._fixed and token not in self.minted):
            raise Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")

    def grant(self, request: Request) -> Response:
        """POST /services/oauth2/token."""
        form = request.form()
        kind = form.get("grant_type", "")
        if kind == JWT_GRANT:
            wrong = self._wrong_assertion(form.get("assertion", ""), request)
        elif kind == "client_credentials":
            wrong = _wrong_client(request, form)
        else:
            wrong = ("unsupported_grant_type", "grant type not supported")
        if wrong is not None:
            error, description = wrong
            return Response.of(400, {"error": error, "error_description": description})
        return Response.of(200, self._minted(request))

    def _wrong_assertion(self, assertion: str, request: Request) -> tuple[str, str] | None:
        """What is wrong with a JWT; who signed it is not known here, so its signature is only looked for."""
        parts = [_decoded(part) for part in assertion.split(".")[:2]]
        if len(assertion.split(".")) != 3 or None in parts or not assertion.split(".")[2]:
            return ("invalid_grant", "invalid assertion")
        head, claims = parts
        if head is None or claims is None or head.get("alg") != "RS256":
            return ("invalid_grant", "invalid assertion")
        if not claims.get("iss"):
            return ("invalid_client_id", "client identifier invalid")
        if not claims.get("sub"):
            return ("invalid_grant", "user hasn't approved this consumer")
        if claims.get("aud") not in (*AUDIENCES, instance_url(request)):
            return ("invalid_grant", "audience is invalid")
        now, ends = self._clock.now().timestamp(), str(claims.get("exp", ""))
        if not ends.isdigit() or not now < int(ends) <= now + (LONGEST + SKEW).total_seconds():
            return ("invalid_grant", "expired authorization code")
        return None

    def _minted(self, request: Request) -> dict[str, Any]:
        token = f"{self._org[:15]}!{secrets.token_urlsafe(32)}"
        self.minted.add(token)
        here = instance_url(request)
        return {
            "access_token": token,
            "instance_url": here,
            "id": f"{here}/id/{self._org}/{self._user}",
            "token_type": "Bearer",
            "scope": "api",
            "issued_at": str(int(self._clock.now().timestamp() * 1000)),
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
        }


def instance_url(request: Request) -> str:
    """Where this org is, as the caller reached it."""
    return f"http://{request.headers.get('host', '')}/salesforce"


def _wrong_client(request: Request, form: dict[str, str]) -> tuple[str, str] | None:
    scheme, _, pair = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client, _, secret = base64.b64decode(pair).decode().partition(":")
        except ValueError:
            client = secret = ""
    else:
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
    if not client:
        return ("invalid_client_id", "client identifier invalid")
    return None if secret else ("invalid_client", "invalid client credentials")


def _decoded(part: str) -> dict[str, Any] | None:
    try:
        document = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
