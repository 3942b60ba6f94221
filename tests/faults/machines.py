"""Two machines on one BigQuery target: each a folder of its own with the same project, over one emulator and one CRM."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

from tailrace.warehouse.bigquery.lease import TargetLeases
from tests.e2e.project import Acme

LEASE = 10
PROFILES = """\
acme:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: warehouse.duckdb
      connections:
        hubspot: {{type: hubspot, access_token: sandbox, base_url: "{url}/hubspot"}}
    prod:
      type: bigquery
      project: {project}
      location: US
      lease: {lease}s
      connections:
        hubspot: {{type: hubspot, access_token: sandbox, base_url: "{url}/hubspot"}}
    elsewhere:
      type: bigquery
      project: {project}-b
      location: US
      connections:
        hubspot: {{type: hubspot, access_token: other, base_url: "{url}/hubspot"}}
    file:
      type: duckdb
      path: other.duckdb
      connections:
        hubspot: {{type: hubspot, access_token: sandbox, base_url: "{url}/hubspot"}}
"""
FILES = {
    "pyproject.toml": '[project]\nname = "acme"\n[tool.tailrace]\nname = "acme"\n',
    "pipelines/hubspot.yml": "pipeline: hubspot\nconnection: hubspot\nresources:\n"
    "  contacts: {properties: [email, lifecyclestage]}\n",
    "models/marts/scores.sql": "SELECT id, email, CAST(CAST(id AS BIGINT) % 97 AS BIGINT) AS score FROM hubspot.contacts\n",
    "reverse/scores.yml": "sync: scores\nmodel: scores\nconnection: hubspot\nobject: contacts\nmode: upsert\nprimary_key: id\n"
    "match: {email: email}\nfields: {lead_score: score}\nguardrails: {max_changed: 100%, max_created: 100%}\n",
}


def machine(root: Path, url: str, address: str, project: str) -> Acme:
    """A project's folder, as one machine has it."""
    for name, text in {
        **FILES,
        "profiles.yml": PROFILES.format(url=url, project=project, lease=LEASE),
    }.items():
        if text:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return Acme(root, url, {"BIGQUERY_EMULATOR_HOST": address})


def new_project() -> str:
    return f"p-{secrets.token_hex(4)}"


def client_of(address: str, project: str) -> Any:
    from google.api_core.client_options import ClientOptions
    from google.cloud.bigquery import Client
    from google.oauth2.credentials import Credentials

    return Client(
        project=project,
        credentials=Credentials(token="emulator"),
        client_options=ClientOptions(api_endpoint=address),
    )


def rows(client: Any, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in client.query_and_wait(sql)]


def wait_until_over(leases: TargetLeases, lock: str = "run") -> None:
    """Until Google says that whoever held it is over."""
    deadline = time.monotonic() + 6 * LEASE
    while (entry := leases.last(lock)) is not None and not leases.is_over(entry):
        assert time.monotonic() < deadline, entry
        time.sleep(0.5)
