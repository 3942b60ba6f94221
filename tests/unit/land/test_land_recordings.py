"""HubSpot recordings of a real account, played in their order: real updates, drifting columns, all properties."""

from __future__ import annotations

import re

import pytest
from tests.recordings import hubspot_rounds, needs_recordings
from tests.unit.land.scripted import Landing, Scripted, assert_folds

from tailrace.records import Column, Page, Schema, Scope

pytestmark = needs_recordings
CURSORS = {"contacts": "lastmodifieddate", "companies": "hs_lastmodifieddate", "deals": "hs_lastmodifieddate"}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


@pytest.fixture(scope="module")
def rounds():
    return hubspot_rounds()


def schema_of(records: list[dict], cursor: str, typed: dict[str, str]) -> Schema:
    """Types as a vendor's property metadata would give them, fixed when a column is first seen."""
    names = sorted({name for record in records for name in record["properties"]} - {"id"})
    for name in names:
        values = [record["properties"].get(name) for record in records]
        found = [value for value in values if value not in (None, "")]
        if found:
            typed.setdefault(name, kind_of(found))
    return Schema(
        (Column("id"), *(Column(name, typed.get(name, "text")) for name in names)), ("id",), (cursor,)
    )


def kind_of(values: list[str]) -> str:
    if all(INSTANT.fullmatch(value) for value in values):
        return "timestamp"
    if all(value in ("true", "false") for value in values):
        return "bool"
    return "double" if all(NUMBER.fullmatch(value) and len(value) < 16 for value in values) else "text"


def page_of(records: list[dict], cursor: str) -> Page:
    rows = [{**record["properties"], "id": record["id"]} for record in records]
    return Page(rows, [record["properties"].get(cursor) or record["updatedAt"] for record in records])


@pytest.mark.parametrize("name", list(CURSORS))
def test_recordings_in_order_fold_to_the_newest_versions(rounds, name):
    cursor, typed, newest = CURSORS[name], {}, {}
    landing = Landing(source=Scripted(Schema((), ())))
    played = [found[name] for found in rounds if found[name]]
    for records in played:
        landing.source.declared = schema_of(records, cursor, typed)
        page = page_of(records, cursor)
        for record, version in zip(records, page.versions, strict=True):
            newest[record["id"]] = max(newest.get(record["id"], ""), version)
        landing.land(page)
        assert {found["id"] for found in landing.rows()} == set(newest)
    assert_folds(
        landing, (cursor, *(column for column in landing.columns() if column.startswith(f"{cursor}__v_")))
    )
    known = {found["id"]: found["_version_at"] for found in landing.rows("__keys")}
    assert {key: f"{at.isoformat(timespec='milliseconds')}Z" for key, at in known.items()} == newest
    assert landing.land(page_of(played[-1], cursor)).rows_out == 0
    assert set(landing.columns()) >= set(landing.source.declared.names())


def test_no_real_value_is_lost_on_its_way(rounds):
    """What was received is in the current table, under its own column or the column's variant, value for value."""
    records = rounds[-1]["contacts"]
    typed: dict[str, str] = {}
    landing = Landing(source=Scripted(schema_of(records, "lastmodifieddate", typed)))
    landing.land(page_of(records, "lastmodifieddate"))
    landed = {found["id"]: found for found in landing.rows()}
    for record in records:
        for name, value in record["properties"].items():
            found = landed[record["id"]][name]
            assert (found is None) == (
                value is None or (value == "" and typed.get(name, "text") != "text")
            ), name
            if found is not None and typed.get(name, "text") == "text":
                assert found == value


def test_a_sweep_of_each_recording_ends_in_that_recording(rounds):
    landing, typed = Landing(source=Scripted(Schema((), ()))), {}
    for found in (one["companies"] for one in rounds if one["companies"]):
        landing.source.declared = schema_of(found, "hs_lastmodifieddate", typed)
        landing.land(page_of(found, "hs_lastmodifieddate"), scopes=(Scope(),))
        assert {row["id"] for row in landing.rows()} == {record["id"] for record in found}
    assert_folds(landing, ("hs_lastmodifieddate",))
