"""Fault rules: parsed strictly, fired by count, by chance or always."""

from __future__ import annotations

import http.client
import time

import pytest

from sandbox.talk import ask
from tailrace.sandbox import Sandbox
from tailrace.sandbox.faults import FaultBook, FaultError, parse_rules

VENDORS = ("hubspot", "ga4")
ANY = "/crm/v3/objects/contacts"


def book(*rules):
    return FaultBook(parse_rules(list(rules), VENDORS))


def fires(faults, count, vendor="hubspot", method="GET", path=ANY):
    return [bool(faults.fired_by(vendor, method, path)) for _ in range(count)]


def test_nth_counts_matching_requests_from_one():
    faults = book({"vendor": "hubspot", "nth": [2, 4], "status": 500})
    assert fires(faults, 2, vendor="ga4") == [False, False]
    assert fires(faults, 5) == [False, True, False, True, False]


def test_a_rule_with_neither_nth_nor_probability_always_fires_up_to_times():
    assert fires(book({"vendor": "*", "delay": 0}), 3) == [True] * 3
    assert fires(book({"vendor": "hubspot", "delay": 0, "times": 2}), 4) == [True, True, False, False]


def test_probability_is_the_rules_own_and_repeatable():
    rule = {"vendor": "hubspot", "probability": 0.3, "seed": 11, "reset": True}
    first, second = fires(book(rule), 200), fires(book(rule), 200)
    assert first == second
    assert 30 < sum(first) < 90
    assert fires(book({**rule, "seed": 12}), 200) != first
    mixed = book({"vendor": "*", "probability": 0.5, "reset": True}, rule)
    together = [any(r.seed == 11 for r in mixed.fired_by("hubspot", "GET", ANY)) for _ in range(200)]
    assert together == first


def test_routes_are_globs_behind_the_prefix_and_methods_narrow_them():
    faults = book({"vendor": "hubspot", "route": "*/batch/*", "method": "POST", "status": 500})
    assert fires(faults, 1, method="POST", path="/crm/v3/objects/contacts/batch/update") == [True]
    assert fires(faults, 1, method="GET", path="/crm/v3/objects/contacts/batch/update") == [False]
    assert fires(faults, 1, method="POST") == [False]


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"status": 500}, "vendor is missing"),
        ({"vendor": "hubspott", "status": 500}, "unknown vendor 'hubspott'"),
        ({"vendor": "hubspot"}, "exactly one of"),
        ({"vendor": "hubspot", "status": 500, "delay": 1}, "found status, delay"),
        ({"vendor": "hubspot", "nht": 1, "status": 500}, "did you mean 'nth'"),
        ({"vendor": "hubspot", "nth": 0, "status": 500}, "nth must be"),
        ({"vendor": "hubspot", "nth": [], "status": 500}, "nth must be"),
        ({"vendor": "hubspot", "nth": 1, "probability": 0.5, "status": 500}, "exclude each other"),
        ({"vendor": "hubspot", "probability": 2, "status": 500}, "probability must be"),
        ({"vendor": "hubspot", "status": 99}, "status must be"),
        ({"vendor": "hubspot", "status": "500"}, "status must be"),
        ({"vendor": "hubspot", "delay": -1}, "delay must be"),
        ({"vendor": "hubspot", "lost_answer": False}, "lost_answer must be true"),
        ({"vendor": "hubspot", "body": {}, "delay": 1}, "body goes with status"),
        ({"vendor": "hubspot", "status": 500, "headers": {"a": 1}}, "headers must be"),
        ({"vendor": "hubspot", "row_error": {"category": "X"}}, "row_error needs keys"),
        ({"vendor": "hubspot", "row_error": {"keys": ["1"], "kategory": "X"}}, "no key 'kategory'"),
        ("reset", "not a JSON object"),
    ],
)
def test_a_bad_rule_is_named(rule, complaint):
    with pytest.raises(FaultError) as caught:
        parse_rules([{"vendor": "ga4", "delay": 0}, rule], VENDORS)
    assert str(caught.value).startswith("rule 1: ")
    assert complaint in str(caught.value)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox.start(contacts=20, limits=False) as running:
        yield running


@pytest.fixture
def fault(sandbox):
    def put(*rules):
        assert ask(sandbox.url, "PUT", "/_sandbox/faults", list(rules)).status == 200

    yield put
    put()
    sandbox.house.reset()


def contact_ids(sandbox):
    return [record["id"] for record in ask(sandbox.url, "GET", "/_sandbox/records/hubspot/contacts").json()]


def update(sandbox, keys, **extra):
    inputs = [{"id": key, "properties": {"lead_score": "9"}, **extra} for key in keys]
    return ask(sandbox.url, "POST", "/hubspot/crm/v3/objects/contacts/batch/update", {"inputs": inputs})


def last_entry(sandbox):
    return ask(sandbox.url, "GET", "/_sandbox/requests?vendor=hubspot").json()[-1]


def test_a_scripted_answer_takes_the_place_of_the_vendors(sandbox, fault):
    fault(
        {
            "vendor": "hubspot",
            "status": 503,
            "headers": {"Retry-After": "7"},
            "body": {"message": "later"},
            "nth": 1,
        }
    )
    answer = update(sandbox, contact_ids(sandbox)[:1])
    assert (answer.status, answer.headers["retry-after"], answer.json()) == (503, "7", {"message": "later"})
    assert ask(sandbox.url, "GET", "/_sandbox/writes/hubspot/contacts").json() == {}
    entry = last_entry(sandbox)
    assert (entry["status"], entry["fault"], entry["rows_written"]) == (503, "status", 0)
    assert update(sandbox, contact_ids(sandbox)[:1]).status == 200


def test_a_text_body_is_sent_as_it_is(sandbox, fault):
    fault({"vendor": "hubspot", "status": 502, "body": "<html>Bad gateway</html>"})
    answer = update(sandbox, contact_ids(sandbox)[:1])
    assert (answer.status, answer.body) == (502, b"<html>Bad gateway</html>")


def test_a_lost_answer_was_committed(sandbox, fault):
    fault({"vendor": "hubspot", "route": "*/batch/update", "lost_answer": True, "nth": 1})
    key = contact_ids(sandbox)[0]
    with pytest.raises(http.client.RemoteDisconnected):
        update(sandbox, [key])
    assert ask(sandbox.url, "GET", "/_sandbox/writes/hubspot/contacts").json() == {key: 1}
    entry = last_entry(sandbox)
    assert (entry["status"], entry["fault"], entry["rows_written"]) == (200, "lost_answer", 1)


def test_a_reset_came_before_anything_happened(sandbox, fault):
    fault({"vendor": "hubspot", "route": "*/batch/update", "reset": True})
    with pytest.raises(ConnectionResetError):
        update(sandbox, contact_ids(sandbox)[:1])
    assert ask(sandbox.url, "GET", "/_sandbox/writes/hubspot/contacts").json() == {}
    assert (last_entry(sandbox)["status"], last_entry(sandbox)["fault"]) == (None, "reset")


def test_a_delay_holds_back_one_answer_and_no_other(sandbox, fault):
    fault({"vendor": "hubspot", "delay": 0.2, "nth": 1})
    before = time.monotonic()
    assert update(sandbox, contact_ids(sandbox)[:1]).status == 200
    assert time.monotonic() - before >= 0.2
    assert last_entry(sandbox)["fault"] == "delay"


def test_row_errors_refuse_rows_by_id_and_email(sandbox, fault):
    records = ask(sandbox.url, "GET", "/_sandbox/records/hubspot/contacts").json()
    by_id, by_email, fine = [record for record in records if record["properties"].get("email")][:3]
    keys = [by_id["id"], by_email["properties"]["email"].upper()]
    error = {"keys": keys, "category": "CONFLICT", "message": "locked by a person"}
    fault({"vendor": "hubspot", "route": "*/batch/*", "row_error": error})
    for extra in ({}, {"objectWriteTraceId": "t"}):
        answer = update(sandbox, [by_id["id"], by_email["id"], fine["id"]], **extra)
        assert answer.status == 207
        assert [row["id"] for row in answer.json()["results"]] == [fine["id"]]
        errors = answer.json()["errors"]
        assert [row["context"]["ids"] for row in errors] == [[by_id["id"]], [by_email["id"]]]
        assert {row["category"] for row in errors} == {"CONFLICT"}
    fault()
    assert update(sandbox, [by_id["id"]]).status == 200


def test_a_bad_rule_answers_400_and_leaves_the_old_ones(sandbox, fault):
    fault({"vendor": "hubspot", "delay": 0})
    answer = ask(sandbox.url, "PUT", "/_sandbox/faults", [{"vendor": "hubspot", "nht": 3, "delay": 0}])
    assert answer.status == 400
    assert "nht" in answer.json()["error"]
    update(sandbox, contact_ids(sandbox)[:1])
    shown = ask(sandbox.url, "GET", "/_sandbox/faults").json()
    assert [(rule["effect"], rule["matched"], rule["fired"]) for rule in shown] == [("delay", 1, 1)]
