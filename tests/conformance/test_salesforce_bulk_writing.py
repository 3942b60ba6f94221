"""Salesforce's destination by Bulk 2.0 ingest jobs: each row's outcome by its key, whatever happens to the job."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tailrace.connectors.salesforce import destination as destination_module
from tailrace.connectors.salesforce import ingest, jobs
from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.http import Lost
from tailrace.connectors.sdk.writing import (
    Destination,
    Operation,
    WriteBatch,
    WriteResult,
    WriteRow,
)
from tailrace.errors import RetriableError, Unavailable, VendorRefused
from tailrace.sandbox.server import Sandbox
from tests.conformance.vendors import Desk, connect

LOGIN = {"access_token": "sandbox", "bulk_poll": "0s"}
JOBS = "/services/data/v67.0/jobs/ingest"
CSV = {"content-type": "text/csv; charset=UTF-8"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=120, limits=False) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def small_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destination_module, "BULK_FROM", 1)


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect("salesforce", sandbox.base_url("salesforce"), LOGIN)
    yield connector
    connector.close()


@pytest.fixture
def destination(connector: Connector) -> Destination:
    return connector.destination()


def send(
    destination: Destination, operation: Operation, *values: dict[str, Any], match: str | None = "Ext__c"
) -> list[WriteResult]:
    rows = tuple(_row(number, dict(row), match) for number, row in enumerate(values))
    return destination.write(WriteBatch("Contact", operation, match, rows, bulk=True))


def _row(number: int, values: dict[str, Any], match: str | None) -> WriteRow:
    key = None if match is None else values.pop(match)
    remote_id = values.pop("Id", None)
    return WriteRow(str(number), key, values, remote_id)


def fault(desk: Desk, route: str = "*", **rule: Any) -> dict[str, Any]:
    return {"vendor": "salesforce", "route": f"{JOBS}{route}", **rule}


def stored(desk: Desk) -> dict[str, dict[str, Any]]:
    return {row["Ext__c"]: row for row in desk.records("salesforce", "Contact") if row["Ext__c"]}


def new(number: int, **values: Any) -> dict[str, Any]:
    return {"Ext__c": f"b{number}", "LastName": f"Row {number}", **values}


def outcomes(results: list[WriteResult]) -> list[str]:
    return [one.outcome for one in results]


def test_many_rows_are_one_job(destination: Destination, desk: Desk) -> None:
    before = len(desk.requests("salesforce"))
    results = send(destination, "upsert", *(new(number) for number in range(3000)))
    made = [(one["method"], one["path"].rpartition("/")[2]) for one in desk.requests("salesforce")[before:]]
    assert [method for method, _ in made].count("PUT") == 1
    assert sum(one["rows_written"] for one in desk.requests("salesforce")[before:]) == 3000
    assert len(made) == 10, "jobs at work, describe; made, filled, started, seen three times, two files"
    found = stored(desk)
    assert [(one.trace, one.outcome, one.remote_id) for one in results] == [
        (str(number), "acked", found[f"b{number}"]["Id"]) for number in range(3000)
    ]


def test_fewer_rows_than_a_job_is_worth_go_by_collections(
    destination: Destination, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a large delivery, and rows that are tried again."""
    monkeypatch.setattr(destination_module, "BULK_FROM", 4)
    before = len(desk.requests("salesforce", "/batches"))
    assert set(outcomes(send(destination, "upsert", *(new(number) for number in range(3))))) == {"acked"}
    assert len(desk.requests("salesforce", "/batches")) == before
    assert set(outcomes(send(destination, "upsert", *(new(number) for number in range(4))))) == {"acked"}
    assert len(desk.requests("salesforce", "/batches")) == before + 1


def test_each_row_has_its_own_outcome(destination: Destination, desk: Desk) -> None:
    errors = {
        "keys": ["b3"],
        "category": "UNABLE_TO_LOCK_ROW",
        "message": "unable to obtain: exclusive, access",
    }
    desk.faults(fault(desk, "/*", method="PATCH", row_error=errors))
    results = send(
        destination, "upsert",
        new(0), new(1, Email="broken"), new(2, Title="x" * 129), new(3), new(4, LastName=None), new(5),
    )  # fmt: skip
    assert outcomes(results) == ["acked", "dead", "dead", "later", "dead", "acked"]
    assert [one.field for one in results] == [None, "Email", "Title", None, "LastName", None]
    assert results[1].reason == "INVALID_EMAIL_ADDRESS: Email: invalid email address: broken"
    assert results[3].reason == "UNABLE_TO_LOCK_ROW: unable to obtain: exclusive, access"
    assert {key for key in stored(desk) if key.startswith("b")} == {"b0", "b5"}


def test_update_clear_and_archive_go_by_id(destination: Destination, desk: Desk) -> None:
    send(destination, "upsert", *(new(number, Title="t") for number in range(4)))
    ids = [stored(desk)[f"b{number}"]["Id"] for number in range(4)]
    gone = ids[3]
    desk.remove("salesforce", "Contact", gone)
    by_key = send(destination, "update", new(0, Title="a"), {"Ext__c": "nobody", "Title": "b"})
    assert outcomes(by_key) == ["acked", "unmatched"]
    by_id = send(
        destination, "update", *({"Id": key, "Title": "i"} for key in (ids[1][:15], gone)), match=None
    )
    assert [(one.outcome, one.remote_id) for one in by_id] == [("acked", ids[1]), ("unmatched", gone)]
    assert outcomes(send(destination, "clear", {"Ext__c": "b2", "Title": None})) == ["acked"]
    found = stored(desk)
    assert [found[f"b{number}"]["Title"] for number in range(3)] == ["a", "i", None]
    assert found["b2"]["LastName"] == "Row 2", "what is not sent stays"
    results = send(destination, "archive", *({"Id": key} for key in (*ids[:2], gone)), match=None)
    assert outcomes(results) == ["acked", "acked", "acked"]
    assert {key for key in stored(desk) if key.startswith("b")} == {"b2"}


@pytest.mark.parametrize(
    "text",
    ["=HYPERLINK(1)", 'say "hi", you', "two\nlines", "two\r\nlines", "  edges  ", "\U0001f600 ü", "#n/a", "'", "0012", "9007199254740993"],
)  # fmt: skip
def test_a_text_arrives_as_it_is(text: str, destination: Destination, desk: Desk) -> None:
    assert (
        outcomes(send(destination, "upsert", new(0, Title=text), new(1, Description=text))) == ["acked"] * 2
    )
    assert (stored(desk)["b0"]["Title"], stored(desk)["b1"]["Description"]) == (text, text)


def test_what_a_csv_cannot_hold_goes_by_collections(destination: Destination, desk: Desk) -> None:
    before = len(desk.requests("salesforce"))
    results = send(destination, "upsert", new(0, Title="#N/A"), new(1, Title=None), new(2, Title=""))
    assert outcomes(results) == ["acked"] * 3
    written = [
        (one["path"].split("/")[4], one["rows_written"]) for one in desk.requests("salesforce")[before:]
    ]
    assert [one for one in written if one[1]] == [("jobs", 2), ("composite", 1)]
    assert [stored(desk)[f"b{number}"]["Title"] for number in range(3)] == ["#N/A", None, None]


def test_only_the_small_part_is_unknown_when_it_breaks_off(destination: Destination, desk: Desk) -> None:
    desk.faults({"vendor": "salesforce", "route": "*/composite/*", "status": 404, "body": []})
    assert outcomes(send(destination, "upsert", new(0, Title="#N/A"), new(1))) == ["unknown", "acked"]


def test_a_file_that_is_too_large_is_several_jobs(
    destination: Destination, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "LARGEST", 2000)
    values = [new(number, Title="x" * 100) for number in range(30)]
    assert set(outcomes(send(destination, "upsert", *values))) == {"acked"}
    uploads = [one for one in desk.requests("salesforce", "/batches") if one["method"] == "PUT"]
    assert len(uploads) >= 2
    assert sum(desk.writes("salesforce", "Contact").values()) == 30
    # the second job is refused: what the first one wrote is told
    desk.faults(fault(desk, "", method="POST", nth=2, status=404, body=[]))
    again = outcomes(send(destination, "upsert", *values))
    assert again[0] == "acked" and "unknown" in again and set(again) == {"acked", "unknown"}


# ---- new records ------------------------------------------------------------------------------------------


def test_new_records_go_by_job_only_where_salesforce_prevents_twins(
    destination: Destination, desk: Desk
) -> None:
    before = len(desk.requests("salesforce"))
    assert outcomes(send(destination, "create", new(0), new(1))) == ["acked", "acked"]
    email = [{"Email": f"n{number}@x.example", "LastName": "New"} for number in range(3)]
    assert outcomes(send(destination, "create", *email, match="Email")) == ["acked"] * 3
    assert outcomes(send(destination, "create", {"LastName": "Nobody"}, match=None)) == ["acked"]
    written = [
        (one["path"].split("/")[4], one["rows_written"]) for one in desk.requests("salesforce")[before:]
    ]
    assert [one for one in written if one[1]] == [("jobs", 2), ("composite", 3), ("composite", 1)]
    again = send(destination, "create", new(0), new(2))
    assert outcomes(again) == ["dead", "acked"]
    assert again[0].remote_id == stored(desk)["b0"]["Id"]


# ---- jobs that end otherwise --------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["JobFailed", "JobAborted"])
def test_a_job_that_ends_in_the_middle_leaves_the_rest_for_later(
    ending: str, destination: Destination, desk: Desk
) -> None:
    error = {"keys": ["b2"], "category": ending, "message": "Too many batches"}
    desk.faults(fault(desk, "/*", method="PATCH", row_error=error))
    results = send(destination, "upsert", new(0), new(1, Email="broken"), new(2), new(3))
    assert outcomes(results) == ["acked", "dead", "later", "later"]
    assert "Too many batches" in (results[2].reason or "")
    desk.faults()
    assert outcomes(send(destination, "upsert", new(2), new(3))) == ["acked", "acked"]
    writes = desk.writes("salesforce", "Contact")
    assert {key: writes[row["Id"]] for key, row in stored(desk).items() if key[0] == "b"} == {
        "b0": 1,
        "b2": 1,
        "b3": 1,
    }


def test_a_job_that_fails_before_its_first_row_says_why(destination: Destination, desk: Desk) -> None:
    with pytest.raises(
        VendorRefused, match=r"failed before its first row: InvalidBatch : Field name not found : Nope__c"
    ):
        send(destination, "upsert", new(0, Nope__c="x"), new(1, Nope__c="y"))
    error = {"keys": ["b0"], "category": "JobFailed", "message": "InternalServerError"}
    desk.faults(fault(desk, "/*", method="PATCH", row_error=error))
    with pytest.raises(Unavailable, match="InternalServerError") as caught:
        send(destination, "upsert", new(0), new(1))
    assert not isinstance(caught.value, Lost)
    assert "b0" not in stored(desk)


def test_a_complete_job_without_results_is_no_word(destination: Destination, desk: Desk) -> None:
    desk.faults(*(fault(desk, f"/*/{name}/", status=200, headers=CSV, body='"sf__Id","Ext__c"\n')
                  for name in ("successfulResults", "failedResults")))  # fmt: skip
    before = len(desk.requests("salesforce"))
    results = send(destination, "upsert", new(0), new(1))
    assert outcomes(results) == ["unknown", "unknown"]
    assert "says nothing of this row" in (results[0].reason or "")
    assert len([one for one in desk.requests("salesforce")[before:] if "Results" in one["path"]]) == 6


def test_a_file_that_was_cut_short_is_asked_for_again(destination: Destination, desk: Desk) -> None:
    cut = {
        "status": 200,
        "headers": CSV,
        "body": '"sf__Id","sf__Created","Ext__c"\n"0035e00000AAAAA","true","b',
    }
    desk.faults(fault(desk, "/*/successfulResults/", nth=1, **cut))
    assert outcomes(send(destination, "upsert", new(0), new(1))) == ["acked", "acked"]


def test_rows_that_nobody_sent_are_not_believed(destination: Destination, desk: Desk) -> None:
    other = '"sf__Id","sf__Created","Ext__c"\n"0035e00000AAAAA","true","b9"\n"0035e00000AAAAB","true","B1"\n'
    desk.faults(fault(desk, "/*/successfulResults/", status=200, headers=CSV, body=other))
    results = send(destination, "upsert", new(0), new(1))
    assert [(one.outcome, one.remote_id) for one in results] == [
        ("unknown", None),
        ("acked", "0035e00000AAAAB"),
    ]


@pytest.mark.parametrize(
    ("method", "route"), [("POST", ""), ("PUT", "/*/batches"), ("PATCH", "/*"), ("GET", "/*"), ("GET", "/*/*Results/")]
)  # fmt: skip
def test_a_lost_answer_doubles_nothing(method: str, route: str, destination: Destination, desk: Desk) -> None:
    desk.faults(fault(desk, route, method=method, nth=1, lost_answer=True))
    assert outcomes(send(destination, "create", new(0), new(1))) == ["acked", "acked"]
    writes = desk.writes("salesforce", "Contact")
    assert {key: writes[row["Id"]] for key, row in stored(desk).items() if key[0] == "b"} == {
        "b0": 1,
        "b1": 1,
    }


def test_an_upload_that_never_arrives_writes_nothing(destination: Destination, desk: Desk) -> None:
    desk.faults(fault(desk, "/*/batches", status=502))
    with pytest.raises(Unavailable) as caught:
        send(destination, "create", new(0))
    assert not isinstance(caught.value, Lost), "nothing was set to work"
    desk.faults()
    assert "b0" not in stored(desk)
    assert _jobs(desk) == ["Aborted"] * ingest.ATTEMPTS


def _jobs(desk: Desk) -> list[str]:
    """The states of the org's ingest jobs."""
    fake: Any = desk.sandbox.house.fakes["salesforce"]
    return [job.state for job in fake.ingest_jobs.jobs.values()]


def test_a_job_that_is_refused_at_its_start_is_said(destination: Destination, desk: Desk) -> None:
    body = [{"errorCode": "API_ERROR", "message": "no"}]
    desk.faults(fault(desk, "/*", method="PATCH", status=400, body=body))
    with pytest.raises(VendorRefused, match="API_ERROR: no"):
        send(destination, "upsert", new(0))


def test_a_job_that_takes_too_long_is_aborted_and_settled(sandbox: Sandbox, desk: Desk) -> None:
    url = sandbox.base_url("salesforce")
    connector = connect("salesforce", url, {**LOGIN, "bulk_poll": "1s", "bulk_wait": "0s"})
    error = {"keys": ["b1"], "category": "JobAborted", "message": ""}
    desk.faults(fault(desk, "/*", method="PATCH", row_error=error))
    results = send(connector.destination(), "upsert", new(0), new(1))
    assert outcomes(results) == ["acked", "later"]
    assert _jobs(desk) == ["Aborted"]
    never = {"id": "7505e0000000001AAA", "state": "InProgress"}
    desk.faults(fault(desk, "/750*AAA", method="GET", status=200, body=never))
    with pytest.raises(Lost, match="is InProgress after 0 s"):
        send(connector.destination(), "upsert", new(2))
    connector.close()


def test_who_ends_the_process_ends_its_job(
    destination: Destination, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the main thread: what the job wrote is settled, the rest is for the next run."""
    error = {"keys": ["b1"], "category": "JobAborted", "message": ""}
    desk.faults(fault(desk, "/*", method="PATCH", row_error=error))
    monkeypatch.setattr(jobs.interrupts, "asked", lambda: True)
    jobs.rest(60)
    assert outcomes(send(destination, "upsert", new(0), new(1))) == ["acked", "later"]
    assert _jobs(desk) == ["Aborted"]


def test_a_job_of_an_earlier_run_is_waited_for(sandbox: Sandbox, desk: Desk) -> None:
    """A run that was killed behind its UploadComplete: its values must not come after those of the next."""
    url = sandbox.base_url("salesforce")
    first = connect("salesforce", url, LOGIN)
    desk.faults(fault(desk, "/750*AAA", method="GET", status=500))
    with pytest.raises(RetriableError):
        send(hasty(first).destination(), "upsert", new(0, Title="old"))
    first.close()
    desk.faults()
    second = connect("salesforce", url, LOGIN)
    assert _jobs(desk) == ["UploadComplete"]
    before = len(desk.requests("salesforce"))
    assert outcomes(send(second.destination(), "upsert", new(0, Title="new"))) == ["acked"]
    paths = [
        (one["method"], one["path"].split("?")[0].rpartition("/")[2])
        for one in desk.requests("salesforce")[before:]
    ]
    assert paths[:4] == [("GET", "ingest")] + [("GET", "7505f0000000001AAA")] * 3
    assert stored(desk)["b0"]["Title"] == "new"
    lists_none = fault(desk, "", method="GET", status=404, body=[])
    desk.faults(lists_none)
    assert outcomes(send(second.destination(), "upsert", new(0, Title="newer"))) == ["acked"]
    second.close()


def hasty(connector: Any) -> Connector:
    """The connector with little patience."""
    connector._api.http.attempts, connector._api.http.first_wait = 2, 0.0
    found: Connector = connector
    return found


@pytest.mark.parametrize(
    ("method", "route"),
    [("POST", ""), ("PUT", "/*/batches"), ("PATCH", "/*"), ("GET", "/*"), ("GET", "/*/*Results/")],
)
def test_a_session_that_ends_in_mid_job_is_renewed(
    method: str, route: str, sandbox: Sandbox, desk: Desk
) -> None:
    url = sandbox.base_url("salesforce")
    login = {"client_id": "app", "client_secret": "app-secret", "login_url": url, "bulk_poll": "0s"}
    connector = connect("salesforce", url, login)
    over = [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]
    desk.faults(fault(desk, route, method=method, nth=2 if method == "GET" else 1, status=401, body=over))
    minted = len(desk.requests("salesforce", "oauth2/token"))
    assert outcomes(send(connector.destination(), "create", new(0), new(1))) == ["acked", "acked"]
    assert len(desk.requests("salesforce", "oauth2/token")) - minted == 2
    connector.close()


# ---- a storm ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bulk_from", [1, 1000])
@pytest.mark.parametrize("seed", range(4))
def test_a_storm_ends_with_every_row_once(
    seed: int, bulk_from: int, sandbox: Sandbox, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost answers, failures, locks and ended jobs on every route; rows are sent again as the outcomes say, creates after a look."""
    monkeypatch.setattr(destination_module, "BULK_FROM", bulk_from)
    rng = random.Random(seed)
    connector = hasty(connect("salesforce", sandbox.base_url("salesforce"), LOGIN))
    destination = connector.destination()
    locked = [f"b{number}" for number in rng.sample(range(60), 12)]
    broken = {f"b{number}" for number in rng.sample(range(60), 5)}
    busy = {"keys": locked, "category": "UNABLE_TO_LOCK_ROW", "message": "busy"}
    failed = {"keys": locked[:1], "category": "JobFailed", "message": "InternalServerError"}
    desk.faults(
        *(
            {"vendor": "salesforce", "route": f"/services/data/v67.0/{route}", **rule}
            for route in ("jobs/ingest*", "composite/*", "query*")
            for rule in (
                {"probability": 0.08, "seed": seed, "lost_answer": True},
                {"probability": 0.08, "seed": seed + 1, "status": 503, "body": "[]"},
            )
        ),
        fault(desk, "/*", method="PATCH", nth=[2, 5], row_error=busy),
        fault(desk, "/*", method="PATCH", nth=[3], row_error=failed),
        {"vendor": "salesforce", "route": "*/composite/*", "nth": [1, 3], "row_error": busy},
    )
    pending = {
        f"b{number}": new(number, **({"Email": "x"} if f"b{number}" in broken else {}))
        for number in range(60)
    }
    dead: set[str] = set()
    for _ in range(40):
        if not pending:
            break
        try:
            there = destination.read_fields("Contact", "Ext__c", list(pending), [])
            pending = {key: row for key, row in pending.items() if key not in there}
            keys = list(pending)
            results = send(destination, "create", *pending.values()) if pending else []
        except RetriableError:
            continue
        for key, one in zip(keys, results, strict=True):
            if one.outcome in ("acked", "dead"):
                del pending[key]
            if one.outcome == "dead":
                dead.add(key)
    assert not pending
    found = {key: row for key, row in stored(desk).items() if key[0] == "b"}
    writes = desk.writes("salesforce", "Contact")
    assert dead == broken
    assert set(found) == {f"b{number}" for number in range(60)} - broken
    assert {writes[row["Id"]] for row in found.values()} == {1}
    connector.close()
