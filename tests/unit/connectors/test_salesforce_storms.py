"""Salesforce in bad weather: each run goes on rightly or stops with the reason, and the next one repairs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conformance.vendors import Desk, Landed, connect, spec

from tailrace.connectors.salesforce import bulk
from tailrace.connectors.salesforce.stream import RESTARTS
from tailrace.connectors.sdk.base import Connector, ResourceSpec
from tailrace.errors import AuthError, FatalError, RateLimited, TailraceError, Unavailable, VendorRefused
from tailrace.events import Event, Notice, Waiting, listening
from tailrace.records import Checkpoint, Page, Scope
from tailrace.sandbox.salesforce import query as sandbox_query
from tailrace.sandbox.server import Sandbox

PAGES = "/services/data/v67.0/query*"
JOB = "/services/data/v67.0/jobs/query/*"
RESULTS = f"{JOB}/results"
OVER = [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]
SPENT = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
PAGE = 20


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=150, limits=False) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_query, "PAGE", PAGE)
    monkeypatch.setattr(bulk, "PAGE_ROWS", PAGE)


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect(
        "salesforce", sandbox.base_url("salesforce"), {"access_token": "sandbox", "bulk_poll": "0s"}
    )
    yield connector
    connector.close()


def fault(desk: Desk, route: str, **rule: Any) -> None:
    desk.faults({"vendor": "salesforce", "route": route, **rule})


def land(connector: Connector, resource: ResourceSpec, landed: Landed | None = None) -> Landed:
    landed = landed or Landed(connector.source().schema(resource))
    return landed.read(connector.source(), resource)


def parts(connector: Connector, resource: ResourceSpec, landed: Landed) -> list[Page | Checkpoint]:
    return list(connector.source().read(resource, landed.schema, landed.position))


def scopes(connector: Connector, resource: ResourceSpec, landed: Landed) -> list[Scope]:
    found = [part for part in parts(connector, resource, landed) if isinstance(part, Checkpoint)]
    return [scope for part in found for scope in part.scopes]


def broken(connector: Connector, resource: ResourceSpec, kind: type[TailraceError], words: str) -> Landed:
    """A first load that ends with an error; what was checkpointed before it stands."""
    landed = Landed(connector.source().schema(resource))
    with pytest.raises(kind, match=words):
        landed.read(connector.source(), resource)
    return landed


def live(desk: Desk, obj: str) -> set[str]:
    return {row["Id"] for row in desk.records("salesforce", obj)}


def same(landed: Landed, desk: Desk, obj: str) -> None:
    truth = {row["Id"]: row for row in desk.records("salesforce", obj)}
    assert {key for (key,) in landed.rows} == set(truth)
    for (key,), row in landed.rows.items():
        assert row == {name: truth[key].get(name) for name in row}


def lead(number: int) -> dict[str, Any]:
    stamp = f"2026-01-01T{number // 60:02d}:{number % 60:02d}:00.000+0000"
    return {"Id": f"00Q5e0000000{number:03d}", "LastName": f"L{number}", "SystemModstamp": stamp}


def asked(desk: Desk, before: int, part: str = "") -> list[str]:
    return [entry["path"] for entry in desk.requests("salesforce")[before:] if part in entry["path"]]


def org(sandbox: Sandbox) -> Any:
    return sandbox.house.fakes["salesforce"].org  # type: ignore[attr-defined]


# ---- paging ---------------------------------------------------------------------------------------------


def test_a_session_that_ends_in_mid_paging_is_minted_again(sandbox: Sandbox, desk: Desk) -> None:
    url = sandbox.base_url("salesforce")
    login = {"client_id": "app", "client_secret": "app-secret", "login_url": url, "base_url": None}
    connector = connect("salesforce", url, login)
    fault(desk, PAGES, nth=[3, 5], status=401, body=EXPIRED)
    before = len(desk.requests("salesforce"))
    same(land(connector, spec("salesforce", "Lead")), desk, "Lead")
    assert len(asked(desk, before, "/oauth2/token")) == 3
    fault(desk, PAGES, nth=1, status=401, body=EXPIRED)
    connector.close()
    given = connect("salesforce", url, {"access_token": "sandbox", "bulk_poll": "0s"})
    broken(given, spec("salesforce", "Lead"), AuthError, "INVALID_SESSION_ID")
    given.close()


def test_a_locator_that_is_over_goes_on_from_the_last_row(connector: Connector, desk: Desk) -> None:
    fault(desk, "/services/data/v67.0/query/01g*", nth=[2, 3], status=400, body=OVER)
    before = len(desk.requests("salesforce"))
    landed = land(connector, spec("salesforce", "Lead"))
    same(landed, desk, "Lead")
    assert landed.shown == len(landed.rows)
    queries = asked(desk, before, "ORDER")
    assert len(queries) == 3
    assert ["Id+%3E" in path or "Id%20%3E" in path for path in queries] == [False, True, True]


def test_locators_that_never_live_stop_the_read_and_the_next_goes_on(
    connector: Connector, desk: Desk
) -> None:
    resource = spec("salesforce", "Lead", {"via": "rest"})
    fault(desk, "/services/data/v67.0/query/01g*", status=400, body=OVER)
    desk.replace("salesforce", "Lead", [lead(number) for number in range(PAGE * 8)])
    landed = broken(connector, resource, Unavailable, "INVALID_QUERY_LOCATOR")
    assert len(landed.rows) == PAGE * (RESTARTS + 1)
    desk.faults()
    same(land(connector, resource, landed), desk, "Lead")


def test_the_days_requests_end_at_page_three_and_the_next_run_resumes(
    connector: Connector, desk: Desk
) -> None:
    resource = spec("salesforce", "Lead", {"via": "rest"})
    fault(desk, PAGES, nth=3, status=403, body=SPENT)
    landed = broken(connector, resource, RateLimited, "daily requests are spent: REQUEST_LIMIT_EXCEEDED")
    assert len(landed.rows) == 2 * PAGE
    desk.faults()
    first = set(landed.rows)
    twin = Landed(landed.schema, dict(landed.rows), landed.position)
    assert scopes(connector, resource, twin) == []
    land(connector, resource, landed)
    same(landed, desk, "Lead")
    assert landed.shown == len(landed.rows) - len(first)
    assert land(connector, resource, landed).shown == 0


def test_what_is_deleted_between_the_parts_of_a_load_is_no_row(connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "Lead", {"via": "rest"})
    fault(desk, PAGES, nth=3, status=403, body=SPENT)
    landed = broken(connector, resource, RateLimited, "spent")
    desk.faults()
    gone, edited = (key for (key,) in list(landed.rows)[:2])
    desk.remove("salesforce", "Lead", gone)
    desk.save("salesforce", "Lead", {"Id": edited, "Title": "edited"})
    same(land(connector, resource, landed), desk, "Lead")


@pytest.mark.parametrize(
    "rule",
    [
        {"status": 503, "body": [{"errorCode": "SERVER_UNAVAILABLE", "message": "down"}]},
        {"reset": True},
        {"status": 200, "headers": {"content-type": "application/json"}, "body": '{"records": [{"Id'},
        {
            "status": 403,
            "body": [
                {"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests Limit exceeded."}
            ],
        },
    ],
    ids=["503", "reset", "truncated JSON", "too many at one time"],
)
def test_a_passing_failure_on_a_later_page_loses_nothing(
    connector: Connector, desk: Desk, rule: dict[str, Any]
) -> None:
    fault(desk, PAGES, nth=[3, 4], **rule)
    same(land(connector, spec("salesforce", "Lead")), desk, "Lead")


def test_an_org_that_stays_down_says_so(connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "Lead", {"via": "rest"})
    fault(desk, "/services/data/v67.0/query/01g*", status=503, body="down")
    landed = broken(connector, resource, Unavailable, r"the vendor failed \(503\)")
    desk.faults()
    same(land(connector, resource, landed), desk, "Lead")


def test_a_record_without_id_stops_the_resource(connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "Lead", {"via": "rest"})
    body = {"totalSize": 1, "done": True, "records": [{"SystemModstamp": "2026-01-01T00:00:00.000+0000"}]}
    fault(desk, PAGES, status=200, body=body)
    landed = broken(connector, resource, Unavailable, "answered a Lead without Id")
    assert landed.rows == {}
    desk.faults()
    same(land(connector, resource, landed), desk, "Lead")


# ---- bulk jobs ------------------------------------------------------------------------------------------

CSV = {"content-type": "text/csv", "Sforce-Locator": "null", "Sforce-NumberOfRecords": "20"}


def test_a_result_with_fewer_rows_than_told_is_asked_for_again(connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "Account", {"via": "bulk"})
    short = '"Id","SystemModstamp"\n"0015e00000000001","2026-01-01T00:00:00.000Z"\n'
    fault(desk, RESULTS, nth=1, status=200, headers=CSV, body=short)
    same(land(connector, resource), desk, "Account")
    fault(desk, RESULTS, status=200, headers=CSV, body=short)
    landed = broken(connector, resource, Unavailable, "answered 1 of 20 rows")
    desk.faults()
    same(land(connector, resource, landed), desk, "Account")


def test_a_csv_that_is_none_is_not_taken(connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "Account", {"via": "bulk"})
    fault(desk, RESULTS, nth=1, status=200, headers={"content-type": "text/html"}, body="<html>busy</html>")
    same(land(connector, resource), desk, "Account")


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_that_fails_tells_why_and_the_next_run_makes_another(
    state: str, connector: Connector, desk: Desk, sandbox: Sandbox
) -> None:
    resource = spec("salesforce", "Account", {"via": "bulk"})
    body = {"id": "7505e0000000001AAA", "state": state, "errorMessage": "InvalidBatch : query timed out"}
    fault(desk, JOB, method="GET", status=200, body=body)
    landed = broken(
        connector, resource, Unavailable, f"Account: bulk job .* {state}: InvalidBatch : query timed out"
    )
    desk.faults()
    for job in sandbox.house.fakes["salesforce"].query_jobs.jobs.values():  # type: ignore[attr-defined]
        job.document["state"] = state
    assert scopes(connector, resource, Landed(landed.schema, {}, landed.position)) == [Scope()]
    same(land(connector, resource, landed), desk, "Account")


def test_a_job_that_takes_long_is_gone_on_with_by_the_next_run(sandbox: Sandbox, desk: Desk) -> None:
    url = sandbox.base_url("salesforce")
    connector = connect("salesforce", url, {"access_token": "sandbox", "bulk_wait": "0s"})
    resource = spec("salesforce", "Account", {"via": "bulk"})
    body = {"id": "7505e0000000001AAA", "state": "InProgress"}
    fault(desk, JOB, method="GET", status=200, body=body)
    landed = broken(connector, resource, Unavailable, "is InProgress after 0 s")
    connector.close()
    desk.faults()
    patient = connect("salesforce", url, {"access_token": "sandbox", "bulk_poll": "0s"})
    before, told = len(desk.requests("salesforce")), list[Event]()
    with listening(told.append):
        same(land(patient, resource, landed), desk, "Account")
    assert not [entry for entry in desk.requests("salesforce")[before:] if entry["method"] == "POST"]
    assert [event.reason for event in told if isinstance(event, Waiting)] == [
        "bulk job UploadComplete",
        "bulk job InProgress",
    ]
    patient.close()


def test_a_job_is_gone_on_with_at_its_locator(connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "Account", {"via": "bulk"})
    fault(desk, RESULTS, nth=2, status=403, body=SPENT)
    landed = broken(connector, resource, RateLimited, "spent")
    assert len(landed.rows) == PAGE
    desk.faults()
    before = len(desk.requests("salesforce"))
    same(land(connector, resource, landed), desk, "Account")
    assert landed.shown == len(landed.rows) - PAGE
    assert ["locator=L20" in path for path in asked(desk, before, "/results")] == [True]
    assert land(connector, resource, landed).shown == 0


def test_a_job_that_is_gone_is_made_again(connector: Connector, desk: Desk, sandbox: Sandbox) -> None:
    resource = spec("salesforce", "Account", {"via": "bulk"})
    fault(desk, RESULTS, nth=2, status=403, body=SPENT)
    landed = broken(connector, resource, RateLimited, "spent")
    desk.faults()
    sandbox.house.fakes["salesforce"].query_jobs.jobs.clear()  # type: ignore[attr-defined]
    same(land(connector, resource, landed), desk, "Account")


# ---- deletes, merges, times -----------------------------------------------------------------------------


@pytest.mark.parametrize("gap", ["20 days", "INVALID_REPLICATION_DATE", "EXCEEDED_ID_LIMIT"])
def test_a_gap_in_the_deleted_list_reads_all_again(
    gap: str, connector: Connector, desk: Desk, sandbox: Sandbox
) -> None:
    resource = spec("salesforce", "Contact", {"deleted_sweep": "1m"})
    landed = land(connector, resource)
    ago = timedelta(days=20) if gap == "20 days" else timedelta(days=2)
    landed.position = {**(landed.position or {}), "deleted": (datetime.now(UTC) - ago).isoformat()}
    if gap != "20 days":
        fault(desk, "*/deleted*", status=400, body=[{"errorCode": gap, "message": "no"}])
    victim = min(live(desk, "Contact"))
    org(sandbox).purge(org(sandbox).tables["Contact"], victim)
    told: list[Event] = []
    with listening(told.append):
        land(connector, resource, landed)
    assert (victim,) not in landed.rows
    same(landed, desk, "Contact")
    assert ["gap" in event.text for event in told if isinstance(event, Notice)] == [True]
    desk.faults()
    same(land(connector, resource, landed), desk, "Contact")
    assert land(connector, resource, landed).shown == 0


def test_a_sweep_that_was_not_whole_deletes_nothing_and_stays_owed(
    connector: Connector, desk: Desk, sandbox: Sandbox
) -> None:
    resource = spec("salesforce", "Lead", {"via": "rest"})
    landed = land(connector, resource)
    landed.position = {**(landed.position or {}), "owed": True}
    victim = min(live(desk, "Lead"))
    org(sandbox).purge(org(sandbox).tables["Lead"], victim)
    fault(desk, "/services/data/v67.0/query/01g*", nth=2, status=400, body=OVER)
    land(connector, resource, landed)
    assert (victim,) in landed.rows and (landed.position or {})["owed"] is True
    desk.faults()
    land(connector, resource, landed)
    same(landed, desk, "Lead")
    assert (landed.position or {})["owed"] is False


def test_a_load_of_another_condition_that_was_cut_owes_a_sweep(connector: Connector, desk: Desk) -> None:
    """What no longer meets it is removed by the first complete read, not by the part that goes on."""
    landed = land(connector, spec("salesforce", "Lead", {"via": "rest"}))
    narrow = spec("salesforce", "Lead", {"via": "rest", "where": "Email != null AND Phone = null"})
    fault(desk, PAGES, nth=2, status=403, body=SPENT)
    with pytest.raises(RateLimited):
        landed.read(connector.source(), narrow)
    desk.faults()
    land(connector, narrow, landed)
    assert {key for (key,) in landed.rows} == live(desk, "Lead")
    land(connector, narrow, landed)
    rows = desk.records("salesforce", "Lead")
    wanted = {row["Id"] for row in rows if row["Email"] and not row["Phone"]}
    assert PAGE < len(wanted) < len(rows)
    assert {key for (key,) in landed.rows} == wanted


def test_a_merge_names_the_record_that_took_over(connector: Connector, desk: Desk, sandbox: Sandbox) -> None:
    resource = spec("salesforce", "Contact", {"fields": ["Email"]})
    landed = land(connector, resource)
    table = org(sandbox).tables["Contact"]
    winner, loser, deleted = sorted(live(desk, "Contact"))[:3]
    org(sandbox).merge(table, table.rows[winner], table.rows[loser])
    desk.remove("salesforce", "Contact", deleted)
    pages = [part for part in parts(connector, resource, landed) if isinstance(part, Page)]
    dead = [page for page in pages if page.deleted]
    assert [(row["Id"]) for page in dead for row in page.rows] == sorted([loser, deleted])
    found = dict(zip([row["Id"] for row in dead[0].rows], dead[0].merged_into or (), strict=True))
    assert found == {loser: winner, deleted: None}
    assert [row["Id"] for page in pages if not page.deleted for row in page.rows] == [winner]
    land(connector, resource, landed)
    same(landed, desk, "Contact")
    assert land(connector, resource, landed).shown == 0


def test_a_record_that_is_restored_comes_back(connector: Connector, desk: Desk, sandbox: Sandbox) -> None:
    """Within one second, too, where its stamp does not move."""
    resource = spec("salesforce", "Contact", {"deleted_sweep": "0s"})
    landed = land(connector, resource)
    key, table = min(live(desk, "Contact")), org(sandbox).tables["Contact"]
    versions = []
    for step in (org(sandbox).delete, org(sandbox).undelete):
        step(table, table.rows[key])
        found = [part for part in parts(connector, resource, landed) if isinstance(part, Page)]
        versions += [str((page.versions or [""])[0]) for page in found]
        land(connector, resource, landed)
    assert (key,) in landed.rows
    assert versions == sorted(set(versions)) and len(versions) == 2
    same(landed, desk, "Contact")
    assert land(connector, resource, landed).shown == 0


def test_a_delete_and_a_restore_between_two_runs_are_one_change(
    connector: Connector, desk: Desk, sandbox: Sandbox
) -> None:
    resource = spec("salesforce", "Contact", {"deleted_sweep": "0s"})
    landed = land(connector, resource)
    key, table = min(live(desk, "Contact")), org(sandbox).tables["Contact"]
    for step in (org(sandbox).delete, org(sandbox).undelete):
        step(table, table.rows[key])
    assert land(connector, resource, landed).shown == 1
    same(landed, desk, "Contact")


def test_a_stamp_in_the_future_does_not_carry_the_cursor_away(connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "Contact")
    first, second = sorted(live(desk, "Contact"))[:2]
    ahead = "2099-01-01T00:00:00.000+0000"
    desk.save("salesforce", "Contact", {"Id": first, "SystemModstamp": ahead, "Title": "ahead"})
    landed = land(connector, resource)
    assert (landed.position or {})["since"] < "2090"
    before = landed.position
    assert land(connector, resource, landed).shown == 0 and landed.position == before
    desk.save("salesforce", "Contact", {"Id": second, "Title": "edited"})
    assert land(connector, resource, landed).shown == 1
    same(landed, desk, "Contact")


# ---- fields ---------------------------------------------------------------------------------------------


def test_a_field_that_vanishes_between_runs_is_left_out(connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "Lead")
    landed = land(connector, resource)
    assert "Rating" in landed.schema.names()
    desk.remove("salesforce", "Lead.fields", "Rating")
    landed.schema = connector.source().schema(resource)
    assert "Rating" not in landed.schema.names()
    land(connector, resource, landed)
    assert {key for (key,) in landed.rows} == live(desk, "Lead")
    with pytest.raises(FatalError, match="reads no field 'Rating'"):
        connector.source().schema(spec("salesforce", "Lead", {"fields": ["Rating"]}))


def test_a_field_that_vanishes_during_a_run_ends_it_with_the_reason(connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "Lead", {"via": "rest"})
    landed = Landed(connector.source().schema(resource))
    desk.remove("salesforce", "Lead.fields", "Rating")
    with pytest.raises(VendorRefused, match="INVALID_FIELD: No such column 'Rating' on entity 'Lead'"):
        landed.read(connector.source(), resource)
    landed.schema = connector.source().schema(resource)
    land(connector, resource, landed)
    assert {key for (key,) in landed.rows} == live(desk, "Lead")
