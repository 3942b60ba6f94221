"""One run of one sync in a process of its own, to be killed: recover, prepare, deliver, settle."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from tailrace.activate import run as activate
from tailrace.connectors.sdk.base import Context
from tailrace.connectors.sdk.registry import declaration
from tailrace.project.spec import FieldMap, Guardrails, Marks, Sync
from tailrace.state.rate import NoLimiter
from tailrace.state.sqlite import SQLiteStore
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import stage


def now() -> datetime:
    return datetime.now(UTC)


def main(folder: Path, url: str, mode: str, run_id: str) -> int:
    sync = Sync(
        name="scores", model="lead_scores", connection="hubspot", object="contacts", mode=mode, primary_key="contact_id",
        match_field="email", match_column="email", fields=(FieldMap("lead_score", "score"),), marks=Marks("scores.yml"),
        path="scores.yml", guardrails=Guardrails(None, None, None, 0.05),
    )  # fmt: skip
    declared = declaration("hubspot")
    options = {"access_token": "sandbox", "base_url": url, "rate_limit": "off"}
    connector = declared.open(options, Context("hubspot", NoLimiter(), now))
    store = SQLiteStore(folder / "state.db")
    warehouse = DuckDBWarehouse(folder / "work.duckdb")
    activate.recover(warehouse, store)
    contacts = next(each for each in declared.objects if each.name == "contacts")
    prepared = activate.prepare(
        warehouse, store, sync, contacts, connector.account(), stage(warehouse, TableRef("marts", "lead_scores"), "scores"),
        None, run_id=run_id, now=now, folder=folder / "stage", options=activate.Options(sandbox=True),
    )  # fmt: skip
    warehouse.close()
    if prepared.delivery is None:
        return 0
    activate.deliver(store, prepared.delivery, connector.destination(), in_flight=4)
    warehouse = DuckDBWarehouse(folder / "work.duckdb")
    result = activate.settle(warehouse, store, prepared.delivery)
    warehouse.close()
    return 0 if result.status == "ok" else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:5]))
