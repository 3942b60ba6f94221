"""Members of Google's audiences: who is in after each batch, whatever Google says of it and when."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.http import Lost
from tailrace.connectors.sdk.writing import (
    Operation,
    WriteBatch,
    WriteResult,
    WriteRow,
)
from tailrace.errors import AuthError, FatalError, RateLimited, Unavailable, VendorRefused
from tailrace.sandbox.google_data_manager import GoogleDataManager
from tailrace.sandbox.server import Sandbox
from tests.conformance.hooks import MEMBERS, google, with_options
from tests.conformance.vendors import Desk, FreeLimiter

OBJECT = "audience_members"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=1, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def twin(sandbox: Sandbox) -> Iterator[GoogleDataManager]:
    twin = sandbox.house.fakes["google_data_manager"]
    assert isinstance(twin, GoogleDataManager)
    twin.looks, twin.names_rows = 1, True
    yield twin
    twin.looks, twin.names_rows = 1, True


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    desk.reset()
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = google(sandbox)
    yield connector
    connector.close()


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def mail(number: int) -> str:
    return f"person-{number}@tailrace.example"


def write(
    connector: Connector, rows: list[WriteRow], operation: Operation = "upsert", **options: Any
) -> list[WriteResult]:
    batch = WriteBatch(OBJECT, operation, "email", tuple(rows))
    return connector.destination().write(with_options("google_data_manager", batch, **{**MEMBERS, **options}))


def rows(number: int, **values: Any) -> list[WriteRow]:
    return [WriteRow(str(n), mail(n), values) for n in range(number)]


def inside(desk: Desk) -> set[str]:
    """Hashes of the e-mails of who is in the audience."""
    found = desk.records("google_data_manager", OBJECT)
    return {
        one["emailAddress"] for record in found for one in record["userIdentifiers"] if "emailAddress" in one
    }


def asked(desk: Desk, part: str = "audienceMembers") -> int:
    return len(desk.requests("google_data_manager", part))


def outcomes(results: list[WriteResult]) -> list[str]:
    return [result.outcome for result in results]


def refuse(desk: Desk, *numbers: int, category: str = "DENIED_CONSENT") -> None:
    fault = {"keys": [mail(number) for number in numbers], "category": category}
    desk.faults({"vendor": "google_data_manager", "route": "*", "row_error": fault})


def test_a_full_batch_is_one_request_and_its_looks(connector: Connector, desk: Desk) -> None:
    before = asked(desk), asked(desk, "requestStatus")
    results = write(connector, rows(10_000))
    assert outcomes(results) == ["acked"] * 10_000
    assert [result.trace for result in results] == [str(number) for number in range(10_000)]
    assert (asked(desk) - before[0], asked(desk, "requestStatus") - before[1]) == (1, 2)
    assert inside(desk) == {hashed(mail(number)) for number in range(10_000)}


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_values_are_brought_into_googles_form_and_hashed(
    connector: Connector, desk: Desk, encoding: str
) -> None:
    values = {
        "phone": "+49 (89) 123-45 67",
        "given_name": " Zoë-Anne ",
        "family_name": "O'NEIL jr.",
        "region_code": "de",
        "postal_code": " 80331 ",
    }
    row = WriteRow("a", " Jane.Doe+news@GMail.com", values)
    assert outcomes(write(connector, [row], encoding=encoding)) == ["acked"]
    (record,) = desk.records("google_data_manager", OBJECT)
    assert record["userIdentifiers"] == [
        {"emailAddress": hashed("janedoe@gmail.com")},
        {"phoneNumber": hashed("+49891234567")},
        {
            "address": {
                "givenName": hashed("zoëanne"),
                "familyName": hashed("oneil jr"),
                "regionCode": "DE",
                "postalCode": "80331",
            }
        },
    ]
    assert record["consent"] == {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_DENIED"}


def test_nothing_plain_leaves_the_house(connector: Connector, desk: Desk, sandbox: Sandbox) -> None:
    write(connector, [WriteRow("a", "jane@tailrace.example", {"given_name": "Jane", "phone": "+4989123456"})])
    write(connector, [WriteRow("a", "jane@tailrace.example", {})], "archive")
    kept = str(desk.records("google_data_manager", OBJECT)) + str(desk.requests("google_data_manager"))
    assert "jane" not in kept.lower()
    assert "4989" not in kept


@pytest.mark.parametrize(
    ("key", "values", "field"),
    [
        ("nobody", {}, "email"),
        ("@x.example", {}, "email"),
        ("a@b@c.example", {}, "email"),
        ("+@gmail.com", {}, "email"),
        (None, {}, "email"),
        ("a@b.example", {"phone": "089 1234567"}, "phone"),
        ("a@b.example", {"phone": "+49 89 CALL ME"}, "phone"),
        ("a@b.example", {"phone": "+" + "1" * 16}, "phone"),
        (
            "a@b.example",
            dict(given_name="a", family_name="b", region_code="Germany", postal_code="1"),
            "region_code",
        ),
        (
            "a@b.example",
            dict(given_name="!", family_name="b", region_code="DE", postal_code="1"),
            "given_name",
        ),
    ],
)
def test_a_row_that_is_nobody_is_dead_and_its_neighbours_go_in(
    connector: Connector, desk: Desk, key: str | None, values: dict[str, Any], field: str
) -> None:
    results = write(connector, [WriteRow("a", key, values), *rows(2)])
    assert [(one.outcome, one.field) for one in results] == [
        ("dead", field),
        ("acked", None),
        ("acked", None),
    ]
    assert str(key) not in (results[0].reason or "")
    assert inside(desk) == {hashed(mail(0)), hashed(mail(1))}


def test_an_archived_row_goes_out_by_its_key_alone(connector: Connector, desk: Desk) -> None:
    write(connector, rows(3))
    assert outcomes(
        write(connector, [WriteRow("a", mail(1), {}), WriteRow("b", "who@x.example", {})], "archive")
    ) == [
        "acked",
        "acked",
    ]
    assert hashed(mail(1)) not in inside(desk)


def test_a_changed_key_takes_the_former_identity_out(connector: Connector, desk: Desk) -> None:
    write(connector, rows(2))
    moved = [
        WriteRow("0", mail(7), {}, previous_key=mail(0)),
        WriteRow("1", mail(0), {}, previous_key=mail(1)),
    ]
    assert outcomes(write(connector, moved)) == ["acked", "acked"]
    # 0 became 7 and 1 became what 0 was: nobody who is in now may be taken out
    assert inside(desk) == {hashed(mail(7)), hashed(mail(0))}


def test_a_former_identity_that_stays_is_told(connector: Connector, desk: Desk) -> None:
    write(connector, rows(1))
    refuse(desk, 0)
    (result,) = write(connector, [WriteRow("0", mail(7), {}, previous_key=mail(0))])
    assert result.outcome == "dead"
    assert "who it was before is still there" in (result.reason or "")


@pytest.mark.parametrize("names_rows", [True, False])
@pytest.mark.parametrize("bad", [(3,), (0, 99), (10, 11, 12, 50)])
def test_refused_rows_are_found_whether_google_names_them_or_not(
    connector: Connector, desk: Desk, twin: GoogleDataManager, bad: tuple[int, ...], names_rows: bool
) -> None:
    twin.names_rows = names_rows
    refuse(desk, *bad)
    before = asked(desk)
    results = write(connector, rows(100))
    assert {n for n, one in enumerate(results) if one.outcome == "dead"} == set(bad)
    assert outcomes(results).count("acked") == 100 - len(bad)
    assert all("denied consent" in (results[number].reason or "") for number in bad)
    assert inside(desk) == {hashed(mail(number)) for number in range(100) if number not in bad}
    if names_rows:
        assert asked(desk) - before == 2


def test_places_that_do_not_prove_right_are_not_believed(
    connector: Connector, desk: Desk, twin: GoogleDataManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Google's schema names `recordIndices` and not what they count from."""
    right = twin._counted

    def from_one(refused: dict[int, Any]) -> list[dict[str, Any]]:
        return [
            {**one, "recordIndices": [place + 1 for place in one["recordIndices"]]} for one in right(refused)
        ]

    monkeypatch.setattr(twin, "_counted", from_one)
    refuse(desk, 3)
    results = write(connector, rows(16))
    assert [n for n, one in enumerate(results) if one.outcome == "dead"] == [3]
    assert outcomes(results).count("acked") == 15


def test_what_the_requests_do_not_find_is_unknown_and_found_by_later_runs(
    connector: Connector, desk: Desk, twin: GoogleDataManager
) -> None:
    twin.names_rows = False
    refuse(desk, 5)
    left, runs, dead = rows(64), 0, []
    while left:
        results = {one.trace: one for one in write(connector, left, splits=2)}
        dead += [trace for trace, one in results.items() if one.outcome == "dead"]
        left = [row for row in left if results[row.trace].outcome == "unknown"]
        runs += 1
        assert runs < 8
    assert dead == ["5"]


def test_all_refused_is_all_dead_with_googles_reason(connector: Connector, desk: Desk) -> None:
    refuse(desk, 0, 1, 2)
    results = write(connector, rows(3))
    assert [(one.outcome, one.reason) for one in results] == [
        ("dead", "Google refuses it: denied consent")
    ] * 3


def test_a_malformed_member_is_out_and_the_rest_is_sent_again(connector: Connector, desk: Desk) -> None:
    """Google refuses such a request whole, and names the member."""
    field = "audience_members.audience_members[1].user_data.user_identifiers[0].email_address"
    violation = {"field": field, "description": "not a hash", "reason": "INVALID_SHA256_FORMAT"}
    desk.faults({"vendor": "google_data_manager", "route": "*ingest", "nth": 1, **bad_request(violation)})
    results = write(connector, rows(3))
    assert [(one.outcome, one.reason) for one in results] == [
        ("acked", None),
        ("dead", "Google refuses it: not a hash"),
        ("acked", None),
    ]


def bad_request(*violations: dict[str, str]) -> dict[str, Any]:
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": list(violations)}
    error = {
        "code": 400,
        "message": "There was a problem.",
        "status": "INVALID_ARGUMENT",
        "details": [detail],
    }
    return {"status": 400, "body": {"error": error}}


def test_a_request_that_is_wrong_as_a_whole_costs_no_row(connector: Connector, desk: Desk) -> None:
    violation = {"field": "destinations[0]", "description": "no such audience"}
    desk.faults({"vendor": "google_data_manager", "route": "*ingest", **bad_request(violation)})
    before = asked(desk)
    with pytest.raises(VendorRefused, match=r"no such audience.*operating_account"):
        write(connector, rows(50))
    assert asked(desk) - before == 1


def test_a_refusal_without_a_place_ends_within_the_requests_allowed(connector: Connector, desk: Desk) -> None:
    desk.faults({"vendor": "google_data_manager", "route": "*ingest", **bad_request()})
    before = asked(desk)
    with pytest.raises(VendorRefused, match="splits"):
        write(connector, rows(10_000), splits=5)
    assert asked(desk) - before <= 6


def test_google_that_does_not_come_to_an_end_leaves_rows_unknown(
    sandbox: Sandbox, desk: Desk, twin: GoogleDataManager
) -> None:
    twin.looks = 1_000
    with closing(google(sandbox, poll_wait="0.02s")) as connector:
        results = write(connector, rows(2))
        assert outcomes(results) == ["unknown", "unknown"]
        assert "still works on request" in (results[0].reason or "")
        assert outcomes(write(connector, rows(2), confirm=False)) == ["acked", "acked"]


def test_a_status_that_names_no_destination_is_waited_for(connector: Connector, desk: Desk) -> None:
    desk.faults({"vendor": "google_data_manager", "route": "*retrieve", "nth": 1, "status": 200, "body": {}})
    assert outcomes(write(connector, rows(1))) == ["acked"]


def test_a_lost_answer_is_sent_again_and_makes_nobody_twice(connector: Connector, desk: Desk) -> None:
    desk.faults({"vendor": "google_data_manager", "route": "*ingest", "nth": 1, "lost_answer": True})
    assert outcomes(write(connector, rows(2))) == ["acked", "acked"]
    assert len(desk.records("google_data_manager", OBJECT)) == 2
    assert set(desk.writes("google_data_manager", OBJECT).values()) == {2}


def test_an_answer_without_a_request_is_no_word(connector: Connector, desk: Desk) -> None:
    desk.faults({"vendor": "google_data_manager", "route": "*ingest", "status": 200, "body": {}})
    assert outcomes(write(connector, rows(1))) == ["unknown"]


def test_a_minutes_quota_is_waited_for_and_a_days_is_not(sandbox: Sandbox, desk: Desk) -> None:
    def exhausted(limit: str) -> dict[str, Any]:
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "metadata": {"quota_limit": limit}}
        error = {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED", "details": [info]}
        return {
            "vendor": "google_data_manager",
            "route": "*ingest",
            "nth": 1,
            "status": 429,
            "body": {"error": error},
        }

    limiter = FreeLimiter()
    with closing(
        google(sandbox, limiter=limiter, rate_limit={"requests": 300, "seconds": 0.05})
    ) as connector:
        desk.faults(exhausted("DefaultRequestsPerMinutePerProject"))
        assert outcomes(write(connector, rows(1))) == ["acked"]
        assert limiter.blocked == [(0.05, "")]
        desk.faults(exhausted("DefaultRequestsPerDayPerProject"))
        with pytest.raises(RateLimited, match="daily"):
            write(connector, rows(1))


def test_wrong_credentials_stop(sandbox: Sandbox, desk: Desk) -> None:
    with (
        closing(google(sandbox, access_token="not-this-one")) as connector,
        pytest.raises(AuthError) as caught,
    ):
        write(connector, rows(1))
    assert "not-this-one" not in str(caught.value)


def test_an_oauth_client_logs_in(sandbox: Sandbox, desk: Desk) -> None:
    oauth = {"client_id": "a", "client_secret": "b", "refresh_token": "c", "access_token": None}
    token_url = sandbox.base_url("google_data_manager") + "/token"
    with closing(google(sandbox, **oauth, token_url=token_url)) as connector:
        assert outcomes(write(connector, rows(1))) == ["acked"]


def test_google_that_is_down_is_no_lost_answer(sandbox: Sandbox) -> None:
    with (
        closing(google(sandbox, base_url="http://127.0.0.1:9")) as connector,
        pytest.raises(Unavailable) as caught,
    ):
        write(connector, rows(1))
    assert not isinstance(caught.value, Lost)


def test_the_account_is_the_operating_one(sandbox: Sandbox, connector: Connector, desk: Desk) -> None:
    assert connector.account() == "1234567890"
    with closing(google(sandbox, account_type="DATA_PARTNER")) as partner:
        assert partner.account() == "DATA_PARTNER/1234567890"
    assert connector.is_sandbox()
    with pytest.raises(FatalError, match="google_ads"):
        connector.source()


def test_doctor_looks_and_changes_nothing(connector: Connector, desk: Desk) -> None:
    assert [finding.level for finding in connector.examine()] == ["ok"]
    desk.faults(
        {
            "vendor": "google_data_manager",
            "route": "*userLists",
            "status": 403,
            "body": {"error": {"message": "no"}},
        }
    )
    assert [finding.level for finding in connector.examine()] == ["warning"]
    assert desk.writes("google_data_manager", OBJECT) == {}


def test_each_refused_row_has_its_own_reason(connector: Connector, desk: Desk) -> None:
    def fault(number: int, category: str) -> dict[str, Any]:
        error = {"keys": [mail(number)], "category": category}
        return {"vendor": "google_data_manager", "route": "*", "row_error": error}

    desk.faults(fault(1, "NO_CONSENT"), fault(2, "INVALID_FORMAT"))
    reasons = [result.reason for result in write(connector, rows(4))]
    assert reasons == [None, "Google refuses it: no consent", "Google refuses it: invalid format", None]


def failing(desk: Desk, word: str, *reasons: str) -> None:
    """The first status says so, the later ones are the twin's own."""
    errors = [{"reason": f"PROCESSING_ERROR_REASON_{reason}", "recordCount": "1"} for reason in reasons]
    status = {"requestStatus": word, **({"errorInfo": {"errorCounts": errors}} if errors else {})}
    desk.faults(
        {
            "vendor": "google_data_manager",
            "route": "*retrieve",
            "nth": 1,
            "status": 200,
            "body": {"requestStatusPerDestination": [status]},
        }
    )


@pytest.mark.parametrize(
    ("reasons", "outcome"),
    [
        (("INTERNAL_ERROR",), "later"),
        (("DESTINATION_TOO_RECENTLY_CREATED",), "later"),
        (("UNSPECIFIED",), "later"),
        ((), "later"),
        (("INVALID_FORMAT", "INTERNAL_ERROR"), "later"),
        (("INVALID_FORMAT", "NO_CONSENT"), "dead"),
    ],
)
def test_what_is_no_rows_fault_is_sent_again(
    connector: Connector, desk: Desk, reasons: tuple[str, ...], outcome: str
) -> None:
    failing(desk, "FAILED", *reasons)
    assert outcomes(write(connector, rows(3))) == [outcome] * 3


@pytest.mark.parametrize("names_rows", [True, False])
def test_a_members_internal_error_is_for_later(
    connector: Connector, desk: Desk, twin: GoogleDataManager, names_rows: bool
) -> None:
    twin.names_rows = names_rows
    refuse(desk, 2, category="INTERNAL_ERROR")
    assert outcomes(write(connector, rows(4))) == ["acked", "acked", "later", "acked"]


def test_terms_that_are_not_signed_stop(connector: Connector, desk: Desk) -> None:
    failing(desk, "FAILED", "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED")
    with pytest.raises(VendorRefused, match="terms not signed"):
        write(connector, rows(2))


def test_a_success_that_counts_errors_is_none_of_all(connector: Connector, desk: Desk) -> None:
    failing(desk, "SUCCESS", "INVALID_FORMAT")
    # one of two is counted, and the first one passes alone
    assert outcomes(write(connector, rows(2))) == ["acked", "dead"]


def test_who_keeps_another_identifier_is_in_after_the_old_one_went_out(
    connector: Connector, desk: Desk
) -> None:
    """Google knows both for one person, so taking out the old one takes out the person."""
    phone = {"phone": "+4915112345678"}
    write(connector, [WriteRow("0", mail(0), phone)])
    assert outcomes(write(connector, [WriteRow("0", mail(7), phone, previous_key=mail(0))])) == ["acked"]
    assert inside(desk) == {hashed(mail(7))}


def test_a_refused_row_holds_nobodys_former_identity(connector: Connector, desk: Desk) -> None:
    """2 would become what 0 was and is refused: 0 is nobody now, and goes out."""
    write(connector, [WriteRow("0", mail(0), {}), WriteRow("2", mail(2), {})])
    moved = [
        WriteRow("0", mail(7), {}, previous_key=mail(0)),
        WriteRow("2", mail(0), {"phone": "none"}, previous_key=mail(2)),
    ]
    assert outcomes(write(connector, moved)) == ["acked", "dead"]
    assert inside(desk) == {hashed(mail(7)), hashed(mail(2))}


def test_half_a_character_is_a_dead_row(connector: Connector, desk: Desk) -> None:
    results = write(connector, [WriteRow("a", "\ud83d@x.example", {}), *rows(1)])
    assert [(one.outcome, one.field) for one in results] == [("dead", "email"), ("acked", None)]


@pytest.mark.parametrize("operation", ["upsert", "archive"])
def test_an_audience_that_is_not_there_stops(connector: Connector, desk: Desk, operation: Operation) -> None:
    with pytest.raises(VendorRefused, match="destination is not valid"):
        write(connector, rows(2), operation, audience="9999")
    assert desk.records("google_data_manager", OBJECT) == []


def test_who_may_be_somebody_elses_now_is_not_taken_out(
    connector: Connector, desk: Desk, twin: GoogleDataManager
) -> None:
    """2 may yet become what 0 was: taking 0 out could take 2 out."""
    twin.names_rows = False
    write(connector, [WriteRow("0", mail(0), {}), WriteRow("2", mail(2), {})])
    moved = [
        WriteRow("0", mail(7), {}, previous_key=mail(0)),
        WriteRow("2", mail(0), {}, previous_key=mail(2)),
    ]
    refuse(desk, 0, category="INTERNAL_ERROR")
    results = write(connector, moved)
    assert outcomes(results) == ["unknown", "later"]
    assert "who it was before" in (results[0].reason or "")
    assert hashed(mail(0)) in inside(desk)
    desk.faults()
    assert outcomes(write(connector, moved)) == ["acked", "acked"]
    assert inside(desk) == {hashed(mail(0)), hashed(mail(7))}
