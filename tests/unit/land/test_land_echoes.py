"""Our own writes come back in the change log under the sync's name, and move nothing but what reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.land.scripted import START, Landing, Scripted, page, row
from tests.unit.land.test_land_resource import assert_folds

from tailrace.activate import ledger
from tailrace.activate.result import Scope
from tailrace.activate.written import Written, syncs_with_rows
from tailrace.build.versions import Data
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.land.cursors import read_cursor
from tailrace.land.replay import replay
from tailrace.records import Checkpoint, Column, Schema
from tailrace.warehouse.base import TableRef

PEOPLE = Schema(
    (
        Column("id"), Column("email"), Column("score", "double"), Column("tier"), Column("paid", "bool"),
        Column("last_visit", "timestamp"), Column("born", "date"), Column("seen", "timestamp"),
    ),
    ("id",),
    ("seen",),
)  # fmt: skip
SCOPE = Scope("portal", "contacts", "scores")


class House(Landing):
    """A landing beside a ledger: `accept` is what a delivery leaves behind, `land` the next run."""

    def __init__(self) -> None:
        super().__init__(source=Scripted(PEOPLE))
        self.syncs = {"scores": ("score", "tier", "paid", "last_visit", "born")}
        self.clears = False
        ledger.ensure(self.warehouse)

    def accept(
        self, key: str, sync: str = "scores", status: str = "acked", at: datetime | None = None, **values
    ) -> None:
        when = (at or self.at).astimezone(UTC).replace(tzinfo=None)
        document = json.dumps(values) if values else None
        self.warehouse.execute(
            "DELETE FROM tailrace_meta.ledger WHERE remote_id = ? AND sync = ?", [key, sync]
        )
        self.warehouse.execute(
            "INSERT INTO tailrace_meta.ledger (account, object, sync, primary_key, status, acked_values, remote_id, acked_at)"
            " VALUES ('portal', 'contacts', ?, ?, ?, ?, ?, ?)",
            [sync, f"pk{key}", status, document, key, when],
        )

    def land(self, *items, **more):
        self.runs += 1
        self.source.items = [*items, Checkpoint({"at": self.runs})]
        return self.again(written=self.written(), **more)

    def written(self) -> list[Written]:
        return [
            Written(self.warehouse, Scope("portal", "contacts", sync), fields, self.clears)
            for sync, fields in self.syncs.items()
        ]

    def log(self) -> list[tuple]:
        return [
            (found["_op"], found["id"], found["_changed_fields"], found["_origin"])
            for found in self.rows("__changes", "_seq")
        ]

    def cursor(self):
        return read_cursor(self.warehouse, "crm.contacts")


@pytest.fixture
def house() -> House:
    found = House()
    found.land(page(row("1", "a", score=1.0), row("2", "b", score=2.0), row("3", "c"), at=1))
    return found


def test_a_write_that_comes_back_bears_its_syncs_name(house):
    house.accept("1", score=85, tier="A")
    result = house.land(page(row("1", "a", score=85.0, tier="A"), at=9))
    assert house.log()[3:] == [("update", "1", "score,tier", "scores")]
    assert (result.rows_out, result.detail["updated"], result.detail["own"]) == (0, 1, 1)
    assert_folds(house)


def test_what_others_did_has_no_origin(house):
    house.accept("1", score=85, tier="A")
    house.accept("2", score=85, tier="A")
    result = house.land(
        page(
            row("1", "a", score=86.0, tier="A"),
            row("2", "new@x.io", score=85.0, tier="A"),
            row("3", "c", score=1.0),
            at=9,
        )
    )
    assert [origin for *_, origin in house.log()[3:]] == [None, None, None]
    assert "own" not in result.detail


def test_a_part_of_a_write_is_one(house):
    """The tier stood there already."""
    house.accept("1", score=1, tier="A")
    house.land(page(row("1", "a", score=1.0, tier="A"), at=9))
    assert house.log()[3:] == [("update", "1", "tier", "scores")]


@pytest.mark.parametrize(
    ("values", "there"),
    [
        ({"score": 85.5}, {"score": 85.5}),
        ({"score": -0.5}, {"score": -0.5}),
        ({"tier": 85.0}, {"tier": "85"}),
        ({"tier": 9007199254740993}, {"tier": "9007199254740993"}),
        ({"tier": "=HYPERLINK(1)\n\"'\U0001f600"}, {"tier": "=HYPERLINK(1)\n\"'\U0001f600"}),
        ({"paid": True}, {"paid": True}),
        ({"last_visit": "1969-07-20T20:17:40.123456Z"}, {"last_visit": "1969-07-20T20:17:40.123Z"}),
        ({"born": "1969-07-20"}, {"born": "1969-07-20"}),
    ],
)
def test_values_are_compared_as_what_they_are(house, values, there):
    house.accept("3", **values)
    house.land(page(row("3", "c", **there), at=9))
    assert [origin for *_, origin in house.log()[3:]] == ["scores"]


def test_a_cleared_field_comes_back_as_ours(house):
    house.accept("1", score=None)
    house.land(page(row("1", "a"), at=9))
    assert house.log()[3:] == [("update", "1", "score", "scores")]


def test_rows_that_left_and_were_cleared_come_back_as_ours(house):
    house.accept("1", status="removed")
    house.accept("2", status="removed")
    house.clears = True
    house.land(page(row("1", "a"), at=9))
    house.clears = False
    house.land(page(row("2", "b"), at=9))
    assert [origin for *_, origin in house.log()[3:]] == ["scores", None]


def test_two_syncs_that_wrote_one_record_are_both_named(house):
    house.syncs = {"scores": ("score",), "tiers": ("tier",)}
    house.accept("1", "scores", score=7)
    house.accept("1", "tiers", tier="B")
    house.accept("2", "scores", score=7)
    house.land(page(row("1", "a", score=7.0, tier="B"), row("2", "b", score=7.0, tier="B"), at=9))
    assert [origin for *_, origin in house.log()[3:]] == ["scores,tiers", None]


def test_another_accounts_ledger_says_nothing(house):
    house.accept("1", score=85)
    house.warehouse.execute("UPDATE tailrace_meta.ledger SET account = 'another'")
    house.land(page(row("1", "a", score=85.0), at=9))
    assert house.log()[3:] == [("update", "1", "score", None)]


def test_a_value_taken_back_long_after_is_a_persons(house):
    house.accept("1", score=85)
    house.land(page(row("1", "a", score=85.0), at=9))
    house.land(page(row("1", "a", score=50.0), at=10))
    house.at += timedelta(hours=2)
    house.land(page(row("2", "bb", score=2.0), at=11))
    house.land(page(row("1", "a", score=85.0), at=12))
    assert [(key, origin) for _, key, _, origin in house.log()[3:]] == [
        ("1", "scores"),
        ("1", None),
        ("2", None),
        ("1", None),
    ]


def test_nothing_is_joined_where_nothing_was_accepted_since(house, monkeypatch):
    house.accept("1", at=START - timedelta(days=2), score=85)
    ran: list[str] = []
    execute = house.warehouse.execute
    monkeypatch.setattr(
        house.warehouse, "execute", lambda sql, *more: (ran.append(sql), execute(sql, *more))[1]
    )
    house.land(page(row("1", "a", score=85.0), at=9))
    assert house.log()[3:] == [("update", "1", "score", None)]
    assert [sql for sql in ran if "_tailrace_own" in sql and "DROP" not in sql] == []


def test_versions_move_only_for_those_who_read_what_we_write(house):
    readers = {
        "id and email": ("crm.contacts", "SELECT id, email FROM crm.contacts", False),
        "our field": ("crm.contacts", "SELECT id, Score FROM crm.contacts", True),
        "a star": ("crm.contacts", "SELECT * FROM crm.contacts", True),
        "whole rows": ("crm.contacts", "SELECT c FROM crm.contacts AS c", True),
        "the cursor": ("crm.contacts", "SELECT max(seen) FROM crm.contacts", True),
        "the log": ("crm.contacts__changes", "SELECT id FROM crm.contacts__changes", True),
    }

    def versions() -> dict[str, str]:
        data = Data(house.warehouse)
        return {name: data.version(table, sql) for name, (table, sql, _) in readers.items()}

    before = versions()
    house.accept("1", score=85)
    house.land(page(row("1", "a", score=85.0), at=9))
    after = versions()
    assert {name: before[name] != after[name] for name in readers} == {
        name: moves for name, (_, _, moves) in readers.items()
    }
    house.land(page(row("1", "another", score=85.0), at=10))
    assert all(after[name] != version for name, version in versions().items())


def test_without_a_log_versions_stay_all_the_same(house):
    house.changes = False
    before = house.cursor()
    house.accept("1", score=85)
    house.land(page(row("1", "a", score=85.0), at=9))
    after = house.cursor()
    assert (after.data_version, after.own_columns) == (before.data_version, "born,last_visit,paid,score,tier")
    assert after.own_version == after.touch_version > before.touch_version
    assert house.rows("", "id")[0]["score"] == 85.0


def test_a_read_of_ours_and_others_together(house):
    house.accept("1", score=85)
    house.land(page(row("2", "person", score=2.0), at=9), page(row("1", "a", score=85.0), at=9))
    cursor = house.cursor()
    seqs = {found["id"]: found["_seq"] for found in house.rows("__changes", "_seq")[3:]}
    assert (cursor.data_version, cursor.own_version) == (seqs["2"], seqs["1"])
    assert_folds(house)


def test_an_older_log_gets_the_column(house):
    house.warehouse.execute('ALTER TABLE crm."contacts__changes" DROP COLUMN _origin')
    for name in ("own_version", "own_columns"):
        house.warehouse.execute(f"ALTER TABLE tailrace_meta.cursors DROP COLUMN {name}")
    house.accept("1", score=85)
    house.land(page(row("1", "a", score=85.0), at=9))
    assert [origin for *_, origin in house.log()] == [None, None, None, "scores"]


def test_a_replay_keeps_the_marks(house):
    house.accept("1", score=85)
    house.land(page(row("1", "a", score=85.0), at=9))
    house.accept("1", score=99)
    before = house.log()
    replay(house.warehouse, TableRef("crm", "contacts"), None, changes=True)
    assert house.log() == before
    assert before[-1][-1] == "scores"


def test_syncs_that_never_wrote_are_not_asked_about(house):
    assert syncs_with_rows(house.warehouse, ["scores", "tiers"], "contacts") == []
    house.accept("1", score=1)
    assert syncs_with_rows(house.warehouse, ["tiers", "scores"], "contacts") == ["scores"]
    assert syncs_with_rows(house.warehouse, ["scores"], "companies") == []


@pytest.mark.parametrize(
    ("rule", "columns"),
    [("evolve", {"id", "email", "grade"}), ("freeze", {"id", "email"}), ("discard_row", {"id", "email"})],
)
def test_a_contract_without_new_columns_leaves_a_syncs_fields_out(rule, columns):
    """Nobody asked for them: the resource does not fail, and no row is left out."""
    landing = Landing(source=Scripted(Schema((Column("id"), Column("email")), ("id",))))
    landing.land(page(row("1", "a"), at=1))
    landing.contract(columns=rule)
    landing.source.declared = Schema((Column("id"), Column("email"), Column("grade")), ("id",))
    landing.source.items = [page(row("2", "b", grade="A"), at=2), Checkpoint({"at": 2})]
    landing.again(spec=ResourceSpec("contacts", {}, ("grade",)))
    assert (set(landing.columns()), landing.count()) == (columns, 2)
