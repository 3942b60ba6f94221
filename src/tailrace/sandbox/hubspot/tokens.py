"""OAuth: minting access tokens and checking the bearer token of a call (vendor-apis 1.1)."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta

from tailrace.sandbox.clock import Clock, iso
from tailrace.sandbox.hubspot.errors import Refusal
from tailrace.sandbox.hubspot.portal import PORTAL_ID
from tailrace.sandbox.hubspot.scopes import ALL
from tailrace.sandbox.wire import Request, Response

LIFETIME = timedelta(minutes=30)
USER_ID = 1001
APP_ID = 1
GRANTS = ("refresh_token", "authorization_code", "client_credentials")


class Tokens:
    """The tokens that this account accepts: the fixed one without an end, minted ones for 30 minutes."""

    def __init__(self, fixed: str, clock: Clock) -> None:
        self._fixed = fixed
        self._clock = clock
        self._ends: dict[str, datetime] = {}
        self._scopes: dict[str, frozenset[str]] = {}
        self._refresh = {fixed}

    def check(self, request: Request) -> frozenset[str]:
        """401 without a valid bearer token; the scopes that it carries."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token == self._fixed:
            return frozenset(ALL)
        end = self._ends.get(token) if scheme.lower() == "bearer" else None
        if end is None:
            message = "Authentication credentials not found. This API supports OAuth 2.0 authentication"
            raise Refusal(401, "INVALID_AUTHENTICATION", message)
        if end <= self._clock.now():
            message = "The OAuth token used to make this call expired."
            raise Refusal(401, "EXPIRED_AUTHENTICATION", message, context={"expire time": [iso(end)]})
        return self._scopes.get(token, frozenset(ALL))

    def grant(self, request: Request) -> Response:
        """POST /oauth/.../token; the refresh token is not rotated."""
        form = fields_of(request)
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
        asked = form.get("scope", "").split()
        unknown = [scope for scope in asked if scope not in ALL]
        if unknown:
            return _oauth_error("invalid_scope", f"unknown scope {unknown[0]}", "BAD_SCOPE")
        return self._minted(kind, form.get("refresh_token"), frozenset(asked or ALL))

    def describe(self, token: str) -> Response:
        """GET /oauth/v1/access-tokens/{token}."""
        end = self._ends.get(token)
        if end is None and token != self._fixed:
            raise Refusal(404, "OBJECT_NOT_FOUND", "access token is not valid")
        return Response.of(
            200,
            {
                "token": token,
                "user": "sandbox@example.com",
                "hub_domain": "sandbox.example.com",
                "scopes": sorted(self._scopes.get(token, ALL)),
                "hub_id": PORTAL_ID,
                "app_id": APP_ID,
                "expires_in": self._left(token),
                "user_id": USER_ID,
                "token_type": "access",
            },
        )

    def introspect(self, request: Request) -> Response:
        """POST /oauth/.../token/introspect, of an access or a refresh token."""
        form = fields_of(request)
        if not form.get("client_id") or not form.get("client_secret"):
            return _oauth_error("invalid_client", "missing or invalid client id or secret", "BAD_CLIENT_ID")
        token = form.get("token", "")
        if (
            token in self._refresh
            and form.get("token_type_hint") != "access_token"
            and token not in self._ends
        ):
            return Response.of(200, self._info(token, form["client_id"], "refresh_token"))
        if token not in self._ends and token != self._fixed:
            return _oauth_error("invalid_token", "token is invalid, expired or revoked", "BAD_TOKEN")
        signed = {
            "appId": APP_ID,
            "expiresAt": self._left(token),
            "hubId": PORTAL_ID,
            "hublet": "na1",
            "installingUserId": USER_ID,
            "isPrivateDistribution": False,
            "isServiceAccount": False,
            "isUserLevel": False,
            "newSignature": "",
            "scopes": "",
            "scopeToScopeGroupPks": "",
            "signature": "",
            "trialScopes": "",
            "trialScopeToScopeGroupPks": "",
            "userId": USER_ID,
        }
        document = self._info(token, form["client_id"], "access_token")
        left = self._left(token)
        more = {"active": left > 0, "expires_in": left, "is_private_distribution": False}
        return Response.of(200, {**document, **more, "signed_access_token": signed})

    def revoke(self, token: str) -> Response:
        """POST /oauth/.../token/revoke, DELETE /oauth/v1/refresh-tokens/{token}: 204 whatever it was."""
        if token != self._fixed:
            self._refresh.discard(token)
            self._ends.pop(token, None)
        return Response(204)

    def describe_refresh(self, token: str) -> Response:
        """GET /oauth/v1/refresh-tokens/{token}."""
        if token not in self._refresh:
            raise Refusal(404, "OBJECT_NOT_FOUND", "refresh token is not valid")
        found = self._info(token, "sandbox-client", "refresh_token")
        return Response.of(
            200, {name: value for name, value in found.items() if name not in ("active", "token_use")}
        )

    def _info(self, token: str, client_id: str, use: str) -> dict[str, object]:
        return {
            "token": token,
            "active": True,
            "app_id": APP_ID,
            "client_id": client_id,
            "hub_id": PORTAL_ID,
            "hub_domain": "sandbox.example.com",
            "user": "sandbox@example.com",
            "user_id": USER_ID,
            "scopes": sorted(self._scopes.get(token, ALL)),
            "token_type": "access" if use == "access_token" else "refresh",
            "token_use": use,
        }

    def _left(self, token: str) -> int:
        end = self._ends.get(token)
        left = (end - self._clock.now()) if end else LIFETIME
        return max(int(left.total_seconds()), 0)

    def _minted(self, kind: str, refresh_token: str | None, scopes: frozenset[str]) -> Response:
        token = f"sandbox-{secrets.token_hex(16)}"
        self._ends[token], self._scopes[token] = self._clock.now() + LIFETIME, scopes
        document: dict[str, object] = {
            "access_token": token,
            "expires_in": int(LIFETIME.total_seconds()),
            "token_type": "bearer",
            "token_use": "client_credentials" if kind == "client_credentials" else "access_token",
            "hub_id": PORTAL_ID,
            "user_id": USER_ID,
            "scopes": sorted(scopes),
        }
        if kind != "client_credentials":
            document["refresh_token"] = refresh_token or self._new_refresh_token()
        return Response.of(200, document)

    def _new_refresh_token(self) -> str:
        token = f"sandbox-refresh-{secrets.token_hex(16)}"
        self._refresh.add(token)
        return token


def fields_of(request: Request) -> dict[str, str]:
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
