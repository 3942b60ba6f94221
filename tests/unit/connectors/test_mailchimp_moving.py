"""Mailchimp while people work: pages that move under the reader, and rows that are odd."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conformance.vendors import Desk, Landed, connect, spec
from tests.unit.connectors.mailchimp_engine import (
    CUSTOMERS,
    JSON,
    MEMBERS,
    NEWSLETTER,
    PAGE,
    Engine,
    fault,
    held,
    page_of,
    replay,
    same,
)

from tailrace.connectors.mailchimp import api, walk
from tailrace.connectors.sdk.base import Connector
from tailrace.errors import SchemaError, Unavailable
from tailrace.records import Page
from tailrace.sandbox.server import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=120, limits=False) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "COUNT", PAGE)
    monkeypatch.setattr(walk, "COUNT", PAGE)


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    options = {"api_key": "sandbox-us1", "max_wait": "2s"}
    connector = connect("mailchimp", sandbox.base_url("mailchimp"), options)
    yield connector
    connector.close()


@pytest.fixture
def engine(connector: Connector) -> Engine:
    return Engine(connector)


# ---- pages that move ---------------------------------------------------------------------------------------


def stirred(
    connector: Connector, desk: Desk, landed: Landed, name: str = "members", options: Any = None
) -> None:
    """Read page by page; between the pages members early, late and in the middle are edited, and one is erased."""
    resource, parts = spec("mailchimp", name, options), []
    for number, part in enumerate(connector.source().read(resource, landed.schema, landed.position)):
        parts.append(part)
        if isinstance(part, Page) and number < 6:
            members = sorted(desk.records("mailchimp", "members"), key=lambda row: row["last_changed"])
            edited = [members[at] for at in (number, 25 + number, len(members) // 2, -3)]
            for row in edited:
                row["merge_fields"]["FNAME"] = f"Moved {number}"
                del row["last_changed"]
            desk.save("mailchimp", "members", *{row["id"]: row for row in edited}.values())
            gone = members[0] if number % 2 else members[10]
            desk.replace(
                "mailchimp",
                "members",
                [row for row in desk.records("mailchimp", "members") if row["id"] != gone["id"]],
            )
    replay(landed, parts)


@pytest.mark.parametrize("sweep", ["24h", "0s"])
def test_no_member_is_skipped_while_members_move(connector: Connector, desk: Desk, sweep: str) -> None:
    landed = Landed(connector.source().schema(spec("mailchimp", "members")))
    if sweep == "0s":
        landed.read(connector.source(), spec("mailchimp", "members"))
    stirred(connector, desk, landed, options={"sweep": sweep})
    there = held(desk)
    assert set(landed.rows) >= set(there)
    landed.read(connector.source(), spec("mailchimp", "members"))
    assert {key: landed.rows[key]["merge_fields_FNAME"] for key in there} == there
    landed.read(connector.source(), spec("mailchimp", "members", {"sweep": "0s"}))
    assert {key: row["merge_fields_FNAME"] for key, row in landed.rows.items()} == there


def crowd(desk: Desk, count: int, at: str = "2026-02-03T04:05:06+00:00") -> list[dict[str, Any]]:
    """Members of one list, all of one second."""
    pattern = desk.records("mailchimp", "members")[0]
    rows = [
        {**pattern, "list_id": CUSTOMERS, "id": f"{number:032x}", "web_id": number, "last_changed": at}
        for number in range(count)
    ]
    desk.replace("mailchimp", "members", rows)
    return rows


def test_offset_pages_within_one_second_begin_again_where_one_leaves(
    connector: Connector, desk: Desk
) -> None:
    """An offset that shrinks would skip one member at each page's edge."""
    rows = crowd(desk, 6 * PAGE)
    resource = spec("mailchimp", "members", {"lists": [CUSTOMERS]})
    landed, parts = Landed(connector.source().schema(resource)), []
    for part in connector.source().read(resource, landed.schema, None):
        parts.append(part)
        if len(parts) in (3, 4):
            moved = {"list_id": CUSTOMERS, "id": rows[len(parts)]["id"], "merge_fields": {"FNAME": "Moved"}}
            desk.save("mailchimp", "members", moved)
    replay(landed, parts)
    assert {key: row["merge_fields_FNAME"] for key, row in landed.rows.items()} == held(desk)
    assert len(landed.rows) == 6 * PAGE


def test_members_that_never_stand_still_stop_the_run(
    connector: Connector, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(desk, 3 * PAGE)
    ask, shrinking = walk.Walk._ask, iter(range(1000, 0, -1))

    def moving(self: Any, since: Any, before: Any, offset: int) -> Any:
        rows, total = ask(self, since, before, offset)
        return rows, (total if before is None else next(shrinking))

    monkeypatch.setattr(walk.Walk, "_ask", moving)
    resource = spec("mailchimp", "members", {"lists": [CUSTOMERS]})
    with pytest.raises(Unavailable, match=f"the members of list {CUSTOMERS} keep moving"):
        list(connector.source().read(resource, connector.source().schema(resource), None))


def test_an_order_that_is_none_stops_the_run(engine: Engine, desk: Desk, connector: Connector) -> None:
    document = page_of(connector)
    document["members"].reverse()
    fault(desk, status=200, headers=JSON, body=json.dumps(document))
    with pytest.raises(Unavailable, match="are not sorted by last_changed"):
        engine.land("members")
    desk.faults()
    engine.land("members")
    same(engine, desk)


def test_a_sweep_that_shows_less_than_there_is_takes_nobody_away(
    engine: Engine, desk: Desk, connector: Connector
) -> None:
    """A page that repeats instead of going on: the count of the first answer is not reached."""
    engine.land("members", {"lists": [NEWSLETTER]})
    before = engine.rows()
    document = page_of(connector)
    first = {**document, "total_items": 5 * PAGE}
    fault_rules = [
        {
            "vendor": "mailchimp",
            "route": MEMBERS,
            "nth": 2,
            "status": 200,
            "headers": JSON,
            "body": json.dumps(first),
        },
        {
            "vendor": "mailchimp",
            "route": MEMBERS,
            "nth": [3, 4, 5, 6],
            "status": 200,
            "headers": JSON,
            "body": json.dumps(document),
        },
    ]
    desk.faults(*fault_rules)
    engine.land("members", {"lists": [NEWSLETTER], "sweep": "0s"})
    assert engine.rows().keys() == before.keys()


def test_rows_that_move_between_whole_pages_are_not_taken_for_gone(connector: Connector, desk: Desk) -> None:
    pattern = desk.records("mailchimp", "campaigns")[0]
    many = [{**pattern, "id": f"c{number:09d}"} for number in range(3 * PAGE)]
    desk.replace("mailchimp", "campaigns", many)
    resource = spec("mailchimp", "campaigns")
    landed = Landed(connector.source().schema(resource)).read(connector.source(), resource)
    desk.save("mailchimp", "campaigns", {**many[-1], "content_type": "edited"})
    listing = connector._api.listing("/campaigns", "campaigns")
    for number, _ in enumerate(listing):
        if number == 0:
            desk.replace("mailchimp", "campaigns", desk.records("mailchimp", "campaigns")[1:])
    assert not listing.complete
    # the same in a read: the row at the page's edge is not shown, and stays
    parts = []
    for part in connector.source().read(resource, landed.schema, None):
        parts.append(part)
        if len(parts) == 1:
            desk.replace("mailchimp", "campaigns", desk.records("mailchimp", "campaigns")[1:])
    assert sum(len(part.rows) for part in parts[:-1]) < 3 * PAGE - 1
    replay(landed, parts)
    assert len(landed.rows) == 3 * PAGE
    landed.read(connector.source(), resource)
    assert set(landed.rows) == {(row["id"],) for row in desk.records("mailchimp", "campaigns")}


# ---- rows that are odd --------------------------------------------------------------------------------------


def test_a_member_without_id_is_left_out_with_a_warning(
    engine: Engine, desk: Desk, connector: Connector
) -> None:
    document = page_of(connector)
    lost = document["members"][3].pop("id")
    rest = {row["id"] for row in document["members"] if "id" in row}
    body = json.dumps(document)
    fault(desk, f"/3.0/lists/{NEWSLETTER}/members", nth=2, status=200, headers=JSON, body=body)
    engine.land("members", {"lists": [NEWSLETTER]})
    assert {key for _, key in engine.rows()} == rest | {key for _, key in engine.rows() if key not in rest}
    assert (NEWSLETTER, lost) not in engine.rows() and len(engine.rows()) >= PAGE - 1
    assert "1 rows have no usable key and were left out" in engine.notices()
    desk.faults()
    engine.land("members", {"sweep": "0s"})
    same(engine, desk)


def test_a_stamp_of_the_future_hides_no_later_edit(engine: Engine, desk: Desk) -> None:
    first, other = [row for row in desk.records("mailchimp", "members") if row["list_id"] == NEWSLETTER][:2]
    future = (datetime.now(UTC) + timedelta(days=400)).replace(microsecond=0).isoformat()
    desk.save(
        "mailchimp", "members", {**first, "last_changed": future, "merge_fields": {"FNAME": "From ahead"}}
    )
    engine.land("members")
    same(engine, desk)
    assert engine.land("members").rows_in == 0
    given = {"list_id": NEWSLETTER, "id": other["id"], "merge_fields": {"FNAME": "Later"}}
    desk.save("mailchimp", "members", given)
    assert engine.land("members").rows_out == 1
    same(engine, desk)
    assert engine.land("members").rows_in == 0


def test_a_member_without_a_stamp_is_landed(engine: Engine, desk: Desk) -> None:
    row = desk.records("mailchimp", "members")[0]
    desk.replace(
        "mailchimp", "members", [{**row, "last_changed": ""}, *desk.records("mailchimp", "members")[1:]]
    )
    engine.land("members")
    same(engine, desk)
    assert engine.rows()[row["list_id"], row["id"]]["last_changed"] is None


def test_a_merge_field_that_vanishes_keeps_its_last_values(engine: Engine, desk: Desk) -> None:
    engine.land("members")
    joined = {
        key: row["merge_fields_JOINED"] for key, row in engine.rows().items() if row["merge_fields_JOINED"]
    }
    assert joined
    field_ = next(row for row in desk.records("mailchimp", "merge_fields") if row["tag"] == "JOINED")
    desk.remove("mailchimp", "merge_fields", f"{field_['list_id']}/{field_['merge_id']}")
    members = desk.records("mailchimp", "members")
    for row in members:
        row["merge_fields"].pop("JOINED", None)
        row["merge_fields"]["FNAME"] += "!"
        del row["last_changed"]
    desk.save("mailchimp", "members", *members)
    result = engine.land("members")
    assert "merge_fields_JOINED" in result.detail["vanished"]
    assert {key: engine.rows()[key]["merge_fields_JOINED"] for key in joined} == joined
    same(engine, desk)


def test_a_merge_field_that_vanishes_between_schema_and_rows(connector: Connector, desk: Desk) -> None:
    schema = connector.source().schema(spec("mailchimp", "members"))
    members = desk.records("mailchimp", "members")
    desk.replace("mailchimp", "members", [{**row, "merge_fields": {"FNAME": "x"}} for row in members])
    landed = Landed(schema).read(connector.source(), spec("mailchimp", "members"))
    assert {row["merge_fields_LNAME"] for row in landed.rows.values()} == {None}
    desk.replace("mailchimp", "members", [{**row, "merge_fields": None} for row in members])
    assert len(Landed(schema).read(connector.source(), spec("mailchimp", "members")).rows) == len(members)


def test_tags_that_differ_in_case_only_stop_members_and_nothing_else(engine: Engine, desk: Desk) -> None:
    engine.land("members")
    before = engine.rows()
    odd = {"list_id": NEWSLETTER, "merge_id": 77, "tag": "fname", "name": "First", "type": "text"}
    desk.save("mailchimp", "merge_fields", odd)
    with pytest.raises(SchemaError, match="'FNAME' and 'fname' would be one column") as caught:
        engine.land("members")
    assert "rename one at Mailchimp" in caught.value.fix
    assert engine.rows() == before
    assert engine.land("campaigns").rows_out == engine.count("campaigns") > 0
    desk.remove("mailchimp", "merge_fields", f"{NEWSLETTER}/77")
    engine.land("members")
    same(engine, desk)


def test_five_megabytes_in_a_merge_field_are_landed(engine: Engine, desk: Desk) -> None:
    row = desk.records("mailchimp", "members")[0]
    long = "ü" * 5_000_000
    given = {"list_id": row["list_id"], "id": row["id"], "merge_fields": {"FNAME": long}}
    desk.save("mailchimp", "members", given)
    engine.land("members")
    same(engine, desk)
    assert engine.land("members").rows_in == 0
    assert len(engine.rows()[row["list_id"], row["id"]]["merge_fields_FNAME"]) == 5_000_000


@pytest.mark.parametrize(
    "word", ["NaN", "Infinity", '"\\ud800"', "123456789012345678901234567890", '{"a": [1]}']
)
def test_values_that_no_column_takes_hold_back_nothing(
    engine: Engine, desk: Desk, connector: Connector, word: str
) -> None:
    document = page_of(connector)
    key = document["members"][2]["id"]
    document["members"][2]["merge_fields"]["LTV"] = "@@"
    body = json.dumps(document).replace('"@@"', word)
    fault(desk, f"/3.0/lists/{NEWSLETTER}/members", nth=2, status=200, headers=JSON, body=body)
    engine.land("members", {"lists": [NEWSLETTER]})
    assert (NEWSLETTER, key) in engine.rows()
    assert {row["id"] for row in document["members"]} <= {found for _, found in engine.rows()}
    desk.faults()
    engine.land("members", {"sweep": "0s"})
    same(engine, desk)
