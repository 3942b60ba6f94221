"""Who asks: application default credentials, a service account's file, or a service account that one of them stands in for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tailrace.errors import AuthError

SCOPES = ("https://www.googleapis.com/auth/bigquery",)


def credentials(settings: Mapping[str, Any]) -> Any:
    """Google's credentials object. AuthError says which of the three ways failed, and how to mend it."""
    from google.auth import default, impersonated_credentials
    from google.auth.exceptions import GoogleAuthError
    from google.oauth2 import service_account

    keyfile, impersonated = settings.get("keyfile"), settings.get("impersonate_service_account")
    try:
        found = (
            service_account.Credentials.from_service_account_file(str(keyfile), scopes=SCOPES)  # type: ignore[no-untyped-call]
            if keyfile
            else default(scopes=SCOPES)[0]
        )
    except (GoogleAuthError, OSError, ValueError) as error:
        fix = (
            "check `keyfile`"
            if keyfile
            else "run `gcloud auth application-default login`, or name a `keyfile`"
        )
        raise AuthError(f"no credentials for BigQuery: {error}", fix) from error
    if not impersonated:
        return found
    return impersonated_credentials.Credentials(found, str(impersonated), target_scopes=list(SCOPES))  # type: ignore[no-untyped-call]
