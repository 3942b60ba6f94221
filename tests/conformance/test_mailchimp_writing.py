"""Mailchimp's members against the destination's suite, and what only they have to get right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.http import Lost
from tailrace.connectors.sdk.writing import Destination, NewField
from tailrace.errors import AuthError, FatalError, Unavailable
from tailrace.sandbox.mailchimp.listing import Habits
from tailrace.sandbox.server import Sandbox
from tests.conformance.destination_suite import DestinationSuite
from tests.conformance.mailchimp_writing import (
    CUSTOMERS,
    LOGIN,
    NEWSLETTER,
    WRONG_LOGIN,
    Writing,
    member,
    members,
    row,
    sync_options,
)
from tests.conformance.vendors import Desk, connect

BULK, SINGLE, BATCHES = f"/3.0/lists/{NEWSLETTER}", f"/3.0/lists/{NEWSLETTER}/members/*", "/3.0/batches"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=150, limits=False) as sandbox:
        yield sandbox


class TestMembers(DestinationSuite):
    """Updates are requests about single members; creates and upserts are one request for many."""

    vendor, login, wrong_login = "mailchimp", LOGIN, WRONG_LOGIN
    obj, match, text_field = "members", "email_address", "COMPANY"
    bad = {"LTV": "a lot"}
    write_route = f"/3.0/lists/{NEWSLETTER}*"

    @pytest.fixture
    def destination(self, connector: Connector) -> Destination:
        return Writing(connector.destination())  # type: ignore[return-value]

    def key_of(self, record: dict[str, Any]) -> str:
        return record["email_address"]

    def text_of(self, record: dict[str, Any]) -> str | None:
        return record["merge_fields"]["COMPANY"]

    def new_key(self, number: int) -> str:
        return f"nobody-{number}@tailrace.example"

    def present(self, desk: Desk, most: int) -> list[dict[str, Any]]:
        return members(desk)[:most]

    def state(self, desk: Desk) -> dict[str, str | None]:
        return {one["id"]: self.text_of(one) for one in members(desk, None)}

    def test_a_full_batch_is_one_request(self, destination: Destination, desk: Desk) -> None:
        """An upsert's; 100 updates are one background batch."""
        records = self.present(desk, 100)
        destination.fields("members")
        destination.write(self.batch("update", []))  # the first write looks once for batches that are open
        rows = [self.row(number, self.key_of(record)) for number, record in enumerate(records)]
        for operation, requests in (("upsert", [("POST", BULK)]), ("update", [("POST", BATCHES)])):
            sent = len(desk.requests(self.vendor))
            results = destination.write(self.batch(operation, rows))
            assert [(result.outcome, result.remote_id) for result in results] == [
                ("acked", record["id"]) for record in records
            ]
            new = [(each["method"], each["path"]) for each in desk.requests(self.vendor)[sent:]]
            assert [each for each in new if each[0] != "GET"] == requests
            assert len(new) == {"upsert": 1, "update": 6}[operation]
        state = self.state(desk)
        assert [state[record["id"]] for record in records] == [f"text {n}" for n in range(len(records))]

    def test_a_limited_create_waits_and_is_sent_once(self, destination: Destination, desk: Desk) -> None:
        desk.faults({"vendor": self.vendor, "method": "POST", "nth": [1, 2], "status": 429, "body": "{}"})
        results = destination.write(self.batch("create", [self.row(0, self.new_key(0))]))
        assert [result.outcome for result in results] == ["acked"]
        assert desk.writes(self.vendor, self.obj) == {results[0].remote_id: 1}

    @pytest.mark.parametrize("fault", [{"lost_answer": True}, {"status": 502}])
    def test_a_create_whose_answer_is_lost_is_never_repeated(
        self, destination: Destination, desk: Desk, fault: dict[str, Any]
    ) -> None:
        desk.faults({"vendor": self.vendor, "route": BULK, "nth": 1, **fault})
        before = self.state(desk)
        with pytest.raises(Lost):
            destination.write(self.batch("create", [self.row(0, self.new_key(0))]))
        assert len(self.state(desk)) - len(before) == ("lost_answer" in fault)
        found = destination.read_fields(self.obj, self.match, [self.new_key(0)], [self.text_field])
        assert len(found) == ("lost_answer" in fault)

    def test_a_lost_answer_of_an_update_is_sent_again(self, destination: Destination, desk: Desk) -> None:
        record = self.present(desk, 1)[0]
        desk.faults({"vendor": self.vendor, "route": SINGLE, "nth": 1, "lost_answer": True})
        results = destination.write(self.batch("update", [self.row(0, self.key_of(record))]))
        assert [result.outcome for result in results] == ["acked"]
        assert desk.writes(self.vendor, self.obj)[record["id"]] == 2

    def test_no_word_about_a_row_is_unknown(self, destination: Destination, desk: Desk) -> None:
        destination.fields("members")
        super().test_no_word_about_a_row_is_unknown(destination, desk)

    def test_fields_know_what_can_be_written(self, destination: Destination) -> None:
        super().test_fields_know_what_can_be_written(destination)
        fields = destination.fields("members")
        assert (fields["LTV"].kind, fields["JOINED"].kind, fields["vip"].kind) == ("number", "date", "bool")
        assert "tags" not in fields  # the sync's options name none
        assert not fields["status"].writable

    def test_a_wrong_login_stops(self, sandbox: Sandbox) -> None:
        connector = connect(self.vendor, sandbox.base_url(self.vendor), self.wrong_login)
        with pytest.raises(AuthError):
            Writing(connector.destination()).write(self.batch("update", [self.row(0, "x@y.example")]))
        connector.close()

    def test_a_vendor_that_is_down_is_no_lost_answer(self) -> None:
        connector = connect(self.vendor, "http://127.0.0.1:9", self.login)
        with pytest.raises(Unavailable) as caught:
            Writing(connector.destination()).write(self.batch("create", [self.row(0, "x@y.example")]))
        assert not isinstance(caught.value, Lost)
        connector.close()


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect("mailchimp", sandbox.base_url("mailchimp"), LOGIN)
    yield connector
    connector.close()


@pytest.fixture
def writing(connector: Connector) -> Writing:
    return Writing(connector.destination())


def with_habits(sandbox: Sandbox, **habits: Any) -> None:
    sandbox.house.fakes["mailchimp"].habits = Habits(**habits)  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", ["unsubscribed", "cleaned", "pending"])
@pytest.mark.parametrize("operation", ["upsert", "update"])
def test_who_left_is_enriched_and_never_subscribed_again(
    writing: Writing, desk: Desk, status: str, operation: str
) -> None:
    one = members(desk, status)[0] if members(desk, status) else members(desk)[0]
    desk.save("mailchimp", "members", {"list_id": NEWSLETTER, "id": one["id"], "status": status})
    results = writing.send(operation, row(one["email_address"], COMPANY="Acme"))  # type: ignore[arg-type]
    assert [result.outcome for result in results] == ["acked"]
    now = member(desk, one["email_address"])
    assert (now["status"], now["merge_fields"]["COMPANY"]) == (status, "Acme")


def test_an_archived_member_is_left_to_people(writing: Writing, connector: Connector, desk: Desk) -> None:
    one = members(desk)[0]
    desk.remove("mailchimp", "members", f"{NEWSLETTER}/{one['id']}")
    results = writing.send("upsert", row(one["email_address"], COMPANY="Acme"))
    assert [(each.outcome, each.remote_id) for each in results] == [("dead", one["id"])]
    assert "unarchive: true" in (results[0].reason or "")
    assert member(desk, one["email_address"])["status"] == "archived"
    back = Writing(connector.destination(), unarchive=True, status_if_new="pending")
    assert [each.outcome for each in back.send("upsert", row(one["email_address"], COMPANY="B"))] == ["acked"]
    now = member(desk, one["email_address"])
    assert (now["status"], now["merge_fields"]["COMPANY"]) == ("pending", "B")


def test_a_forgotten_person_is_not_made_again(writing: Writing, connector: Connector, desk: Desk) -> None:
    one, other = members(desk)[:2]
    connector.destination()._api.http.request(  # type: ignore[attr-defined]
        "POST", f"/3.0/lists/{NEWSLETTER}/members/{one['id']}/actions/delete-permanent"
    )
    rows = (row(one["email_address"], COMPANY="A"), row(other["email_address"], COMPANY="B"))
    results = writing.send("upsert", *rows)
    assert [each.outcome for each in results] == ["dead", "acked"]
    assert "permanently deleted" in (results[0].reason or "")
    assert one["id"] not in {each["id"] for each in members(desk, None)}


@pytest.mark.parametrize("told", [True, False])
def test_new_members_where_the_bulk_request_ignores_their_status(
    writing: Writing, sandbox: Sandbox, desk: Desk, told: bool
) -> None:
    """By memory alone is it known that POST /lists takes status_if_new: the single request, whose it is, then decides."""
    with_habits(sandbox, status_if_new_in_bulk=False, new_without_status_told=told)
    known = members(desk)[0]
    rows = (row(known["email_address"], COMPANY="A"), row("new@tailrace.example", COMPANY="B"))
    assert [each.outcome for each in writing.send("upsert", *rows)] == ["acked", "acked"]
    made = member(desk, "new@tailrace.example")
    assert (made["status"], made["merge_fields"]["COMPANY"]) == ("subscribed", "B")
    assert desk.writes("mailchimp", "members") == {known["id"]: 1, made["id"]: 1}


def test_an_insert_leaves_who_is_there(writing: Writing, desk: Desk) -> None:
    known = members(desk)[0]
    results = writing.send("create", row(known["email_address"], COMPANY="A"), row("n@tailrace.example"))
    assert [(each.outcome, each.field) for each in results] == [("dead", "email_address"), ("acked", None)]
    assert results[0].remote_id == known["id"]
    assert "already a list member" in (results[0].reason or "")
    assert member(desk, known["email_address"]) == known


def test_a_changed_email_moves_the_member(writing: Writing, desk: Desk) -> None:
    one = members(desk)[0]
    moved = row(None, "a", one["id"], email_address="Moved@Tailrace.example", COMPANY="Acme")
    for _ in range(2):  # the second time the old id is gone, as after a lost answer
        results = writing.send("update", moved, by_id=True)
        now = member(desk, "moved@tailrace.example")
        assert [(each.outcome, each.remote_id) for each in results] == [("acked", now["id"])]
        assert (now["web_id"], now["email_address"]) == (one["web_id"], "Moved@Tailrace.example")
    assert one["id"] not in {each["id"] for each in members(desk, None)}


def test_a_changed_email_that_is_taken_is_a_dead_row(writing: Writing, desk: Desk) -> None:
    one, other = members(desk)[:2]
    results = writing.send(
        "update", row(None, "a", one["id"], email_address=other["email_address"]), by_id=True
    )
    assert [(each.outcome, each.field) for each in results] == [("dead", "email_address")]
    assert member(desk, one["email_address"])["id"] == one["id"]


def test_a_changed_email_of_a_member_who_is_gone_is_unmatched(writing: Writing) -> None:
    results = writing.send(
        "update", row(None, "a", "0" * 32, email_address="no@tailrace.example"), by_id=True
    )
    assert [each.outcome for each in results] == ["unmatched"]


def test_archive_by_key_and_by_id(writing: Writing, desk: Desk) -> None:
    one, other, pending = members(desk)[:3]
    desk.save("mailchimp", "members", {"list_id": NEWSLETTER, "id": pending["id"], "status": "pending"})
    rows = (row(one["email_address"]), row("nobody@tailrace.example"), row(pending["email_address"]))
    results = writing.send("archive", *rows)
    assert [each.outcome for each in results] == ["acked", "unmatched", "dead"]
    assert "cannot be removed" in (results[2].reason or "")
    # once more, as after a lost answer: archived before is archived
    for _ in range(2):
        assert [
            each.outcome for each in writing.send("archive", row(None, "x", other["id"]), by_id=True)
        ] == ["acked"]
    assert {member(desk, each["email_address"])["status"] for each in (one, other)} == {"archived"}


@pytest.mark.parametrize("operation", ["upsert", "update", "create"])
def test_tags_are_the_syncs_own_and_others_stay(connector: Connector, desk: Desk, operation: str) -> None:
    writing = Writing(connector.destination(), tags=["gold", "silver", "bronze"])
    email = "tagged@tailrace.example"
    if operation != "create":
        known = members(desk)[0]
        email = known["email_address"]
        theirs = [{"id": 1, "name": "theirs"}, {"id": 2, "name": "bronze"}]
        desk.save("mailchimp", "members", {"list_id": NEWSLETTER, "id": known["id"], "tags": theirs})
    held = {"theirs"} if operation != "create" else set()

    def tags() -> set[str]:
        return {tag["name"] for tag in member(desk, email)["tags"]}

    assert [each.outcome for each in writing.send(operation, row(email, tags="gold; silver"))] == ["acked"]  # type: ignore[arg-type]
    assert tags() == held | {"gold", "silver"}
    sent = len(desk.requests("mailchimp", "/tags"))
    assert [each.outcome for each in writing.send("upsert", row(email, tags="silver;gold"))] == ["acked"]
    assert len(desk.requests("mailchimp", "/tags")) == sent  # nothing to take away: no request of its own
    assert [each.outcome for each in writing.send("upsert", row(email, tags=None))] == ["acked"]
    assert tags() == held
    assert writing.read_fields("members", "email_address", [email], ["tags"])[email.lower()]["tags"] == ""


def test_a_tag_that_is_not_the_syncs_is_a_dead_row(connector: Connector, desk: Desk) -> None:
    writing = Writing(connector.destination(), tags=["gold"])
    email = members(desk)[0]["email_address"]
    results = writing.send("upsert", row(email, tags="gold;platinum"))
    assert [(each.outcome, each.field) for each in results] == [("dead", "tags")]
    assert "platinum" in (results[0].reason or "")
    assert desk.writes("mailchimp", "members") == {}


def test_tags_that_fail_are_the_rows_failure(connector: Connector, desk: Desk) -> None:
    writing = Writing(connector.destination(), tags=["gold"])
    one, other = members(desk)[:2]
    for each in (one, other):
        tags = [{"id": 3, "name": "gold"}]
        desk.save("mailchimp", "members", {"list_id": NEWSLETTER, "id": each["id"], "tags": tags})
    problem = {"status": 400, "headers": {"content-type": "application/problem+json"}}
    desk.faults({"vendor": "mailchimp", "route": "*/tags", "nth": 1, "body": {"title": "No"}, **problem})
    results = writing.send("upsert", *(row(each["email_address"], tags="") for each in (one, other)))
    assert [(each.outcome, each.field, each.reason) for each in results] == [
        ("dead", "tags", "No"),
        ("acked", None, None),
    ]
    assert [each.touched for each in results] == [True, False]


def test_merge_fields_are_made_where_they_are_missing(writing: Writing, desk: Desk) -> None:
    make = writing.destination.create_field
    for _ in range(2):
        make("members", NewField("TIER", "dropdown", "Tier", "VARCHAR", ("a", "b")), writing.options)
    make("members", NewField("SPEND", "", "", "DECIMAL(18, 2)"), writing.options)
    fields = writing.fields()
    assert (fields["TIER"].kind, fields["TIER"].options, fields["SPEND"].kind) == (
        "dropdown",
        ("a", "b"),
        "number",
    )
    made = [each for each in desk.records("mailchimp", "merge_fields") if each["tag"] in ("TIER", "SPEND")]
    assert [(each["name"], each["list_id"]) for each in made] == [("Tier", NEWSLETTER), ("SPEND", NEWSLETTER)]
    results = writing.send("upsert", row("x@tailrace.example", TIER="c"), row("y@tailrace.example", TIER="a"))
    assert [(each.outcome, each.field) for each in results] == [("dead", "TIER"), ("acked", None)]


def test_a_tag_that_mailchimp_spells_otherwise_is_told(writing: Writing) -> None:
    with pytest.raises(FatalError, match="'TIER'") as caught:
        writing.destination.create_field("members", NewField("tier", "text", "", "VARCHAR"), writing.options)
    assert "TIER" in caught.value.fix


def test_an_unknown_list_is_named_with_its_neighbour(connector: Connector) -> None:
    with pytest.raises(FatalError) as caught:
        connector.destination().fields("members", sync_options(list="a5b0c1d2e4"))
    assert caught.value.fix == f"did you mean {NEWSLETTER}?"


def test_lists_do_not_touch_each_other(connector: Connector, desk: Desk) -> None:
    both = members(desk, None, CUSTOMERS)[0]
    before = member(desk, both["email_address"])
    writing = Writing(connector.destination(), list=CUSTOMERS)
    assert writing.send("upsert", row(both["email_address"], COMPANY="Acme"))[0].outcome == "acked"
    assert member(desk, both["email_address"], CUSTOMERS)["merge_fields"]["COMPANY"] == "Acme"
    assert member(desk, both["email_address"]) == before


def test_edits_bear_the_members_time(writing: Writing, desk: Desk) -> None:
    records = members(desk)[:60]
    emails = [each["email_address"] for each in records]
    sent = len(desk.requests("mailchimp", "/members/"))
    found = writing.read_edits([*emails, "nobody@tailrace.example"], ["COMPANY", "LTV"])
    assert {name: edits["COMPANY"].value for name, edits in found.items()} == {
        each["email_address"].lower(): each["merge_fields"]["COMPANY"] for each in records
    }
    first = found[emails[0].lower()]["LTV"]
    assert first.at is not None and first.at.isoformat() == records[0]["last_changed"]
    assert len(desk.requests("mailchimp", "/members/")) == sent  # 61 look-ups are one background batch
