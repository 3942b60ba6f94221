"""Google's own client for a target, with the credentials that it names; an emulator where the environment or the target names one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tailrace.errors import AuthError, WarehouseError

if TYPE_CHECKING:
    from google.cloud import bigquery

LOOPBACK = ("127.0.0.1", "localhost", "::1")
EMULATOR = "BIGQUERY_EMULATOR_HOST"
INSTALL = "run `pip install 'tailrace[bigquery]'`"


def connect(settings: Mapping[str, Any]) -> bigquery.Client:
    """A client for a target's `settings`; it asks nothing before its first request. AuthError where there are no credentials."""
    try:
        from google.api_core.client_options import ClientOptions
        from google.cloud import bigquery
    except ImportError as error:
        raise WarehouseError("Google's packages for BigQuery are not installed", INSTALL) from error
    address = endpoint(settings)
    return bigquery.Client(
        project=str(settings["project"]),
        credentials=_credentials(settings, address),
        location=str(settings["location"]),
        client_options=ClientOptions(api_endpoint=address) if address else None,
    )


def endpoint(settings: Mapping[str, Any]) -> str | None:
    """Where requests go in place of Google's own endpoint."""
    emulator = os.environ.get(EMULATOR)
    if emulator:
        return emulator if "://" in emulator else f"http://{emulator}"
    return settings.get("base_url")


def is_emulated(settings: Mapping[str, Any]) -> bool:
    """True where nobody looks at credentials: an emulator of the environment, or an address of this machine."""
    address = endpoint(settings)
    return bool(os.environ.get(EMULATOR)) or urlsplit(address or "").hostname in LOOPBACK


def _credentials(settings: Mapping[str, Any], address: str | None) -> Any:
    """Real ones go to Google or through TLS; an emulator asks for a token and looks at none."""
    if is_emulated(settings):
        from google.oauth2.credentials import Credentials

        return Credentials(token="emulator")  # type: ignore[no-untyped-call]  # noqa: S106
    if address and not address.startswith("https://"):
        raise AuthError(f"credentials would go unencrypted to {address}", "write `base_url: https://...`")
    from tailrace.warehouse.bigquery.auth import credentials

    return credentials(settings)
