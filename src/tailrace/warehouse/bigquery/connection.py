"""Google's own client for a target, with the credentials that it names; an emulator where the environment names one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.cloud import bigquery

EMULATOR = "BIGQUERY_EMULATOR_HOST"


def connect(settings: Mapping[str, Any]) -> bigquery.Client:
    """A client for a target's `settings`; it asks nothing before its first request. AuthError where there are no credentials."""
    from google.api_core.client_options import ClientOptions
    from google.cloud import bigquery

    address = os.environ.get(EMULATOR) or settings.get("base_url")
    return bigquery.Client(
        project=str(settings["project"]),
        credentials=_credentials(settings, emulated=bool(os.environ.get(EMULATOR))),
        location=str(settings["location"]),
        client_options=ClientOptions(api_endpoint=address) if address else None,
    )


def _credentials(settings: Mapping[str, Any], *, emulated: bool) -> Any:
    """An emulator asks for a token and looks at none."""
    if emulated:
        from google.oauth2.credentials import Credentials

        return Credentials(token="emulator")  # type: ignore[no-untyped-call]  # noqa: S106
    from tailrace.warehouse.bigquery.auth import credentials

    return credentials(settings)
