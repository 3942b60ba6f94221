"""Meta's custom audiences: who comes in, who is taken out, and what became of each row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tailrace.connectors.meta_ads.graph import TokenRefused
from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.http import Lost
from tailrace.connectors.sdk.writing import Destination
from tailrace.errors import FatalError, RateLimited, Unavailable, VendorRefused
from tailrace.events import Event, listening
from tailrace.sandbox.meta_ads.audiences import Habits
from tailrace.sandbox.server import Sandbox
from tests.conformance.meta_ads_writing import (
    AUDIENCE,
    LOGIN,
    OTHER,
    USERS,
    emails,
    row,
    send,
    sha,
    users,
)
from tests.conformance.vendors import Desk, connect

ROUTE = f"/v26.0/{AUDIENCE}/users"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=20, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect("meta_ads", sandbox.base_url("meta_ads"), LOGIN)
    yield connector
    connector.close()


@pytest.fixture
def destination(connector: Connector) -> Destination:
    return connector.destination()


def habits(sandbox: Sandbox) -> Habits:
    return sandbox.house.fakes["meta_ads"].audiences.habits  # type: ignore[attr-defined,no-any-return]


def outcomes(results: list[Any]) -> list[str]:
    return [result.outcome for result in results]


def people(count: int) -> list[Any]:
    return [row(f"p{number}@tailrace.example") for number in range(count)]


def test_ten_thousand_are_one_request_and_come_in_once(destination: Destination, desk: Desk) -> None:
    sent = len(desk.requests("meta_ads"))
    results = send(destination, "upsert", *people(10_000))
    assert outcomes(results) == ["acked"] * 10_000
    assert [result.trace for result in results] == [each.trace for each in people(10_000)]
    assert len(desk.requests("meta_ads")) - sent == 1
    assert emails(desk) == {sha(f"p{number}@tailrace.example") for number in range(10_000)}
    assert set(desk.writes("meta_ads", USERS).values()) == {1}
    assert emails(desk, OTHER) == set()


def test_a_smaller_batch_is_more_requests(destination: Destination, desk: Desk) -> None:
    sent = len(desk.requests("meta_ads"))
    assert outcomes(send(destination, "upsert", *people(25), batch=10)) == ["acked"] * 25
    assert len(desk.requests("meta_ads")) - sent == 3


def test_who_leaves_is_taken_out_and_nobody_else(destination: Destination, desk: Desk) -> None:
    send(destination, "upsert", *people(4))
    assert (
        outcomes(send(destination, "archive", *people(2), row("never-there@tailrace.example")))
        == ["acked"] * 3
    )
    assert emails(desk) == {sha("p2@tailrace.example"), sha("p3@tailrace.example")}


def test_a_changed_identity_leaves_and_comes_in(destination: Destination, desk: Desk) -> None:
    send(destination, "upsert", row("old@tailrace.example"))
    moved = row("New@Tailrace.example", previous_key=" OLD@tailrace.example")
    assert outcomes(send(destination, "upsert", moved)) == ["acked"]
    assert emails(desk) == {sha("new@tailrace.example")}


def test_two_who_swap_stay_both(destination: Destination, desk: Desk) -> None:
    send(destination, "upsert", row("a@tailrace.example"), row("b@tailrace.example"))
    rows = (
        row("b@tailrace.example", previous_key="a@tailrace.example"),
        row("a@tailrace.example", previous_key="b@tailrace.example"),
    )
    sent = len(desk.requests("meta_ads"))
    assert outcomes(send(destination, "upsert", *rows)) == ["acked", "acked"]
    assert emails(desk) == {sha("a@tailrace.example"), sha("b@tailrace.example")}
    # nobody leaves: Meta works off additions and removals in its own time
    assert [each["method"] for each in desk.requests("meta_ads")[sent:]] == ["POST"]


def test_identifiers_are_spelled_as_meta_asks_and_hashed(destination: Destination, desk: Desk) -> None:
    born = date(1969, 7, 4)
    values = {
        "PHONE": "0049 (0) 30 / 1234-567", "FN": " Jürgen ", "LN": "O'Neil Smith", "CT": "São Paulo", "ST": "CA",
        "ZIP": "94035-1234", "COUNTRY": "de", "GEN": "Female", "DOBY": born, "DOBM": born, "DOBD": 4,
        "MADID": "AECE52E7-03EE-455A-B3C4-E57283966239", "EXTERN_ID": '=HYPERLINK("x")\n🎉 9007199254740993',
    }  # fmt: skip
    bare = row("b@tailrace.example", FN=None, LN="", EXTERN_ID=9007199254740993)
    assert outcomes(send(destination, "upsert", row(" Jane@Tailrace.Example ", **values), bare)) == [
        "acked",
        "acked",
    ]
    found = {each["EMAIL"]: each for each in users(desk).values()}
    assert found[sha("jane@tailrace.example")] == {
        "EMAIL": sha("jane@tailrace.example"),
        "PHONE": sha("490301234567"),
        "FN": sha("jürgen"),
        "LN": sha("oneilsmith"),
        "CT": sha("sãopaulo"),
        "ST": sha("ca"),
        "ZIP": sha("94035"),
        "COUNTRY": sha("de"),
        "GEN": sha("f"),
        "DOBY": sha("1969"),
        "DOBM": sha("07"),
        "DOBD": sha("04"),
        "MADID": "aece52e7-03ee-455a-b3c4-e57283966239",
        "EXTERN_ID": values["EXTERN_ID"],
    }
    assert found[sha("b@tailrace.example")] == {
        "EMAIL": sha("b@tailrace.example"),
        "EXTERN_ID": "9007199254740993",
    }


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("EMAIL", "nobody", "no e-mail address"),
        ("PHONE", "call me", "no phone number"),
        ("COUNTRY", "Germany", "two letters"),
        ("GEN", "x", "neither m nor f"),
        ("DOBM", 13, "from 1 to 12"),
        ("DOBY", "69", "from 1900"),
        ("DOBD", date, "type"),
        ("PHONE", True, "true or false"),
    ],
)
def test_a_value_that_can_be_nobodys_is_a_dead_row(
    destination: Destination, desk: Desk, name: str, value: Any, why: str
) -> None:
    bad = row(value) if name == "EMAIL" else row("bad@tailrace.example", **{name: value})
    results = send(destination, "upsert", row("a@tailrace.example"), bad, row("c@tailrace.example"))
    assert outcomes(results) == ["acked", "dead", "acked"]
    assert results[1].field == name and why in (results[1].reason or "")
    assert emails(desk) == {sha("a@tailrace.example"), sha("c@tailrace.example")}


def test_hashed_values_go_as_they_are_and_others_are_refused(destination: Destination, desk: Desk) -> None:
    rows = (row(sha("a@tailrace.example").upper()), row("b@tailrace.example"))
    results = send(destination, "upsert", *rows, hashed=True)
    assert [(each.outcome, each.field) for each in results] == [("acked", None), ("dead", "EMAIL")]
    assert emails(desk) == {sha("a@tailrace.example")}
    # without the option a text that looks like a hash is no e-mail: it is not guessed
    assert outcomes(send(destination, "upsert", row(sha("a@tailrace.example")))) == ["dead"]


def test_madid_is_hashed_on_request(destination: Destination, desk: Desk) -> None:
    results = send(destination, "upsert", row("AECE52E7"), match="MADID", hash_madid=True)
    assert outcomes(results) == ["acked"]
    assert {"MADID": sha("aece52e7")} in users(desk).values()


@pytest.mark.parametrize("samples", [0, 1, 5])
@pytest.mark.parametrize("received", [True, False])
def test_entries_that_meta_calls_invalid_are_found(
    destination: Destination, sandbox: Sandbox, desk: Desk, samples: int, received: bool
) -> None:
    """By the samples where they name all of them, else by halves; nobody else's outcome is touched."""
    habits(sandbox).samples, habits(sandbox).invalid_are_received = samples, received
    refused = {"keys": ["p3@tailrace.example", "p11@tailrace.example"]}
    desk.faults({"vendor": "meta_ads", "route": ROUTE, "row_error": refused})
    sent = len(desk.requests("meta_ads"))
    results = send(destination, "upsert", *people(16))
    assert [result.trace for result in results if result.outcome == "dead"] == [
        "p3@tailrace.example",
        "p11@tailrace.example",
    ]
    assert outcomes(results).count("acked") == 14
    assert {result.reason for result in results if result.outcome == "dead"} == {
        "Meta calls the entry invalid"
    }
    assert emails(desk) == {
        sha(f"p{number}@tailrace.example") for number in range(16) if number not in (3, 11)
    }
    # all are named; each half has one, which is named; by halves: 1 + 2 + 4 + 4 + 4
    assert len(desk.requests("meta_ads")) - sent == {5: 1, 1: 3, 0: 15}[samples]


def test_an_id_like_a_number_is_not_looked_for_in_samples(
    destination: Destination, sandbox: Sandbox, desk: Desk
) -> None:
    """A sample of 12 would name 1, too, and as two are invalid, 5 would pass for taken."""
    habits(sandbox).samples = 1
    desk.faults({"vendor": "meta_ads", "route": ROUTE, "row_error": {"keys": ["12", "5"]}})
    results = send(destination, "upsert", *(row(key) for key in ("12", "1", "5", "9")), match="EXTERN_ID")
    assert outcomes(results) == ["dead", "acked", "dead", "acked"]
    assert {each["EXTERN_ID"] for each in users(desk).values() if "EXTERN_ID" in each} == {"1", "9"}


def test_entries_that_all_are_invalid_are_one_request(destination: Destination, desk: Desk) -> None:
    refused = {"keys": [f"p{number}@tailrace.example" for number in range(8)]}
    desk.faults({"vendor": "meta_ads", "route": ROUTE, "row_error": refused})
    sent = len(desk.requests("meta_ads"))
    assert outcomes(send(destination, "upsert", *people(8))) == ["dead"] * 8
    assert len(desk.requests("meta_ads")) - sent == 1


@pytest.mark.parametrize("body", ["{}", '{"num_received": 0, "num_invalid_entries": 0}', "[]"])
def test_no_word_about_a_row_is_unknown(destination: Destination, desk: Desk, body: str) -> None:
    answer = {"status": 200, "headers": {"content-type": "application/json"}, "body": body}
    desk.faults({"vendor": "meta_ads", "route": ROUTE, **answer})
    assert outcomes(send(destination, "upsert", *people(3))) == ["unknown"] * 3


@pytest.mark.parametrize("operation", ["upsert", "archive"])
def test_a_lost_answer_is_sent_again(destination: Destination, desk: Desk, operation: Any) -> None:
    send(destination, "upsert", *people(2))
    desk.faults({"vendor": "meta_ads", "route": ROUTE, "nth": 1, "lost_answer": True})
    assert outcomes(send(destination, operation, *people(2))) == ["acked", "acked"]
    assert len(emails(desk)) == (2 if operation == "upsert" else 0)


def test_an_error_after_a_part_was_taken_is_the_other_parts_outcome(
    destination: Destination, desk: Desk
) -> None:
    error = {"error": {"message": "No permission", "code": 200}}
    json_type = {"content-type": "application/json"}
    desk.faults(
        {"vendor": "meta_ads", "route": ROUTE, "nth": 2, "status": 400, "headers": json_type, "body": error}
    )
    results = send(destination, "upsert", *people(5), batch=2)
    assert outcomes(results) == ["acked", "acked", "unknown", "unknown", "unknown"]
    assert "No permission" in (results[2].reason or "")


JSON = {"content-type": "application/json"}
INVALID = {"status": 400, "headers": JSON, "body": {"error": {"message": "Invalid parameter", "code": 100}}}
TOO_MUCH = {
    "status": 500,
    "headers": JSON,
    "body": {"error": {"message": "Please reduce the amount of data", "code": 1, "error_subcode": 99}},
}


def test_an_entry_for_which_meta_refuses_all_is_found_by_halves(destination: Destination, desk: Desk) -> None:
    # 4, 2 and 1 are refused, 1 and 2 are taken
    desk.faults({"vendor": "meta_ads", "route": ROUTE, "nth": [1, 2, 3], **INVALID})
    results = send(destination, "upsert", *people(4))
    assert outcomes(results) == ["dead", "acked", "acked", "acked"]
    assert "Invalid parameter" in (results[0].reason or "")
    assert emails(desk) == {sha(f"p{number}@tailrace.example") for number in (1, 2, 3)}


def test_what_meta_refuses_of_everybody_is_no_rows_fault(destination: Destination, desk: Desk) -> None:
    desk.faults({"vendor": "meta_ads", "route": ROUTE, **INVALID})
    with pytest.raises(VendorRefused, match="Invalid parameter"):
        send(destination, "upsert", *people(3))
    sent = len(desk.requests("meta_ads"))
    with pytest.raises(VendorRefused, match="splits"):
        send(destination, "upsert", *people(1000), splits=5)
    assert len(desk.requests("meta_ads")) - sent == 6


def test_splits_that_are_spent_leave_rows_unknown(destination: Destination, desk: Desk) -> None:
    desk.faults({"vendor": "meta_ads", "route": ROUTE, "nth": [2, 3], **INVALID})
    results = send(destination, "upsert", *people(8), batch=4, splits=1)
    assert outcomes(results) == ["acked"] * 4 + ["unknown"] * 4


def test_too_much_at_once_is_sent_in_halves(destination: Destination, desk: Desk) -> None:
    desk.faults({"vendor": "meta_ads", "route": ROUTE, "nth": [1, 2], **TOO_MUCH})
    assert outcomes(send(destination, "upsert", *people(8), splits=0)) == ["acked"] * 8
    assert len(emails(desk)) == 8


def moving(destination: Destination, desk: Desk, *faults: dict[str, Any]) -> Any:
    """Who was old becomes new beside a neighbour, while something is wrong."""
    send(destination, "upsert", row("old@tailrace.example"))
    desk.faults(*({"vendor": "meta_ads", "route": ROUTE, **fault} for fault in faults))
    rows = (row("new@tailrace.example", previous_key="old@tailrace.example"), row("b@tailrace.example"))
    return send(destination, "upsert", *rows)


def test_who_cannot_come_in_as_new_stays_as_old(destination: Destination, desk: Desk) -> None:
    results = moving(destination, desk, {"row_error": {"keys": ["new@tailrace.example"]}})
    assert outcomes(results) == ["dead", "acked"]
    assert emails(desk) == {sha("old@tailrace.example"), sha("b@tailrace.example")}


@pytest.mark.parametrize(
    "body", ["{}", {"num_received": 1, "num_invalid_entries": 1}], ids=["none", "invalid"]
)
def test_a_former_identity_that_stays_is_told(destination: Destination, desk: Desk, body: Any) -> None:
    fault = {"method": "DELETE", "status": 200, "headers": JSON, "body": body}
    results = moving(destination, desk, fault)
    assert outcomes(results) == ["unknown" if body == "{}" else "dead", "acked"]
    assert "who it was before is still there" in (results[0].reason or "")
    assert sha("old@tailrace.example") in emails(desk)


def test_a_removal_that_is_refused_costs_the_others_nothing(destination: Destination, desk: Desk) -> None:
    results = moving(destination, desk, {"method": "DELETE", **INVALID})
    assert outcomes(results) == ["dead", "acked"]
    assert "Invalid parameter" in (results[0].reason or "")
    results = moving(
        destination, desk, {"method": "DELETE", **INVALID, "body": {"error": {"message": "No", "code": 200}}}
    )
    assert outcomes(results) == ["unknown", "acked"]


def test_who_keeps_another_identifier_is_in_after_the_old_one_went_out(
    destination: Destination, desk: Desk
) -> None:
    """Meta knows both for one person, so taking out the old one takes out the person."""
    send(destination, "upsert", row("old@tailrace.example", PHONE="+4915112345678"))
    moved = row("new@tailrace.example", previous_key="old@tailrace.example", PHONE="+4915112345678")
    assert outcomes(send(destination, "upsert", moved)) == ["acked"]
    assert emails(desk) == {sha("new@tailrace.example")}


def test_a_refused_row_holds_nobodys_former_identity(destination: Destination, desk: Desk) -> None:
    """c would become what a was and is refused: a is nobody now, and goes out."""
    send(destination, "upsert", row("a@tailrace.example"), row("c@tailrace.example"))
    rows = (
        row("b@tailrace.example", previous_key="a@tailrace.example"),
        row("a@tailrace.example", previous_key="c@tailrace.example"),
    )
    desk.faults(
        {"vendor": "meta_ads", "route": ROUTE, "nth": 1, "row_error": {"keys": ["a@tailrace.example"]}}
    )
    assert outcomes(send(destination, "upsert", *rows)) == ["acked", "dead"]
    assert emails(desk) == {sha("b@tailrace.example"), sha("c@tailrace.example")}


@pytest.mark.parametrize(
    ("value", "bare", "digits"),
    [
        ("+1 (212) 555-2671", False, "12125552671"),
        ("001 212 555 2671", False, "12125552671"),
        ("0212 555 2671", False, None),
        ("212 555 2671", False, None),
        (4915112345678, False, None),
        ("+0212 555 2671", False, None),
        ("+1 212 555 2671 ext 3", False, None),
        (4915112345678, True, "4915112345678"),
        ("+4915112345678", True, "4915112345678"),
        ("0212 555 2671", True, None),
    ],
)
def test_a_phone_without_a_country_code_is_nobodys(
    destination: Destination, desk: Desk, value: Any, bare: bool, digits: str | None
) -> None:
    (result,) = send(destination, "upsert", row(value), match="PHONE", bare_phones=bare)
    held = {each["PHONE"] for each in users(desk).values() if "PHONE" in each}
    if digits is None:
        assert (result.outcome, result.field, held) == ("dead", "PHONE", set())
    else:
        assert (result.outcome, held) == ("acked", {sha(digits)})


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [("NOPE", "1", "none of Meta's"), ("EXTERN_ID", "\ud83d", "half a"), ("EXTERN_ID", float("nan"), "nan")],
)
def test_what_no_request_can_carry_is_a_dead_row(
    destination: Destination, desk: Desk, name: str, value: Any, why: str
) -> None:
    (result,) = send(destination, "upsert", row("a@tailrace.example", **{name: value}))
    assert (result.outcome, result.field) == ("dead", name)
    assert why in (result.reason or "")


def test_terms_that_are_not_accepted_stop_with_the_fix(
    destination: Destination, sandbox: Sandbox, desk: Desk
) -> None:
    habits(sandbox).terms_accepted = False
    with pytest.raises(FatalError, match="terms of custom audiences") as caught:
        send(destination, "upsert", *people(2))
    assert "customaudiences/app/tos" in caught.value.fix
    assert emails(desk) == set()


@pytest.mark.parametrize(
    ("error", "kind", "fix"),
    [
        ({"code": 200, "error_subcode": 1870090}, FatalError, "accept them"),
        ({"code": 100, "error_subcode": 1713230}, FatalError, "appeal"),
        ({"code": 2650}, FatalError, "customer-file audience"),
        ({"code": 190}, TokenRefused, "new token"),
    ],
)
def test_what_a_person_has_to_do_is_said(
    destination: Destination, desk: Desk, error: dict[str, Any], kind: type[FatalError], fix: str
) -> None:
    answer = {"status": 400, "headers": {"content-type": "application/json"}}
    body = {"error": {"message": "Told", **error}}
    desk.faults({"vendor": "meta_ads", "route": ROUTE, **answer, "body": body})
    with pytest.raises(kind, match="Told") as caught:
        send(destination, "upsert", *people(2))
    assert fix in caught.value.fix


def test_an_unknown_audience_stops(destination: Destination) -> None:
    with pytest.raises(VendorRefused) as caught:
        send(destination, "upsert", *people(1), audience="999")
    assert "check the id" in caught.value.fix


@pytest.mark.parametrize("code", [80003, 613])
def test_throttles_are_waited_for(sandbox: Sandbox, desk: Desk, code: int) -> None:
    connector = connect("meta_ads", sandbox.base_url("meta_ads"), {**LOGIN, "max_wait": "5s"})
    answer = {"status": 400, "headers": {"content-type": "application/json"}}
    body = {"error": {"message": "Too many calls", "code": code}}
    desk.faults({"vendor": "meta_ads", "route": ROUTE, "nth": [1, 2, 3], **answer, "body": body})
    assert outcomes(send(connector.destination(), "upsert", *people(2))) == ["acked", "acked"]
    assert set(desk.writes("meta_ads", USERS).values()) == {1}
    minutes = '{"1": [{"type": "custom_audience", "estimated_time_to_regain_access": 90}]}'
    answer["headers"] = {**answer["headers"], "x-business-use-case-usage": minutes}  # type: ignore[dict-item]
    desk.faults({"vendor": "meta_ads", "route": ROUTE, **answer, "body": body})
    with pytest.raises(RateLimited):
        send(connector.destination(), "upsert", *people(2))
    connector.close()


def test_a_vendor_that_is_down_is_no_lost_answer() -> None:
    connector = connect("meta_ads", "http://127.0.0.1:9", LOGIN)
    with pytest.raises(Unavailable) as caught:
        send(connector.destination(), "upsert", *people(1))
    assert not isinstance(caught.value, Lost)
    connector.close()


def test_nothing_is_read_back_and_no_address_leaves(destination: Destination, desk: Desk) -> None:
    events: list[Event] = []
    with listening(events.append):
        send(destination, "upsert", row("jane@tailrace.example", FN="Jane"))
    assert "jane" not in str(events).lower()
    requests = str(desk.requests("meta_ads")[-1]).lower()
    assert "jane@" not in requests
    assert destination.fields("custom_audience") == {}
    assert destination.read_fields("custom_audience", "EMAIL", ["jane@tailrace.example"], []) == {}


def test_who_may_be_somebody_elses_now_is_not_taken_out(destination: Destination, desk: Desk) -> None:
    """c may have become what a was: nothing came back. Taking a out could take c out."""
    send(destination, "upsert", row("a@tailrace.example"), row("c@tailrace.example"))
    silent = {"method": "POST", "nth": 2, "status": 200, "headers": JSON, "body": "{}"}
    desk.faults({"vendor": "meta_ads", "route": ROUTE, **silent})
    rows = (
        row("b@tailrace.example", previous_key="a@tailrace.example"),
        row("a@tailrace.example", previous_key="c@tailrace.example"),
    )
    results = send(destination, "upsert", *rows, batch=1)
    assert outcomes(results) == ["unknown", "unknown"]
    assert "who it was before" in (results[0].reason or "")
    assert sha("a@tailrace.example") in emails(desk)
    assert outcomes(send(destination, "upsert", *rows, batch=1)) == ["acked", "acked"]
    assert emails(desk) == {sha("a@tailrace.example"), sha("b@tailrace.example")}
