"""Landing into BigQuery: what an idle round asks, what a round with changes costs, and what outsiders may do in between."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest
from tests.unit.land.far import FarLanding, open_far
from tests.unit.land.scripted import (
    Checkpoint,
    Column,
    Landing,
    Schema,
    Scope,
    Scripted,
    assert_folds,
    gone,
    moment,
    page,
    row,
)

from tailrace.errors import SchemaError
from tailrace.land import raw
from tailrace.land.cursors import read_cursor
from tailrace.land.raw import DltWriter
from tailrace.land.reconcile import reconcile
from tailrace.land.replay import replay
from tailrace.warehouse.base import TableRef

SCRIPT = Counter({"SCRIPT": 1})
EVERY = Schema(
    (
        *(
            Column("id"),
            Column("Ext__c"),
            Column("n", "bigint"),
            Column("x", "double"),
            Column("d", "decimal"),
        ),
        *(Column("yes", "bool"), Column("at", "timestamp"), Column("day", "date"), Column("tree", "json")),
    ),
    ("id",),
)
ODD = [
    {"id": "1", "Ext__c": "O'Neil \\ \"x\" ü\n", "n": -(2**63), "x": 0.1 + 0.2, "d": "12345678901234567890.123456789"},
    {"id": "2", "Ext__c": "", "n": 2**63 - 1, "x": 1e-300, "d": "-0.5", "yes": True, "at": "1969-12-31T23:59:59.5Z"},
    {"id": "3", "yes": False, "at": "9999-12-31T23:59:59.999999Z", "day": "0001-01-01", "tree": {"b": [1, None], "a": "x"}},
    {"id": "4", "x": -0.0, "day": "2024-02-29", "d": "0", "n": 0},
    {"id": "a'b|c=1:x", "x": 123456789.123456789, "Ext__c": "|n=1:2"},
]  # fmt: skip


@pytest.fixture(params=[0, 5000], ids=["far", "near"])
def landing(request, tmp_path, bigquery):
    made = FarLanding(open_far(bigquery, tmp_path / "work.duckdb", request.param))
    yield made
    made.warehouse.local.close()


@pytest.fixture
def near(tmp_path, bigquery):
    made = FarLanding(open_far(bigquery, tmp_path / "work.duckdb"))
    yield made
    made.warehouse.local.close()


def is_near(landing: FarLanding) -> bool:
    return bool(landing.warehouse.near._limit)


def ref(landing: FarLanding, suffix: str = "") -> TableRef:
    return TableRef(landing.dataset, f"contacts{suffix}")


def outside(landing: FarLanding, sql: str) -> None:
    """What somebody else does over there; `{}` stands for the resource's table."""
    landing.there(sql.replace("{}", f"`{landing.dataset}`.`contacts`").replace("{raw}", f"`{landing.dataset}`.`contacts__raw`"))  # fmt: skip


# ---- what is asked ----------------------------------------------------------------------------------------


def test_an_idle_round_issues_no_billed_statement(near):
    """The usual re-read included, and a complete list that shows what it showed."""
    rows = [row(str(key), "a", seen=moment(1)) for key in range(300)]
    near.resource = replace(near.resource, keep_raw=86400.0 * 30)
    near.land(page(*rows, at=1), position={"p": 1})
    near.land(page(row("1", "b"), at=2), position={"p": 1})
    before = near.asked()
    result = near.land(page(*rows[5:50], at=1), page(row("1", "b"), at=2), position={"p": 1})
    near.land(
        page(row("1", "b"), at=2), page(*rows[:1], *rows[2:], at=1), position={"p": 1}, scopes=(Scope(),)
    )
    near.land(position={"p": 1})
    assert (result.rows_in, result.rows_out) == (46, 0)
    assert near.asked() == before


def test_an_idle_round_without_rows_asks_nothing_of_tables_too_large_to_be_here(landing):
    landing.land(page(row("1", "a"), at=1), position={"p": 1})
    before = landing.asked()
    landing.land(position={"p": 1})
    assert landing.asked() == before
    landing.land(page(row("1", "a"), at=1), position={"p": 1})
    assert landing.asked() - before == ({} if is_near(landing) else {"SELECT": 1})


@pytest.mark.parametrize("rows", [1, 150, 1200])
def test_a_round_costs_the_same_whatever_its_rows(landing, monkeypatch, rows):
    """One script, and of tables that are not here one look at the keys, one for the stretch and one at the current rows."""
    monkeypatch.setattr("tailrace.land.reading.batch_rows", lambda columns: 100)
    landing.writer = None
    landing.land(*(page(row(str(key), "a"), at=1) for key in range(1200)))
    before = landing.asked()
    items = [item for key in range(rows) for item in (page(row(str(key), "b"), at=2), Checkpoint({"n": key}))]
    result = landing.land(*items)
    asked = landing.asked() - before
    loads = asked.pop("loads", 0)
    assert result.rows_out == rows
    assert asked == SCRIPT + Counter({"SELECT": 0 if is_near(landing) else 3})
    assert loads <= 9
    assert_folds(landing)


def test_what_grew_too_large_to_be_here_is_read_over_there(tmp_path, bigquery):
    landing = FarLanding(open_far(bigquery, tmp_path / "work.duckdb", 100))
    landing.land(*(page(row(str(key), "a"), at=1) for key in range(150)))
    landing.land(*(page(row(str(key), "b"), at=2) for key in range(160)))
    assert not landing.warehouse.near.is_both(ref(landing))
    assert landing.count() == 160 and landing.count("__changes") == 310
    assert_folds(landing)
    landing.warehouse.local.close()


# ---- how it is written ------------------------------------------------------------------------------------


def test_dlt_loads_what_an_insert_writes(near, monkeypatch):
    """Types, names, a column that comes up in the middle of a read; and what was loaded is gone once it was taken over."""
    ends, others = [], near.warehouse.jobs.tables("tailrace_stage")
    for writer, few in ((DltWriter(), 20_000), (None, 1), (None, 20_000)):
        monkeypatch.setattr(raw, "FEW_ROWS", few)
        landing = FarLanding(near.warehouse, source=Scripted(EVERY), writer=writer)
        loads = near.warehouse.jobs.tally.loads
        landing.land(page(*ODD, at=1))
        landing.land(page({"id": "1", "yes": "maybe"}, {"id": "2", "Ext__c": "b"}, at=2), gone("3", at=3))
        assert (near.warehouse.jobs.tally.loads - loads) == (1 if few == 20_000 and writer is None else 2)
        assert_folds(landing, cursors=())
        ends.append([landing.rows(table, order) for table, order in (("", "id"), ("__changes", "_seq"), ("__raw", "_raw_seq"), ("__keys", "id"))])  # fmt: skip
    assert ends[0] == ends[1] == ends[2]
    assert set(near.warehouse.jobs.tables("tailrace_stage")) <= set(others)


def test_the_hash_is_the_same_on_every_engine(landing):
    landing.source = Scripted(EVERY)
    here = Landing(source=Scripted(EVERY))
    for one in (landing, here):
        one.land(page(*ODD, at=1))
        one.source.declared = replace(EVERY, columns=(*EVERY.columns, Column("later")))
        one.land(page({**ODD[0], "later": "x"}, {**ODD[3], "x": 0.25}, at=2), gone("3", at=3))
    keys = [{name: found[name] for name in ("id", "_version_at", "_deleted", "_shape", "_hash")} for found in landing.rows("__keys")]  # fmt: skip
    assert keys == here.rows("__keys") and len(keys) == 5
    assert landing.rows("", "id") == here.rows("", "id")
    assert landing.rows("__changes", "_seq") == here.rows("__changes", "_seq")


def test_raw_rows_and_the_log_lie_by_days_and_all_by_their_key(near):
    near.land(page(row("1", "a"), at=1))
    made = {suffix: near.warehouse.jobs.client.get_table(f"{near.dataset}.contacts{suffix}") for suffix in ("", "__keys", "__raw", "__changes")}  # fmt: skip
    days = {
        suffix: table.time_partitioning and table.time_partitioning.field for suffix, table in made.items()
    }
    assert days == {"": None, "__keys": None, "__raw": "_seen_at", "__changes": "_seen_at"}
    assert all(table.clustering_fields == ["id"] for table in made.values())


# ---- what may happen in between ---------------------------------------------------------------------------


def test_rows_that_a_killed_runs_load_job_brings_late_change_nothing(landing):
    landing.land(page(row("1", "a"), row("2", "b"), at=1))
    before = {suffix: landing.rows(suffix, "1") for suffix in ("", "__changes", "__keys")}
    jobs = landing.warehouse.jobs
    jobs.ensure_dataset("tailrace_stage")
    late = pa.table({"id": ["2"], "email": ["late"], "_raw_seq": [3]})
    jobs.load(late, TableRef("tailrace_stage", "raw_ofakilledrun_1"))
    outside(
        landing, "INSERT INTO {raw} (id, email, _raw_seq, _deleted, _shape) VALUES ('2', 'late', 3, FALSE, 1)"
    )
    landing.land(position={"p": 9})
    assert {suffix: landing.rows(suffix, "1") for suffix in ("", "__changes", "__keys")} == before
    landing.land(page(row("3", "c"), at=2))
    assert [found["email"] for found in landing.rows()] == ["a", "b", "c"]
    assert_folds(landing)
    jobs.client.delete_table(f"{jobs.project}.tailrace_stage.raw_ofakilledrun_1")


def test_old_raw_rows_go_once_a_day_and_for_nothing_where_none_came(landing):
    landing.resource = replace(landing.resource, keep_raw=86400.0)
    landing.land(page(row("1", "a"), row("2", "a"), at=1))
    landing.land(page(row("1", "b"), at=2), gone("2", at=3))
    landing.at += timedelta(days=3)
    landing.land(page(row("1", "c"), at=4))
    kept = [(found["id"], found["email"]) for found in landing.rows("__raw", "_raw_seq")]
    assert kept == [("1", "b"), ("2", None), ("1", "c")]
    before = landing.asked()
    landing.land(position={"at": 3})
    assert landing.asked() == before, "it was done today"
    landing.at += timedelta(days=3)
    landing.land(position={"at": 3})
    assert [found["email"] for found in landing.rows("__raw", "_raw_seq")] == [None, "c"]
    landing.at += timedelta(days=3)
    before = landing.asked()
    landing.land(position={"at": 3})
    assert landing.asked() == before, "no row came since"
    assert_folds(landing)


@pytest.mark.parametrize("dropped", [(), ("",), ("__keys",), ("__changes",), ("", "__keys", "__changes")])
def test_replay_rebuilds_from_the_raw_rows_over_there(landing, dropped):
    landing.land(page(row("1", "a", score=1), row("2", "b"), row("3", "c"), at=1))
    landing.land(page(row("1", "a2"), at=2), gone("2", at=2))
    landing.land(page(row("1", "late"), at=1.5), page(row("2", "back"), at=3))
    before = {suffix: landing.rows(suffix, "_seq" if suffix == "__changes" else "id") for suffix in ("", "__changes", "__keys")}  # fmt: skip
    if not dropped:
        outside(landing, "UPDATE {} SET email = 'oops' WHERE TRUE")
        landing.warehouse.refresh()
    for suffix in dropped:
        outside(landing, f"DROP TABLE `{landing.dataset}`.`contacts{suffix}`")
    asked = landing.asked()
    landing.warehouse.near._compared.clear()  # as in a run of its own
    done = replay(landing.warehouse, ref(landing), None, changes=True)
    told = landing.asked() - asked
    assert told == SCRIPT, "nothing is read but by listing"
    assert {
        suffix: landing.rows(suffix, "_seq" if suffix == "__changes" else "id") for suffix in before
    } == before
    assert (done.keys, done.rows) == (3, 7)
    assert landing.land(page(row("1", "a2"), at=2)).rows_out == 0


def test_days_of_raw_rows_are_replayed_alone(landing):
    landing.step = timedelta(days=1)
    landing.land(page(row("1", "a"), at=1))
    first: date = landing.rows("__raw")[0]["_seen_at"].date()
    landing.land(page(row("2", "b"), at=1))
    outside(landing, "UPDATE {} SET email = 'oops' WHERE TRUE")
    landing.warehouse.refresh()
    assert replay(landing.warehouse, ref(landing), (first, first), changes=True).keys == 1
    assert [found["email"] for found in landing.rows()] == ["a", "oops"]


def test_a_table_that_vanished_is_rebuilt_by_the_next_run(landing, tmp_path, bigquery):
    landing.land(page(row("1", "a"), row("2", "b"), at=1))
    before = landing.rows()
    outside(landing, "DROP TABLE {}")
    again = reopened(landing)
    again.land(page(row("1", "a"), at=1))
    assert again.rows() == before
    assert_folds(again)


def reopened(landing: FarLanding) -> FarLanding:
    """The same files and dataset in a run of its own."""
    path, client, limit = landing.warehouse.path, landing.warehouse.jobs.client, landing.warehouse.near._limit
    landing.warehouse.local.close()
    landing.warehouse = open_far(client, path, limit)
    return landing


def test_a_column_that_somebody_added_stays_and_is_left_alone(landing):
    landing.land(page(row("1", "a"), row("2", "b"), at=1))
    outside(landing, "ALTER TABLE {} ADD COLUMN theirs STRING")
    outside(landing, "UPDATE {} SET theirs = 'x' WHERE TRUE")
    again = reopened(landing)
    again.land(page(row("1", "c"), at=2))
    assert [(found["email"], found["theirs"]) for found in again.rows()] == [("c", "x"), ("b", "x")]


def test_a_column_of_another_type_is_refused_with_its_name(landing):
    landing.land(page(row("1", "a", score=1), at=1))
    outside(landing, "DROP TABLE {raw}")
    outside(landing, "CREATE TABLE {raw} (id STRING, email INT64, _seen_at TIMESTAMP)")
    again = reopened(landing)
    with pytest.raises(SchemaError, match=r"'email' of .*contacts__raw is BIGINT, and VARCHAR"):
        again.land(page(row("1", "c"), at=2))


def test_new_columns_are_added_on_both_sides(landing):
    landing.land(page(row("1", "a"), at=1))
    landing.source.declared = Schema((*landing.source.declared.columns, Column("city"), Column("n", "bigint")), ("id",), ("seen",))  # fmt: skip
    before = landing.asked()
    landing.land(page(row("1", "a", city="x", n=5), row("2", "b", score="odd"), at=2))
    # raw, current and log each get the declared columns at once, and later the variant that was met
    assert (landing.asked() - before)["ALTER_TABLE"] == 6
    assert [(found["city"], found["n"], found["score__v_text"]) for found in landing.rows()] == [("x", 5, None), (None, None, "odd")]  # fmt: skip
    assert_folds(landing)


def test_a_log_that_is_turned_on_later_begins_with_the_rows_as_they_are(landing):
    landing.changes = False
    landing.land(page(row("1", "a"), row("2", "b"), at=1))
    landing.changes = True
    landing.land(page(row("2", "c"), at=2))
    assert [(found["_op"], found["email"]) for found in landing.rows("__changes", "_seq")] == [("insert", "a"), ("insert", "b"), ("update", "c")]  # fmt: skip
    assert_folds(landing)
    outside(landing, f"DROP TABLE `{landing.dataset}`.`contacts__changes`")
    again = reopened(landing)
    again.land(page(row("3", "d"), at=3))
    assert_folds(again)


def test_reconcile_says_what_differs(landing):
    landing.land(page(row("1", "a"), row("2", "b"), row("3", "c"), at=1))
    landing.source.items = [page(row("1", "a"), row("4", "d"), at=1), page(row("2", "b"), at=5), Checkpoint({}, (Scope(),))]  # fmt: skip
    found = reconcile(landing.warehouse, landing.source, landing.resource, ref(landing))
    assert (found.missing.keys, found.surplus.keys, found.behind.keys) == (("4",), ("3",), ("2",))


def test_the_cursor_is_read_on_another_machine(landing, tmp_path, bigquery):
    landing.land(page(row("1", "a"), at=1), position={"p": 1})
    other = open_far(bigquery, tmp_path / "other.duckdb")
    other.refresh()
    elsewhere = replace(landing, warehouse=other)
    elsewhere.land(page(row("1", "b"), at=2), position={"p": 2})
    assert landing.source.asked[-1] == {"p": 1}
    assert read_cursor(other, str(ref(landing))).position == '{"p":2}'
    assert_folds(elsewhere)
    other.local.close()
