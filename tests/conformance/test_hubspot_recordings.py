"""All recordings of a real HubSpot account, one after the other, through the sandbox and the connector into a warehouse.

Nothing of them is written here, and a failure names columns and counts, never values.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tailrace.land.raw import ArrowWriter
from tailrace.land.run import land_resource
from tailrace.project.spec import Marks, Pipeline, Resource
from tailrace.sandbox.server import Sandbox
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tests.conformance.vendors import Desk, connect, spec
from tests.recordings import (
    ENGAGEMENTS,
    OBJECTS,
    Round,
    definitions,
    hubspot_lists,
    hubspot_rounds,
    hubspot_types,
    needs_recordings,
)

pytestmark = needs_recordings
NAMES = tuple(name.removeprefix(ENGAGEMENTS) for name in OBJECTS)
PLACE = Marks("pipelines/hubspot.yml")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An account that holds nothing."""
    folder = tmp_path_factory.mktemp("empty")
    (folder / "hubspot").mkdir()
    with Sandbox.start(data=folder, contacts=0, limits=False) as sandbox:
        yield Desk(sandbox)


class Account:
    """The sandbox brought to each recording, and the tables that are landed from it; what did not change is not asked."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._types = desk, hubspot_types(OBJECTS)
        self.warehouse = DuckDBWarehouse(None)
        self.connector = connect("hubspot", desk.sandbox.base_url("hubspot"), {"access_token": "sandbox"})
        self._runs = 0

    def play(self, name: str, records: list[dict[str, Any]], archived: list[dict[str, Any]]) -> None:
        """What is not in the recording vanishes without a word, as by a privacy delete."""
        live = {record["id"] for record in records}
        gone = [record for record in archived if record["id"] not in live]
        self._desk.replace("hubspot", name, [*records, *({**record, "archived": True} for record in gone)])
        self._desk.replace("hubspot", f"{name}.properties", definitions(records, self._types[name], []))

    def put(self, name: str, records: list[dict[str, Any]]) -> None:
        self._desk.replace("hubspot", name, records)

    def land(self, name: str, **options: Any) -> None:
        self._runs += 1
        resource = Resource(name, {}, PLACE)
        land_resource(
            self.warehouse,
            self.connector.source(),
            Pipeline("hubspot", "hubspot", "hubspot", (resource,), PLACE, "pipelines/hubspot.yml"),
            resource,
            spec("hubspot", name, options),
            True,
            run_id=f"run{self._runs}",
            now=lambda: datetime.now(UTC),
            writer=ArrowWriter(),
        )

    def rows(self, name: str, key: str = "id") -> dict[str, dict[str, Any]]:
        found = self.warehouse.arrow(f'SELECT * FROM hubspot."{name}"').to_pylist()
        return {row[key]: row for row in found}


def assert_same(found: Any, wanted: Any, what: str) -> None:
    """Without pytest's look into the values, which are other people's."""
    __tracebackhide__ = True
    if found != wanted:
        pytest.fail(f"{what} are not what was recorded", pytrace=False)


def assert_landed(account: Account, name: str, records: list[dict[str, Any]]) -> None:
    __tracebackhide__ = True
    columns = account.warehouse.columns(TableRef("hubspot", name))
    variants = sorted(column for column in columns if "__v_" in column)
    assert not variants, f"{name}: values went to {variants}"
    landed = account.rows(name)
    assert_same(
        sorted(landed), sorted(record["id"] for record in records), f"the {len(records)} ids of {name}"
    )
    wrong = {
        column
        for record in records
        for column, value in record["properties"].items()
        if landed[record["id"]][column] != typed(value, columns[column])
    }
    assert not wrong, f"{name}: {sorted(wrong)} are not what was recorded"


def typed(value: str | None, kind: str) -> Any:
    if value in (None, ""):
        return None
    assert value is not None
    if kind == "DOUBLE":
        return float(value)
    if kind == "BOOLEAN":
        return value == "true"
    if kind == "TIMESTAMP":
        return datetime.fromisoformat(value).replace(tzinfo=None)
    return date.fromisoformat(value) if kind == "DATE" else value


def assert_folds(account: Account, name: str) -> None:
    """The change log, folded, is the current table but for the cursor."""
    cursors = {"lastmodifieddate"} if name == "contacts" else {"hs_lastmodifieddate"}
    log = account.warehouse.arrow(f'SELECT * FROM hubspot."{name}__changes" ORDER BY _seq').to_pylist()
    folded: dict[str, dict[str, Any]] = {}
    for change in log:
        assert (change["_op"] == "insert") == (change["id"] not in folded), f"{name}: {change['_op']}"
        folded[change["id"]] = {column: value for column, value in change.items() if column[0] != "_"}
        if change["_op"] == "delete":
            del folded[change["id"]]
    current = {
        key: {column: value for column, value in row.items() if column not in cursors}
        for key, row in account.rows(name).items()
    }
    assert_same(folded, current, f"the changes of {name}, folded,")


def test_every_recording_of_every_object_is_landed_whole(desk: Desk) -> None:
    account, rounds, lists = Account(desk), hubspot_rounds(OBJECTS), hubspot_lists()
    before: Round = {}
    played = dict.fromkeys(NAMES, 0)
    for found, short in zip(rounds, lists, strict=True):
        for name in NAMES:
            archived = short["archived"] if name == "deals" else []
            records = [record for record in found[name] if not record["archived"]]
            if not records or before.get(name) == [*records, *archived]:
                continue
            before[name] = [*records, *archived]
            played[name] += 1
            account.play(name, records, archived)
            account.land(name, sweep="0s")
            assert_landed(account, name, records)
    assert len(rounds) == 38
    assert all(played.values()) and sum(played.values()) == 94, played
    for name in NAMES:
        assert_folds(account, name)
    account.connector.close()


def test_every_recording_of_owners_and_pipelines_is_landed_whole(desk: Desk) -> None:
    account, before, shown = Account(desk), dict[str, Any](), 0
    for found in hubspot_lists():
        if found["owners"] and found["owners"] != before.get("owners"):
            shown += 1
            account.put("owners", found["owners"])
            account.land("owners")
            landed = account.rows("owners")
            fields = ("email", "firstName", "lastName")
            assert_same(
                {key: tuple(row[field] for field in fields) for key, row in landed.items()},
                {one["id"]: tuple(one[field] for field in fields) for one in found["owners"]},
                "owners",
            )
        if found["pipelines"] and found["pipelines"] != before.get("pipelines"):
            shown += 1
            account.put("pipelines", found["pipelines"])
            account.land("pipelines", objects=["deals"])
            stages = account.warehouse.query("SELECT pipeline_id, id, label FROM hubspot.pipelines")
            wanted = {
                (one["id"], stage["id"], stage["label"])
                for one in found["pipelines"]
                for stage in one["stages"]
            }
            assert_same(set(stages), wanted, "stages")
        before = found
    assert shown > 4
    account.connector.close()
