"""A Mailchimp account in the sandbox with the real landing behind it, and faults on its way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.conformance.vendors import Desk, Landed, spec

from tailrace.connectors.sdk.base import Connector
from tailrace.events import Event, Notice, listening
from tailrace.land.raw import ArrowWriter
from tailrace.land.run import land_resource
from tailrace.project.spec import Marks, Pipeline, Resource
from tailrace.records import Checkpoint, Page
from tailrace.state.runs import StepResult
from tailrace.warehouse.duckdb import DuckDBWarehouse

NEWSLETTER, CUSTOMERS = "a5b0c1d2e3", "f6a7b8c9d0"
MEMBERS = "/3.0/lists/*/members"
JSON = {"content-type": "application/json; charset=utf-8"}
PAGE = 20


@dataclass
class Engine:
    """The real landing into an empty warehouse; every call is one run."""

    connector: Connector
    warehouse: DuckDBWarehouse = field(default_factory=lambda: DuckDBWarehouse(None))
    runs: int = 0
    heard: list[Event] = field(default_factory=list)

    def land(self, name: str, options: dict[str, Any] | None = None) -> StepResult:
        self.runs += 1
        marks = Marks("pipelines/mail.yml")
        resource = Resource(name, {}, marks)
        pipeline = Pipeline("mail", "mail", "mail", (resource,), marks, "pipelines/mail.yml")
        with listening(self.heard.append):
            return land_resource(
                self.warehouse,
                self.connector.source(),
                pipeline,
                resource,
                spec("mailchimp", name, options),
                True,
                run_id=f"run{self.runs}",
                now=lambda: datetime.now(UTC),
                writer=ArrowWriter(),
            )

    def rows(self, name: str = "members") -> dict[tuple[str, ...], dict[str, Any]]:
        keys = {
            "members": ("list_id", "id"),
            "activity": ("campaign_id", "email_id", "action", "timestamp", "url", "ip"),
        }
        found = self.warehouse.arrow(f'SELECT * FROM mail."{name}"').to_pylist()
        return {tuple(str(row[part]) for part in keys.get(name, ("id",))): row for row in found}

    def count(self, name: str) -> int:
        return int(self.warehouse.query(f'SELECT count(*) FROM mail."{name}"')[0][0])

    def notices(self) -> str:
        return " ".join(event.text for event in self.heard if isinstance(event, Notice))


def fault(desk: Desk, route: str = MEMBERS, **rule: Any) -> None:
    desk.faults({"vendor": "mailchimp", "route": route, **rule})


def held(desk: Desk) -> dict[tuple[str, ...], str]:
    return {
        (row["list_id"], row["id"]): row["merge_fields"]["FNAME"]
        for row in desk.records("mailchimp", "members")
    }


def same(engine: Engine, desk: Desk) -> None:
    assert {key: row["merge_fields_FNAME"] for key, row in engine.rows().items()} == held(desk)


def page_of(connector: Connector, list_id: str = NEWSLETTER) -> dict[str, Any]:
    """The first page of a list, as a fault may answer it."""
    params = {"count": str(PAGE), "sort_field": "last_changed", "sort_dir": "ASC"}
    document = dict(connector._api.get(f"/lists/{list_id}/members", params))
    document["total_items"] = len(document["members"])
    return document


def replay(landed: Landed, parts: list[Page | Checkpoint]) -> None:
    class Replayed:
        def read(self, *_: Any) -> Iterator[Page | Checkpoint]:
            return iter(parts)

    landed.read(Replayed(), spec("mailchimp", "members"))
