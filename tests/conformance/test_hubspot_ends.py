"""How HubSpot's records end and come back, and listings that break off and are taken up again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tailrace.connectors.hubspot import ends, objects
from tailrace.connectors.sdk.base import Connector
from tailrace.errors import AuthError
from tailrace.records import Checkpoint, Page, Scope
from tailrace.sandbox.server import Sandbox
from tests.conformance.hubspot import api, land, live, merge, parts_of
from tests.conformance.test_connectors import HUBSPOT
from tests.conformance.vendors import Desk, Landed, connect, spec


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=120, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect("hubspot", sandbox.base_url("hubspot"), HUBSPOT)
    yield connector
    connector.close()


# ---- merges, erasures, restores --------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"properties": ["email"]}, {}], ids=["read along", "landed"])
def test_a_merge_names_the_winner_at_once(
    connector: Connector, desk: Desk, sandbox: Sandbox, options: dict[str, Any]
) -> None:
    landed = land(connector, "contacts", **options)
    winner, loser = sorted(live(desk))[:2]
    merge(sandbox, winner, loser)
    ends = [page for page in parts_of(connector, landed, "contacts", **options) if _is_end(page)]
    assert [(page.rows, page.merged_into, page.erased) for page in ends] == [
        ([{"id": loser}], [winner], False)
    ]
    stamp = next(one for one in desk.records("hubspot", "contacts") if one["id"] == winner)["updatedAt"]
    assert ends[0].versions == [stamp]
    land(connector, "contacts", landed, **options)
    assert {key for (key,) in landed.rows} == live(desk)
    assert ("hs_merged_object_ids" in landed.rows[(winner,)]) == (not options)
    assert land(connector, "contacts", landed, **options).shown == 0, "an idle round tells it no more"


def test_merges_of_merges_end_every_loser(connector: Connector, desk: Desk, sandbox: Sandbox) -> None:
    landed = land(connector, "contacts", properties=["email"])
    first, second, third = sorted(live(desk))[:3]
    merge(sandbox, second, third)
    merge(sandbox, first, second)
    told = [page for page in parts_of(connector, landed, "contacts", properties=["email"]) if _is_end(page)]
    into = {
        row["id"]: into for page in told for row, into in zip(page.rows, page.merged_into or [], strict=True)
    }
    assert into == {second: first, third: first}


def test_only_an_erasure_counts_as_one(connector: Connector, desk: Desk, sandbox: Sandbox) -> None:
    """Merged, archived and erased between two sweeps: the ends of the first two are told before the checkpoint."""
    landed = land(connector, "contacts", properties=["email"])
    winner, loser, archived, erased = sorted(live(desk))[:4]
    merge(sandbox, winner, loser)
    desk.remove("hubspot", "contacts", archived)
    body = {"objectId": erased}
    assert api(sandbox, "POST", "/crm/objects/2026-09/contacts/gdpr-delete", body).status_code == 204
    parts = parts_of(connector, landed, "contacts", properties=["email"], sweep="0s")
    told = {row["id"] for page in parts if _is_end(page) for row in page.rows}
    assert told == {loser, archived}
    assert [part.scopes for part in parts if isinstance(part, Checkpoint)][-1] == (Scope(erased=True),)
    land(connector, "contacts", landed, properties=["email"], sweep="0s")
    assert {key for (key,) in landed.rows} == live(desk)


def test_where_merges_are_not_told_nothing_counts_as_erased(connector: Connector, desk: Desk) -> None:
    desk.remove("hubspot", "deals.properties", "hs_merged_object_ids")
    landed = land(connector, "deals")
    parts = parts_of(connector, landed, "deals", sweep="0s")
    assert [part.scopes for part in parts if isinstance(part, Checkpoint)][-1] == (Scope(),)


def test_after_a_long_pause_nothing_counts_as_erased(connector: Connector) -> None:
    """Archived records leave HubSpot's list after 90 days: then the sweep alone knows of their end."""
    landed = land(connector, "deals")
    assert landed.position is not None
    landed.position["swept"] = "2026-01-01T00:00:00.000Z"
    parts = parts_of(connector, landed, "deals")
    assert [part.scopes for part in parts if isinstance(part, Checkpoint)][-1] == (Scope(),)


def test_a_restored_record_comes_back_behind_its_end(connector: Connector, desk: Desk) -> None:
    landed = land(connector, "contacts", properties=["email"])
    key = min(live(desk))
    before = landed.rows[(key,)]
    desk.remove("hubspot", "contacts", key)
    parts = parts_of(connector, landed, "contacts", properties=["email"])
    end = next(page for page in parts if _is_end(page)).versions
    land(connector, "contacts", landed, properties=["email"])
    assert (key,) not in landed.rows
    desk.save("hubspot", "contacts", {"id": key, "properties": {}})
    back = [
        page
        for page in parts_of(connector, landed, "contacts", properties=["email"])
        if isinstance(page, Page)
    ]
    assert [(page.rows[0]["id"], page.deleted) for page in back] == [(key, False)]
    assert back[0].versions is not None and end is not None and str(back[0].versions[0]) > str(end[0])
    land(connector, "contacts", landed, properties=["email"])
    assert landed.rows[(key,)] == before
    assert land(connector, "contacts", landed, properties=["email"]).shown == 0


def test_what_left_the_archived_list_for_good_stays_gone(
    connector: Connector, desk: Desk, sandbox: Sandbox
) -> None:
    landed = land(connector, "contacts", properties=["email"])
    key = min(live(desk))
    desk.remove("hubspot", "contacts", key)
    land(connector, "contacts", landed, properties=["email"])
    assert api(sandbox, "POST", "/crm/v3/objects/contacts/gdpr-delete", {"objectId": key}).status_code == 204
    assert land(connector, "contacts", landed, properties=["email"]).shown == 0
    assert (key,) not in landed.rows
    assert landed.position is not None and key not in landed.position["buried"]


def test_only_the_youngest_ends_are_watched(
    connector: Connector, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends, "BURIED", 2)
    landed = land(connector, "contacts", properties=["email"])
    gone = sorted(live(desk))[:3]
    for key in gone:
        desk.remove("hubspot", "contacts", key)
    land(connector, "contacts", landed, properties=["email"])
    assert landed.position is not None and set(landed.position["buried"]) == set(gone[1:])
    assert {key for (key,) in landed.rows} == live(desk)


def _is_end(part: Page | Checkpoint) -> bool:
    return isinstance(part, Page) and part.deleted


# ---- owners ------------------------------------------------------------------------------------------------


def test_an_owner_who_left_ends_with_a_time_and_may_return(connector: Connector, desk: Desk) -> None:
    landed = land(connector, "owners")
    owner = desk.records("hubspot", "owners")[0]
    desk.remove("hubspot", "owners", owner["id"])
    end = next(page for page in parts_of(connector, landed, "owners") if _is_end(page))
    assert {row["id"] for row in end.rows} >= {owner["id"]}
    land(connector, "owners", landed)
    assert (owner["id"],) not in landed.rows
    desk.save("hubspot", "owners", owner)  # active again, with the time of before
    pages = [
        page for page in parts_of(connector, landed, "owners") if isinstance(page, Page) and not page.deleted
    ]
    versions = {
        row["id"]: version for page in pages for row, version in zip(page.rows, page.versions, strict=True)
    }
    told = dict(zip((row["id"] for row in end.rows), end.versions, strict=True))
    assert versions[owner["id"]] > told[owner["id"]] > owner["updatedAt"]
    land(connector, "owners", landed)
    assert (owner["id"],) in landed.rows
    assert land(connector, "owners", landed).shown == 0


# ---- a listing that is taken up again ----------------------------------------------------------------------


def broken_off(connector: Connector, landed: Landed, name: str, **options: Any) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the caller says which
        land(connector, name, landed, **options)
    return caught.value


@pytest.mark.parametrize("wide", [False, True], ids=["list", "search"])
def test_a_first_read_goes_on_where_it_stopped(
    connector: Connector, desk: Desk, sandbox: Sandbox, wide: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = "/crm/objects/2026-09/contacts"
    if wide:
        monkeypatch.setattr(objects, "LONGEST_QUERY", 0)
        monkeypatch.setattr("tailrace.connectors.hubspot.walks.SEARCH_PAGE", 50)
        monkeypatch.setattr("tailrace.connectors.hubspot.api.SEARCH_PAGE", 50)
        route += "/search"
    else:
        monkeypatch.setattr("tailrace.connectors.hubspot.api.LIST_PAGE", 50)
    # of the list's requests the first is for the archived
    desk.faults({"vendor": "hubspot", "route": route, "nth": 2 if wide else 3, "status": 401, "body": {}})
    landed = Landed(connector.source().schema(spec("hubspot", "contacts", {"properties": ["email"]})))
    assert isinstance(broken_off(connector, landed, "contacts", properties=["email"]), AuthError)
    assert (landed.shown, len(landed.rows)) == (50, 50)
    assert landed.position is not None and landed.position["listing"]["behind"]
    edited, archived = sorted(live(desk))[0], sorted(live(desk))[1]
    desk.save("hubspot", "contacts", {"id": edited, "properties": {"email": "edited@in-between.example"}})
    desk.remove("hubspot", "contacts", archived)
    parts = parts_of(connector, landed, "contacts", properties=["email"])
    assert [part.scopes for part in parts if isinstance(part, Checkpoint)] == [()], (
        "it cannot know what is gone"
    )
    land(connector, "contacts", landed, properties=["email"])
    assert landed.shown == 70
    assert "listing" not in landed.position
    land(connector, "contacts", landed, properties=["email"])
    assert {key for (key,) in landed.rows} == live(desk)
    assert landed.rows[(edited,)]["email"] == "edited@in-between.example"
    assert land(connector, "contacts", landed, properties=["email"]).shown == 0


def test_a_long_listing_is_marked_on_its_way(
    connector: Connector, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tailrace.connectors.hubspot.api.LIST_PAGE", 30)
    monkeypatch.setattr(objects, "MARKED_ROWS", 60)
    landed = Landed(connector.source().schema(spec("hubspot", "contacts", {"properties": ["email"]})))
    parts = parts_of(connector, landed, "contacts", properties=["email"])
    marks = [(number, part) for number, part in enumerate(parts) if isinstance(part, Checkpoint)]
    assert [number for number, _ in marks] == [2, 5], "after two pages, and at the end"
    assert [part.scopes for _, part in marks] == [(), (Scope(),)]
    assert marks[0][1].position is not None and marks[0][1].position["listing"]["behind"]


def test_a_kill_between_marks_loses_nothing(
    connector: Connector, desk: Desk, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what stands before a mark is kept; a merge in the pause ends a row that the first part had shown."""
    monkeypatch.setattr("tailrace.connectors.hubspot.api.LIST_PAGE", 20)
    monkeypatch.setattr(objects, "MARKED_ROWS", 40)
    resource = spec("hubspot", "contacts", {"properties": ["email"]})
    landed = Landed(connector.source().schema(resource))
    for part in connector.source().read(resource, landed.schema, None):
        if isinstance(part, Checkpoint):
            landed.position = part.position
            break
        landed._page(part)
    assert len(landed.rows) == 40
    loser, winner = min(live(desk)), max(live(desk))
    merge(sandbox, winner, loser)
    land(connector, "contacts", landed, properties=["email"])
    assert (loser,) not in landed.rows
    assert {key for (key,) in landed.rows} == live(desk)


def test_an_object_without_records_is_read_once(connector: Connector, desk: Desk) -> None:
    desk.replace("hubspot", "products", [])
    landed = land(connector, "products")
    before = landed.position
    assert land(connector, "products", landed).position == before
