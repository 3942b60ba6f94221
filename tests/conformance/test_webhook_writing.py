"""The webhook against the destinations' suite: what needs ids or reading does not apply, and is named here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.http import Lost
from tailrace.connectors.sdk.writing import (
    Destination,
    Link,
    WriteBatch,
    WriteRow,
)
from tailrace.errors import AuthError, FatalError, RateLimited, Unavailable
from tailrace.sandbox.server import Sandbox
from tests.conformance.destination_suite import DestinationSuite
from tests.conformance.hooks import HOOK_PATH, OTHER_SECRET, SECRET, hook, opened, with_options
from tests.conformance.vendors import Desk


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=1, limits=False) as sandbox:
        yield sandbox


def people(number: int) -> list[dict[str, Any]]:
    return [{"id": f"known-{n}@tailrace.example", "note": f"before {n}"} for n in range(number)]


class TestWebhook(DestinationSuite):
    vendor, obj, match, text_field = "webhook", "leads", "email", "note"
    login = {"signing_secret": SECRET}
    wrong_login = {"signing_secret": OTHER_SECRET}
    bad = {"note": float("nan")}
    write_route = "*"

    test_rows_are_found_by_remote_id_too = None  # a receiver gives no ids
    test_create_gives_the_new_ids = None
    test_upsert_updates_and_creates = None
    test_a_create_whose_answer_is_lost_is_never_repeated = None  # it may be: the id is the same
    test_reading_fields_tells_what_is_there = None  # and cannot be asked
    test_fields_know_what_can_be_written = None

    def key_of(self, record: dict[str, Any]) -> str:
        return record["id"]

    def text_of(self, record: dict[str, Any]) -> str | None:
        return record.get("note")

    def new_key(self, number: int) -> str:
        return f"nobody-{number}@tailrace.example"

    @pytest.fixture
    def desk(self, sandbox: Sandbox) -> Iterator[Desk]:
        desk = Desk(sandbox)
        desk.reset()
        desk.replace("webhook", "leads", people(100))
        yield desk
        desk.reset()

    @pytest.fixture
    def connector(self, sandbox: Sandbox) -> Iterator[Connector]:
        connector = hook(sandbox)
        yield connector
        connector.close()

    def test_a_full_batch_is_one_request(self, destination: Destination, desk: Desk) -> None:
        rows = [self.row(number, record["id"]) for number, record in enumerate(people(100))]
        sent = len(desk.requests("webhook"))
        results = destination.write(self.batch("update", rows))
        assert len(desk.requests("webhook")) - sent == 1
        assert [(result.trace, result.outcome) for result in results] == [
            (row.trace, "acked") for row in rows
        ]
        assert [self.text_of(record) for record in desk.records("webhook", "leads")] == [
            f"text {number}" for number in range(100)
        ]

    def test_a_lost_answer_of_an_update_is_sent_again(self, destination: Destination, desk: Desk) -> None:
        """With the same id, so that the receiver takes it once."""
        desk.faults({"vendor": "webhook", "route": "*", "nth": 1, "lost_answer": True})
        results = destination.write(self.batch("update", [self.row(0, people(1)[0]["id"])]))
        assert [result.outcome for result in results] == ["acked"]
        assert desk.writes("webhook", "leads") == {people(1)[0]["id"]: 1}
        (delivery,) = desk.records("webhook", "deliveries")
        assert delivery["repeats"] == 1

    def test_a_limited_create_waits_and_is_sent_once(self, destination: Destination, desk: Desk) -> None:
        desk.faults(
            {
                "vendor": "webhook",
                "route": "*",
                "nth": [1, 2],
                "status": 429,
                "headers": {"retry-after": "0.01"},
            }
        )
        results = destination.write(self.batch("create", [self.row(0, self.new_key(0))]))
        assert [result.outcome for result in results] == ["acked"]
        assert desk.writes("webhook", "leads") == {self.new_key(0): 1}

    def test_no_word_about_a_row_is_unknown(self, destination: Destination, desk: Desk) -> None:
        """Silence of a receiver is consent; an error that names no row is not."""
        headers = {"content-type": "application/json"}
        desk.faults(
            {"vendor": "webhook", "route": "*", "status": 200, "headers": headers, "body": {"errors": ["x"]}}
        )
        rows = [self.row(number, record["id"]) for number, record in enumerate(people(2))]
        assert [result.outcome for result in destination.write(self.batch("update", rows))] == ["unknown"] * 2

    def test_a_wrong_login_stops(self, sandbox: Sandbox) -> None:
        connector = hook(sandbox, **self.wrong_login)
        with pytest.raises(AuthError, match="signing_secret"):
            connector.destination().write(self.batch("update", [self.row(0, "x")]))
        connector.close()

    def test_a_vendor_that_is_down_is_no_lost_answer(self) -> None:
        connector = opened("webhook", url="http://127.0.0.1:9/x", signing_secret=SECRET)
        with pytest.raises(Unavailable) as caught:
            connector.destination().write(self.batch("create", [self.row(0, "x")]))
        assert not isinstance(caught.value, Lost)
        connector.close()

    def test_each_operation_does_what_it_says(self, destination: Destination, desk: Desk) -> None:
        first, second, third = people(3)
        assert destination.write(
            self.batch("upsert", [self.row(0, first["id"]), self.row(1, self.new_key(1))])
        )
        assert destination.write(self.batch("archive", [WriteRow("a", second["id"], {})]))
        moved = WriteRow("a", self.new_key(2), {"note": "moved"}, None, (), third["id"])
        assert destination.write(self.batch("upsert", [moved]))
        state = self.state(desk)
        assert state[first["id"]] == "text 0"
        assert state[self.new_key(1)] == "text 1"
        assert state[self.new_key(2)] == "moved"
        assert {second["id"], third["id"]} & set(state) == set()
        types = [delivery["type"] for delivery in desk.records("webhook", "deliveries")]
        assert types == ["leads.upsert", "leads.archive", "leads.upsert"]

    def test_rows_of_an_append_need_no_key(self, destination: Destination, desk: Desk) -> None:
        rows = tuple(WriteRow(str(n), None, {"note": f"event {n}"}) for n in range(2))
        results = destination.write(WriteBatch("events", "create", None, rows))
        assert [result.outcome for result in results] == ["acked", "acked"]
        (delivery,) = desk.records("webhook", "deliveries")
        assert [set(row) & {"key", "key_field"} for row in delivery["rows"]] == [set(), set()]
        assert [record["note"] for record in desk.records("webhook", "events")] == ["event 0", "event 1"]

    def test_associations_go_along(self, destination: Destination, desk: Desk) -> None:
        links = (Link("companies", "domain", "acme.example"), Link("owners", "email", None, "account"))
        destination.write(self.batch("upsert", [WriteRow("a", "jo@x.example", {"note": "n"}, None, links)]))
        (row,) = desk.records("webhook", "deliveries")[0]["rows"]
        assert row["associations"] == [
            {"object": "companies", "domain": "acme.example"},
            {"object": "owners", "email": None, "label": "account"},
        ]

    def test_batch_size_and_format_are_the_syncs(self, destination: Destination, desk: Desk) -> None:
        rows = [self.row(number, self.new_key(number)) for number in range(5)]
        batch = with_options("webhook", self.batch("upsert", rows), batch_size=2, format="array")
        assert [result.outcome for result in destination.write(batch)] == ["acked"] * 5
        deliveries = desk.records("webhook", "deliveries")
        assert [len(delivery["rows"]) for delivery in deliveries] == [2, 2, 1]
        assert all(delivery["body"].startswith('[{"type":"leads.upsert"') for delivery in deliveries)
        assert len({delivery["id"] for delivery in deliveries}) == 3

    def test_the_same_rows_have_the_same_id_and_others_another(
        self, destination: Destination, desk: Desk
    ) -> None:
        batch = self.batch("upsert", [self.row(0, self.new_key(0))])
        named = WriteBatch(batch.object, "upsert", batch.match_field, batch.rows, name="a later change")
        for one in (batch, batch, named, named):
            destination.write(one)
        assert [delivery["repeats"] for delivery in desk.records("webhook", "deliveries")] == [1, 1]
        assert desk.writes("webhook", "leads") == {self.new_key(0): 2}

    def test_a_refused_batch_is_halved_until_rows_decide(self, destination: Destination, desk: Desk) -> None:
        body = {"message": "country is not known"}
        desk.faults({"vendor": "webhook", "route": "*", "nth": [1, 2, 4, 6], "status": 422, "body": body})
        rows = [self.row(number, self.new_key(number)) for number in range(8)]
        results = destination.write(self.batch("upsert", rows))
        # 8 refused, 4 refused, 2 taken, 2 refused, 1 taken, 1 refused, 4 taken
        assert [result.outcome for result in results] == ["acked"] * 3 + ["dead"] + ["acked"] * 4
        assert results[3].reason == "country is not known"

    def test_rows_that_a_refusal_names_are_out_and_the_rest_goes_on(
        self, destination: Destination, desk: Desk
    ) -> None:
        body = {
            "errors": [
                {"trace": "1", "message": "too old", "field": "age"},
                {"key": self.new_key(2), "code": "later"},
            ]
        }
        desk.faults({"vendor": "webhook", "route": "*", "nth": 1, "status": 400, "body": body})
        results = destination.write(self.batch("upsert", [self.row(n, self.new_key(n)) for n in range(4)]))
        assert [(one.outcome, one.reason, one.field) for one in results] == [
            ("acked", None, None),
            ("dead", "too old", "age"),
            ("later", "later", None),
            ("acked", None, None),
        ]
        assert set(desk.writes("webhook", "leads")) == {self.new_key(0), self.new_key(3)}

    @pytest.mark.parametrize(
        ("status", "error", "told"),
        [
            (301, FatalError, "redirects"),
            (403, AuthError, "both clocks"),
            (404, FatalError, "check url"),
            (410, FatalError, "make a new hook"),
            (409, FatalError, "refuses the request"),
        ],
    )
    def test_what_is_wrong_with_the_hook_stops_and_says_the_fix(
        self, destination: Destination, desk: Desk, status: int, error: type[Exception], told: str
    ) -> None:
        desk.faults({"vendor": "webhook", "route": "*", "status": status, "body": "go away"})
        with pytest.raises(error, match=told) as caught:
            destination.write(self.batch("upsert", [self.row(0, self.new_key(0))]))
        assert HOOK_PATH not in str(caught.value)

    def test_a_limit_that_outlasts_patience_ends_the_run(self, sandbox: Sandbox, desk: Desk) -> None:
        desk.faults({"vendor": "webhook", "route": "*", "status": 429, "headers": {"retry-after": "40"}})
        with closing(hook(sandbox, max_wait="30s")) as brief, pytest.raises(RateLimited):
            brief.destination().write(self.batch("upsert", [self.row(0, "x")]))

    def test_after_a_part_was_taken_an_error_is_the_others_outcome(
        self, destination: Destination, desk: Desk
    ) -> None:
        desk.faults({"vendor": "webhook", "route": "*", "nth": 2, "status": 410, "body": "gone"})
        rows = [self.row(number, self.new_key(number)) for number in range(3)]
        batch = with_options("webhook", self.batch("upsert", rows), batch_size=1)
        assert [result.outcome for result in destination.write(batch)] == ["acked", "later", "later"]
        assert set(desk.writes("webhook", "leads")) == {self.new_key(0)}

    def test_both_secrets_sign_while_receivers_change(self, sandbox: Sandbox, desk: Desk) -> None:
        with closing(hook(sandbox, signing_secret=OTHER_SECRET, previous_signing_secret=SECRET)) as changing:
            results = changing.destination().write(self.batch("upsert", [self.row(0, "x")]))
        assert results[0].outcome == "acked"
        assert desk.records("webhook", "deliveries")[0]["signatures"] == 2

    def test_headers_of_ones_own_and_the_urls_slash_are_kept(self, sandbox: Sandbox, desk: Desk) -> None:
        with closing(hook(sandbox, headers={"X-Team": "growth"})) as connector:
            connector.destination().write(self.batch("upsert", [self.row(0, "x")]))
        delivery = desk.records("webhook", "deliveries")[0]
        assert (delivery["headers"]["x-team"], delivery["path"]) == ("growth", HOOK_PATH)
