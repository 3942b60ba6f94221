"""Credentials: a static bearer, OAuth refresh tokens, and Google service accounts that sign their own token."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from tailrace.errors import AuthError

MARGIN = timedelta(seconds=60)
"""A token this close to its end is renewed: it must outlive the request that carries it."""


def reveal(value: Any) -> Any:
    """The value itself, also where it is wrapped so that it cannot be printed."""
    return value.reveal() if hasattr(value, "reveal") else value


class Auth(Protocol):
    """What puts credentials on a request."""

    def headers(self) -> dict[str, str]: ...

    def renew(self, refused: Mapping[str, str]) -> bool:
        """The vendor answered 401 to these headers: True where other credentials are at hand now."""
        ...

    def secrets(self) -> list[str]:
        """Every text that must never be shown."""
        ...


class NoAuth:
    """For a token endpoint, whose credentials are in its form."""

    def __init__(self, hidden: Mapping[str, Any] | None = None) -> None:
        self._hidden = [str(reveal(value)) for value in (hidden or {}).values() if value]

    def headers(self) -> dict[str, str]:
        return {}

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - there is nothing to renew
        return False

    def secrets(self) -> list[str]:
        return self._hidden


class Bearer:
    """One access token, given from outside; a refusal is final."""

    def __init__(self, token: Any, extra: Mapping[str, Any] | None = None) -> None:
        self._token = str(reveal(token))
        self._extra = {name: str(reveal(value)) for name, value in (extra or {}).items()}

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", **self._extra}

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - there is nothing to renew
        return False

    def secrets(self) -> list[str]:
        return [self._token, *self._extra.values()]


class Basic:
    """A user's name and password; a refusal is final."""

    def __init__(self, user: str, password: Any) -> None:
        self._user, self._password = user, str(reveal(password))

    def headers(self) -> dict[str, str]:
        pair = base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - there is nothing to renew
        return False

    def secrets(self) -> list[str]:
        return [self._password, self.headers()["Authorization"].removeprefix("Basic ")]


class Renewing:
    """A bearer that is minted: by the clock a minute before its end, and when the vendor refuses it. Thread-safe.

    `mint` returns the token and the seconds it lives. HubSpot's usage guidelines: refresh by the clock, and once on 401.
    """

    def __init__(
        self,
        mint: Callable[[], tuple[str, float]],
        now: Callable[[], datetime],
        extra: Mapping[str, Any] | None = None,
        hidden: Mapping[str, Any] | None = None,
    ) -> None:
        self._mint, self._now = mint, now
        self._extra = {name: str(reveal(value)) for name, value in (extra or {}).items()}
        self._hidden = [str(reveal(value)) for value in (hidden or {}).values() if value]
        self._lock = threading.Lock()
        self._token: str | None = None
        self._ends: datetime | None = None

    def headers(self) -> dict[str, str]:
        with self._lock:
            if self._token is None or self._ends is None or self._now() >= self._ends - MARGIN:
                self._renew()
            return self._current()

    def renew(self, refused: Mapping[str, str]) -> bool:
        with self._lock:
            if self._current() == dict(refused):  # else another thread was faster
                self._renew()
            return True

    def secrets(self) -> list[str]:
        return [*self._hidden, *self._extra.values(), *([self._token] if self._token else [])]

    def _current(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", **self._extra}

    def _renew(self) -> None:
        token, lives = self._mint()
        self._token, self._ends = token, self._now() + timedelta(seconds=lives)


def refresh_grant(
    connection: str, post: Callable[[Mapping[str, str]], tuple[int, Any]], form: Mapping[str, Any]
) -> Callable[[], tuple[str, float]]:
    """Mints by OAuth's refresh_token grant; `post` sends a form to the token endpoint: (status, JSON document)."""

    def mint() -> tuple[str, float]:
        fields = {"grant_type": "refresh_token", **{name: str(reveal(value)) for name, value in form.items()}}
        status, document = post(fields)
        if status >= 400 or not isinstance(document, Mapping) or "access_token" not in document:
            why = ""
            if isinstance(document, Mapping):
                why = str(
                    document.get("error_description")
                    or document.get("message")
                    or document.get("error")
                    or ""
                )
            raise AuthError(
                f"{connection}: the refresh token was refused ({status}{': ' + why if why else ''})",
                "check client_id, client_secret and refresh_token, or authorise the app anew",
            )
        return str(document["access_token"]), float(document.get("expires_in", 1800))

    return mint


def service_account(
    connection: str, key_file: str, scopes: tuple[str, ...], now: Callable[[], datetime]
) -> Callable[[], tuple[str, float]]:
    """Mints Google's self-signed JWT from a service account's JSON key: no token endpoint is called (vendor-apis 7.1)."""

    def mint() -> tuple[str, float]:
        key = _read_key(connection, key_file)
        issued = int(now().timestamp())
        head = {"alg": "RS256", "typ": "JWT", "kid": key.get("private_key_id", "")}
        claims = {
            "iss": key["client_email"],
            "sub": key["client_email"],
            "scope": " ".join(scopes),
            "iat": issued,
            "exp": issued + 3600,
        }
        return signed_jwt(connection, key_file, head, claims, str(key["private_key"])), 3600.0

    return mint


def _read_key(connection: str, key_file: str) -> dict[str, Any]:
    fix = "service_account_file names the JSON key that Google Cloud made for the service account"
    try:
        key = json.loads(Path(key_file).read_text("utf-8"))
    except OSError as error:
        raise AuthError(f"{connection}: cannot read {key_file} ({error.strerror})", fix) from None
    except ValueError:
        raise AuthError(f"{connection}: {key_file} is not JSON", fix) from None
    if not isinstance(key, dict) or not {"client_email", "private_key"} <= set(key):
        raise AuthError(f"{connection}: {key_file} has no client_email and private_key", fix)
    return key


def signed_jwt(
    connection: str, key_file: str, head: Mapping[str, Any], claims: Mapping[str, Any], pem: str
) -> str:
    """A JWT signed with RS256; AuthError naming `key_file` where `pem` is no RSA private key."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise AuthError(
            f"{connection}: {key_file} holds no RSA private key", "download a new key for the service account"
        )
    text = ".".join(_b64(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    return f"{text}.{_b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
