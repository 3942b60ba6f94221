"""HubSpot in the hands of its tests: short words for reading it, and for what people and the API do to it."""

from __future__ import annotations

from typing import Any

import httpx2

from tailrace.connectors.sdk.base import Connector
from tailrace.records import Checkpoint, Page
from tailrace.sandbox.server import Sandbox
from tests.conformance.vendors import Desk, Landed, spec


def land(connector: Connector, name: str, landed: Landed | None = None, **options: Any) -> Landed:
    resource = spec("hubspot", name, options)
    landed = landed or Landed(connector.source().schema(resource))
    return landed.read(connector.source(), resource)


def parts_of(connector: Connector, landed: Landed, name: str, **options: Any) -> list[Page | Checkpoint]:
    return list(connector.source().read(spec("hubspot", name, options), landed.schema, landed.position))


def live(desk: Desk, obj: str = "contacts") -> set[str]:
    return {record["id"] for record in desk.records("hubspot", obj) if not record["archived"]}


def api(sandbox: Sandbox, method: str, path: str, body: Any) -> httpx2.Response:
    headers = {"Authorization": "Bearer sandbox"}
    return httpx2.request(method, sandbox.base_url("hubspot") + path, json=body, headers=headers)


def merge(sandbox: Sandbox, winner: str, loser: str) -> None:
    body = {"primaryObjectId": winner, "objectIdToMerge": loser}
    assert api(sandbox, "POST", "/crm/objects/2026-09/contacts/merge", body).status_code == 200


def minted(sandbox: Sandbox, scopes: list[str]) -> str:
    """An access token that carries these scopes alone."""
    form = {
        "grant_type": "client_credentials",
        "client_id": "a",
        "client_secret": "b",
        "scope": " ".join(scopes),
    }
    answer = httpx2.post(sandbox.base_url("hubspot") + "/oauth/2026-09/token", data=form)
    token: str = answer.json()["access_token"]
    return token
