"""Who asks: application default credentials, a service account's key, a token, or a service account that one of them stands in for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tailrace.errors import AuthError

SCOPES = ("https://www.googleapis.com/auth/bigquery",)
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105
NEEDED = ("client_email", "private_key", "token_uri")
LOGIN = "run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS, or name a `keyfile`"
MAKE = "make one: `gcloud iam service-accounts keys create FILE --iam-account NAME@PROJECT.iam.gserviceaccount.com`"


def credentials(settings: Mapping[str, Any]) -> Any:
    """Google's credentials object; nobody is asked before its first use. AuthError says which way failed, and how to mend it."""
    wanted = tuple(settings.get("scopes") or SCOPES)
    stands_for = settings.get("impersonate_service_account")
    found = _own(settings, wanted)
    if not stands_for:
        return found
    from google.auth import impersonated_credentials

    return impersonated_credentials.Credentials(found, str(stands_for), target_scopes=list(wanted))  # type: ignore[no-untyped-call]


def _own(settings: Mapping[str, Any], scopes: tuple[str, ...]) -> Any:
    """By `method`, dbt's word, where it is written; else by what else is."""
    method = settings.get("method")
    if method == "service-account-json" or (not method and settings.get("keyfile_json")):
        return _service_account(_described(settings.get("keyfile_json")), "keyfile_json", scopes)
    if method == "service-account" or (not method and settings.get("keyfile")):
        return _service_account(_read(settings.get("keyfile")), f"keyfile {settings.get('keyfile')}", scopes)
    if method == "oauth-secrets" or (not method and (settings.get("token") or settings.get("refresh_token"))):
        return _tokens(settings)
    return _default(scopes)


def _default(scopes: tuple[str, ...]) -> Any:
    from google.auth import default
    from google.auth.exceptions import GoogleAuthError

    try:
        return default(scopes=list(scopes))[0]
    except (GoogleAuthError, OSError, ValueError) as error:
        named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        what = (
            f"{named} of GOOGLE_APPLICATION_CREDENTIALS cannot be used" if named else "this machine has none"
        )
        raise AuthError(f"no credentials for BigQuery: {what}", LOGIN) from error


def _read(keyfile: Any) -> Mapping[str, Any]:
    if not keyfile:
        raise AuthError(
            "no credentials for BigQuery: `method: service-account` needs a `keyfile`", "name the key's file"
        )
    try:
        text = Path(keyfile).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise AuthError(
            f"no credentials for BigQuery: there is no file {keyfile}", f"name it in `keyfile`, or {MAKE}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise AuthError(
            f"no credentials for BigQuery: {keyfile} cannot be read: {why}", "check `keyfile`"
        ) from error
    return _parsed(text, f"keyfile {keyfile}")


def _described(given: Any) -> Mapping[str, Any]:
    """A key that stands in profiles.yml itself, its secrets revealed."""
    if isinstance(given, Mapping):
        plain = {name: value.reveal() if hasattr(value, "reveal") else value for name, value in given.items()}
        return {**plain, "private_key": str(plain.get("private_key", "")).replace("\\n", "\n")}
    return _parsed(given.reveal() if hasattr(given, "reveal") else str(given or ""), "keyfile_json")


def _parsed(text: str, what: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise AuthError(f"no credentials for BigQuery: {what} is not JSON", MAKE) from error
    if not isinstance(found, dict):
        raise AuthError(f"no credentials for BigQuery: {what} is not a service account's key", MAKE)
    return found


def _service_account(described: Mapping[str, Any], what: str, scopes: tuple[str, ...]) -> Any:
    from google.auth.exceptions import GoogleAuthError
    from google.oauth2 import service_account

    kind = described.get("type")
    if kind != "service_account":
        is_of = f"is of type {str(kind)[:40]}" if kind else "names no type"
        fix = f"leave it out and set GOOGLE_APPLICATION_CREDENTIALS to it, or {MAKE}" if kind else MAKE
        raise AuthError(f"no credentials for BigQuery: {what} {is_of}, not service_account", fix)
    missing = [name for name in NEEDED if not described.get(name)]
    if missing:
        raise AuthError(f"no credentials for BigQuery: {what} has no {', '.join(missing)}", MAKE)
    try:
        return service_account.Credentials.from_service_account_info(described, scopes=list(scopes))  # type: ignore[no-untyped-call]
    except (GoogleAuthError, ValueError, TypeError) as error:
        raise AuthError(
            f"no credentials for BigQuery: the private key of {what} cannot be read", MAKE
        ) from error


def _tokens(settings: Mapping[str, Any]) -> Any:
    """Scopes are those that the token was given: asking for others would be refused."""
    from google.oauth2.credentials import Credentials

    plain = {
        name: _revealed(settings.get(name))
        for name in ("token", "refresh_token", "client_id", "client_secret")
    }
    if not plain["token"] and not all(
        plain[name] for name in ("refresh_token", "client_id", "client_secret")
    ):
        fix = "write `token`, or `refresh_token`, `client_id` and `client_secret`"
        raise AuthError("no credentials for BigQuery: `method: oauth-secrets` lacks some", fix)
    return Credentials(**plain, token_uri=str(settings.get("token_uri") or TOKEN_URI))  # type: ignore[no-untyped-call]


def _revealed(value: Any) -> str | None:
    revealed = value.reveal() if hasattr(value, "reveal") else value
    return str(revealed) if revealed else None
