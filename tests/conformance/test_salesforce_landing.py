"""Salesforce landed in DuckDB: many changes under one second, deletes, restores, merges and hard deletes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.records import Schema
from tailrace.sandbox.server import Sandbox
from tests.conformance.vendors import connect, spec
from tests.unit.land.scripted import Landing, assert_folds

STAMPS = ("SystemModstamp", "LastModifiedDate")


class AsContacts:
    """Salesforce's `Contact` under the name that the harness lands."""

    def __init__(self, connector: Connector, options: dict[str, Any]) -> None:
        self._source, self._spec = connector.source(), spec("salesforce", "Contact", options)
        self.declared: Schema = self._source.schema(self._spec)

    def schema(self, resource):
        return self._source.schema(self._spec)

    def read(self, resource, schema, position):
        return self._source.read(self._spec, schema, position)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=150, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.house.reset()
    return running


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect(
        "salesforce", sandbox.base_url("salesforce"), {"access_token": "sandbox", "bulk_poll": "0s"}
    )
    yield connector
    connector.close()


def landing_of(connector: Connector, **options: Any) -> Landing:
    landing = Landing(source=AsContacts(connector, options))  # type: ignore[arg-type]
    landing.at = datetime.now(UTC)
    return landing


def truth(sandbox: Sandbox, *names: str) -> dict[str, tuple[Any, ...]]:
    rows = sandbox.house.fakes["salesforce"].records("Contact")
    return {row["Id"]: tuple(row[name] for name in names) for row in rows}


def landed(landing: Landing, *names: str) -> dict[str, tuple[Any, ...]]:
    return {row["Id"]: tuple(row[name] for name in names) for row in landing.rows()}


SHOWN = ("Email", "Title", "Phone", "AccountId", "HasOptedOutOfEmail", "Lead_Score__c")


@pytest.mark.parametrize("via", ["rest", "bulk"])
def test_a_busy_org_is_followed_through_the_same_second(
    via: str, sandbox: Sandbox, connector: Connector
) -> None:
    landing, random = landing_of(connector, via=via, deleted_sweep="0s"), Random(5)
    org = sandbox.house.fakes["salesforce"].org  # type: ignore[attr-defined]
    table = org.tables["Contact"]
    landing.again()
    for turn in range(12):
        landing.runs += 1
        rows = list(org.live(table))
        dead = [row for row in table.rows.values() if row["IsDeleted"]]
        for row in random.sample(rows, 4):
            org.update(table, row, {"Title": f"turn {turn}", "Lead_Score__c": float(turn)})
        org.delete(table, random.choice(list(org.live(table))))
        org.merge(table, *random.sample(list(org.live(table)), 2))
        if dead:
            org.undelete(table, random.choice(dead))
        landing.again()
        assert landed(landing, *SHOWN) == truth(sandbox, *SHOWN), turn
        assert_folds(landing, STAMPS)
    logged = landing.count("__changes")
    landing.again()
    assert landing.count("__changes") == logged


def test_hard_deletes_end_in_the_log_and_sweeps_change_nothing(
    sandbox: Sandbox, connector: Connector
) -> None:
    landing = landing_of(connector, deleted_sweep="0s")
    landing.again()
    org = sandbox.house.fakes["salesforce"].org  # type: ignore[attr-defined]
    key = min(truth(sandbox))
    org.purge(org.tables["Contact"], key)
    landing.again()
    assert landed(landing, *SHOWN) == truth(sandbox, *SHOWN)
    last = landing.rows("__changes", "_seq")[-1]
    assert (last["_op"], last["Id"]) == ("delete", key)
    logged = landing.count("__changes")
    landing.source = AsContacts(connector, {"sweep": "0s"})  # type: ignore[assignment]
    landing.again()
    assert landing.count("__changes") == logged
    assert_folds(landing, STAMPS)


def test_a_merge_is_named_in_the_log(sandbox: Sandbox, connector: Connector) -> None:
    landing = landing_of(connector)
    landing.again()
    org = sandbox.house.fakes["salesforce"].org  # type: ignore[attr-defined]
    table = org.tables["Contact"]
    winner, loser = sorted(truth(sandbox))[:2]
    org.merge(table, table.rows[winner], table.rows[loser])
    landing.again()
    ends = {row["Id"]: row["_merged_into"] for row in landing.rows("__changes") if row["_op"] == "delete"}
    assert ends == {loser: winner}


def test_columns_are_typed_and_times_are_times(connector: Connector) -> None:
    landing = landing_of(connector)
    landing.again()
    row = landing.rows()[0]
    assert isinstance(row["SystemModstamp"], datetime) and isinstance(row["HasOptedOutOfEmail"], bool)
    keys = {row["Id"]: row["_version_at"] for row in landing.rows("__keys")}
    assert all(keys[row["Id"]] == row["SystemModstamp"] for row in landing.rows())
