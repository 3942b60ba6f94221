"""How Salesforce is logged in to: a JWT, client credentials, or a session from outside (vendor-apis.md 2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from tailrace.connectors.sdk.auth import Auth, Basic, Bearer, NoAuth, Renewing, reveal, signed_jwt
from tailrace.connectors.sdk.base import Context
from tailrace.connectors.sdk.http import Answer, Http
from tailrace.errors import AuthError, FatalError, Unavailable

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_LIFE = timedelta(minutes=3)
NO_END = timedelta(days=365)
"""Token answers name no end; a session that is over is told by a 401, and renewed."""
SECRETS = ("client_secret", "private_key")


class Login:
    """Credentials for the API, and where it is. `granted`: the newest answer of the token endpoint."""

    def __init__(self, given: Mapping[str, Any], context: Context) -> None:
        self._given, self._context = given, context
        self.granted: Mapping[str, Any] = {}
        self._http: Http | None = None
        self.auth: Auth = (
            Bearer(given["access_token"])
            if given["access_token"]
            else Renewing(
                self._mint, context.now, hidden={name: given[name] for name in SECRETS if given[name]}
            )
        )

    def host(self) -> str:
        """`base_url`, else `instance_url`, else what the token endpoint names, for which it is asked now."""
        named = self._given["base_url"] or self._given["instance_url"]
        if not named:
            self.auth.headers()
            named = self.granted.get("instance_url")
        if not named:
            name = self._context.connection
            raise FatalError(f"{name}: the login named no instance_url", "set instance_url")
        return str(named)

    def user(self) -> str | None:
        """The id of whom the token stands for, 005...; None where it came from outside."""
        told = str(self.granted.get("id") or "").rstrip("/").rpartition("/")[2]
        return told if told.startswith("005") else None

    def close(self) -> None:
        if self._http is not None:
            self._http.close()

    def _mint(self) -> tuple[str, float]:
        answer = self._endpoint().request(
            "POST", "/services/oauth2/token", form=self._form(), retry=True, accept=(400, 401, 403)
        )
        granted = answer.json()
        if answer.status >= 400:
            raise self._refused(answer)
        if not isinstance(granted, Mapping) or "access_token" not in granted:
            raise Unavailable(f"{self._context.connection}: the login answered no access_token", "run again")
        self.granted = granted
        return str(granted["access_token"]), NO_END.total_seconds()

    def _endpoint(self) -> Http:
        if self._http is None:
            given = self._given
            hidden = {name: given[name] for name in SECRETS}
            auth = (
                Basic(given["client_id"], given["client_secret"])
                if given["client_secret"]
                else NoAuth(hidden)
            )
            self._http = Http(
                given["login_url"], auth, self._context, max_wait=given["max_wait"], shared=False
            )
        return self._http

    def _form(self) -> dict[str, str]:
        if self._given["client_secret"]:
            return {"grant_type": "client_credentials"}
        return {"grant_type": JWT_GRANT, "assertion": self._assertion()}

    def _assertion(self) -> str:
        ends = self._context.now() + JWT_LIFE
        claims = {
            "iss": self._given["client_id"],
            "sub": self._given["username"],
            "aud": self._given["audience"].rstrip("/"),
            "exp": int(ends.timestamp()),
        }
        place, pem = self._key()
        try:
            return signed_jwt(self._context.connection, place, {"alg": "RS256", "typ": "JWT"}, claims, pem)
        except AuthError as error:
            fix = "it is the PEM key whose certificate the connected app has"
            raise AuthError(error.message, fix) from None

    def _key(self) -> tuple[str, str]:
        """Where the key is, for messages, and the key."""
        if self._given["private_key"]:
            return "private_key", str(reveal(self._given["private_key"]))
        path: Path = self._context.root / self._given["private_key_file"]
        try:
            return str(path), path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "no text"
            fix = "private_key_file names the PEM key that signs JWTs"
            raise AuthError(f"{self._context.connection}: cannot read {path} ({why})", fix) from None

    def _refused(self, answer: Answer) -> AuthError:
        document = answer.document if isinstance(answer.document, Mapping) else {}
        said = str(document.get("error_description") or document.get("error") or "")
        said = self._endpoint().scrub(said)
        fix = "check client_id and the flow's other options, and that the connected app allows this user"
        name = self._context.connection
        return AuthError(
            f"{name}: Salesforce refuses the login ({answer.status}{': ' + said if said else ''})", fix
        )
