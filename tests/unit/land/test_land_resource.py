"""One resource landed again and again: what is written, what is not, and what an error leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
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
    open_file,
    page,
    row,
)

from tailrace.errors import FatalError, Unavailable
from tailrace.events import Notice, Progress, StepFinished, listening
from tailrace.land import raw, reading
from tailrace.land.raw import DltWriter


def test_counts_and_events():
    landing, heard = Landing(), []
    with listening(heard.append):
        landing.land(page(row("1", "a"), row("2", "b"), row("3", "c"), at=1))
        result = landing.land(page(row("1", "x"), row("2", "b"), row("4", "d"), at=2), gone("3", at=2))
    assert (result.rows_in, result.rows_out) == (4, 3)
    assert result.detail == {"inserted": 1, "updated": 1, "deleted": 1, "touched": 1}
    assert [event.rows_out for event in heard if isinstance(event, StepFinished)] == [3, 3]
    assert [event.done for event in heard if isinstance(event, Progress)] == [3, 3, 4]
    assert_folds(landing)


def test_the_log_keeps_the_row_after_a_change_and_before_a_delete():
    landing = Landing()
    landing.land(page(row("1", "a"), at=1))
    landing.land(page(row("1", "b"), at=2))
    landing.land(gone("1", at=3))
    found = [
        (
            change["_op"],
            change["email"],
            change["_changed_at"].second,
            change["_run_id"],
            change["_changed_fields"],
        )
        for change in landing.rows("__changes", "_seq")
    ]
    assert found == [
        ("insert", "a", 1, "run1", None),
        ("update", "b", 2, "run2", "email"),
        ("delete", "b", 3, "run3", None),
    ]


def test_an_echo_moves_the_cursor_column_and_logs_nothing():
    landing = Landing()
    landing.land(page(row("1", "a", seen=moment(1)), at=1))
    versions = "SELECT data_version, touch_version FROM tailrace_meta.cursors"
    before = landing.warehouse.query(versions)[0]
    result = landing.land(page(row("1", "a", seen=moment(9)), at=9))
    assert result.rows_out == 0 and result.detail["touched"] == 1 and landing.count("__changes") == 1
    assert landing.rows()[0]["seen"].second == 9
    after = landing.warehouse.query(versions)[0]
    assert after[0] == before[0] and after[1] > before[1]


def test_a_key_of_several_columns():
    schema = Schema((Column("from"), Column("to", "bigint"), Column("kind")), ("from", "to"))
    landing = Landing(source=Scripted(schema))
    rows = [{"from": one, "to": other, "kind": "k"} for one in "ab" for other in (1, 2)]
    landing.land(page(*rows, at=1))
    landing.land(
        page({"from": "a", "to": 1, "kind": "z"}, at=2), page({"from": "b", "to": 2}, at=3, deleted=True)
    )
    assert [(found["from"], found["to"], found["kind"]) for found in landing.rows(order="1, 2")] == [
        ("a", 1, "z"),
        ("a", 2, "k"),
        ("b", 1, "k"),
    ]
    assert_folds(landing)


def test_a_table_of_keys_alone():
    landing = Landing(source=Scripted(Schema((Column("id"),), ("id",))))
    landing.land(page({"id": "1"}, {"id": "2"}), scopes=(Scope(),))
    landing.land(page({"id": "2"}), scopes=(Scope(),))
    assert landing.rows() == [{"id": "2"}]
    assert_folds(landing)


def test_rows_without_a_key_hold_back_only_themselves():
    landing, heard = Landing(), []
    with listening(heard.append):
        result = landing.land(page(row("1", "a"), row(None, "b"), {"email": "c"}, row("2", "d"), at=1))
    assert [found["id"] for found in landing.rows()] == ["1", "2"] and result.rows_in == 4
    assert [event.text for event in heard if isinstance(event, Notice)] == [
        "crm.contacts: 2 rows have no usable key and were left out"
    ]


def test_without_a_change_log():
    landing = Landing(changes=False)
    landing.land(page(row("1", "a"), row("2", "a"), at=1))
    result = landing.land(page(row("1", "b"), row("1", "a"), at=2), gone("2", at=2))
    assert landing.columns("__changes") == {} and landing.count("__keys") == 2 and result.rows_out > 0
    assert [found["id"] for found in landing.rows()] == ["1"]


def test_a_tombstone_before_its_row_keeps_the_row_out():
    landing = Landing()
    landing.land(page(row("1", "a"), at=1))
    assert landing.land(gone("9", at=5)).rows_out == 0
    assert landing.land(page(row("9", "late"), at=4)).rows_out == 0
    assert [found["id"] for found in landing.rows()] == ["1"]
    assert landing.land(page(row("9", "back"), at=6)).detail["inserted"] == 1


def test_scopes_end_only_what_they_cover():
    schema = Schema((Column("id"), Column("account"), Column("day", "date")), ("id",))
    landing = Landing(source=Scripted(schema))
    rows = [
        {"id": f"{account}{day}", "account": account, "day": f"2024-01-0{day}"}
        for account in "ab"
        for day in range(1, 5)
    ]
    landing.land(page(*rows))
    window = Scope(equals={"account": ("a",)}, between=("day", "2024-01-02", "2024-01-03"))
    result = landing.land(page(rows[1]), scopes=(window,))
    assert result.detail["deleted"] == 1
    assert sorted(found["id"] for found in landing.rows()) == ["a1", "a2", "a4", "b1", "b2", "b3", "b4"]
    assert (
        landing.rows("__changes", "_seq")[-1]["_changed_at"]
        == landing.rows("__changes", "_seq")[-1]["_seen_at"]
    )
    assert_folds(landing)


def test_a_scopes_tombstone_holds_although_the_vendors_clock_is_ahead():
    landing = Landing()
    landing.land(page(row("1", "a"), at=9_000))
    landing.land(scopes=(Scope(),))
    assert landing.rows() == []


def test_old_raw_rows_go_even_where_nothing_new_arrives():
    """All but the newest of each record, which replay begins from."""
    landing = Landing()
    landing.resource = replace(landing.resource, keep_raw=3600.0)
    landing.land(page(row("1", "a"), row("2", "a"), at=1))
    landing.land(page(row("1", "b"), at=2), gone("2", at=3))
    landing.at += timedelta(hours=2)
    landing.land(page(row("1", "c"), at=4))
    kept = [(found["id"], found["email"]) for found in landing.rows("__raw", "_raw_seq")]
    assert kept == [("1", "b"), ("2", None), ("1", "c")]
    landing.at += timedelta(hours=2)
    landing.land(position={"at": 3})
    assert [found["email"] for found in landing.rows("__raw", "_raw_seq")] == [None, "c"]
    assert_folds(landing)


def test_an_error_leaves_everything_up_to_the_last_checkpoint(tmp_path):
    landing = Landing()
    landing.source.items = [
        page(row("1", "a"), at=1),
        Checkpoint({"page": 1}),
        page(row("2", "a"), at=1),
        Unavailable("the vendor is down"),
    ]
    with pytest.raises(Unavailable):
        landing.again()
    assert [found["id"] for found in landing.rows()] == ["1"] and landing.count("__raw") == 1
    landing.land(page(row("2", "a"), at=1))
    assert landing.source.asked[-1] == {"page": 1} and landing.count() == 2
    assert_folds(landing)


def test_an_error_before_any_checkpoint_leaves_nothing():
    landing = Landing()
    landing.source.items = [page(row("1", "a"), at=1), Unavailable("the vendor is down")]
    with pytest.raises(Unavailable):
        landing.again()
    assert landing.count() == landing.count("__raw") == landing.count("__changes") == 0
    assert landing.warehouse.query("SELECT count(*) FROM tailrace_meta.cursors") == [(0,)]


@pytest.mark.parametrize("broken", [KeyError("properties"), page(row("1"), at=1)])
def test_a_connectors_bug_fails_its_resource(broken):
    """An exception of no kind of ours, and a read that ends without a checkpoint."""
    landing = Landing()
    landing.source.items = [broken]
    with pytest.raises(FatalError, match=r"crm\.contacts"):
        landing.again()
    assert landing.count() == 0


def test_a_dropped_table_is_read_again():
    landing = Landing()
    landing.land(page(row("1", "a"), at=1))
    landing.warehouse.execute("DROP TABLE crm.contacts")
    landing.land(page(row("1", "a"), at=1))
    assert landing.source.asked == [None, {"at": 1}] and landing.count() == 1, (
        "its raw rows tell what it held"
    )
    assert_folds(landing)
    for table in ("", "__raw"):
        landing.warehouse.execute(f'DROP TABLE crm."contacts{table}"')
    landing.land(page(row("1", "a"), at=1))
    assert landing.source.asked[-1] is None and landing.count() == 1


def test_late_wide_and_repeated_numbers(monkeypatch):
    """Many small batches and transactions give what one gives."""
    monkeypatch.setattr(reading, "batch_rows", lambda columns: 3)
    monkeypatch.setattr(reading, "COMMIT_ROWS", 4)
    landing = Landing()
    pages = [page(*(row(str(key), f"e{number}") for key in range(5)), at=number) for number in range(4)]
    items = [item for number, one in enumerate(pages) for item in (one, Checkpoint({"n": number}))]
    landing.land(*items)
    assert {found["email"] for found in landing.rows()} == {"e3"} and landing.count("__changes") == 20
    assert_folds(landing)


def test_a_raw_row_loaded_twice_counts_once():
    landing = Landing()
    landing.land(page(row("1", "a"), at=1))
    landing.writer = Twice()
    landing.land(page(row("1", "b"), row("2", "a"), at=2))
    assert landing.count("__changes") == 3 and landing.count() == 2
    assert_folds(landing)


class Twice(type(Landing().writer)):
    def append(self, warehouse, raw, batches):
        for batch in list(batches):
            super().append(warehouse, raw, iter([batch, batch]))


# ---- through dlt -----------------------------------------------------------------------------------------


def test_dlt_gives_what_arrow_gives(tmp_path):
    """Types, names, a column that appears in the middle of a read, tombstones, and a second run over the first."""
    ends = []
    for writer, path in ((DltWriter(), tmp_path / "w.duckdb"), (None, None)):
        landing = open_file(path, writer=writer) if path else Landing()
        landing.source.declared = Schema(
            (
                Column("id"),
                Column("Weird name", "decimal"),
                Column("ü", "bool"),
                Column("born", "date"),
                Column("seen", "timestamp"),
            ),
            ("id",),
            ("seen",),
        )
        first = {"Weird name": "1.25", "ü": "true", "born": "2000-02-29", "seen": moment(1)}
        landing.land(page({"id": "1", **first}, {"id": "2", "born": "never"}, at=1))
        landing.land(page({"id": "1", **first, "ü": False}, {"id": "3", "ü": "maybe"}, at=2), gone("2", at=3))
        assert_folds(landing)
        ends.append(
            [
                landing.rows(table, "1, 5" if table == "__changes" else "_raw_seq" if table else "1")
                for table in ("", "__raw", "__changes", "__keys")
                if table != "__keys"
            ]
        )
        assert not list(tmp_path.glob("*.landing"))
    assert ends[0] == ends[1]
    assert "DLT_DATA_DIR" not in os.environ


@pytest.mark.parametrize(("rows", "through"), [(3, "INSERT"), (4, "dlt"), (9, "dlt")])
def test_a_small_round_spares_dlt_and_lands_the_same(tmp_path, monkeypatch, rows, through):
    monkeypatch.setattr(raw, "FEW_ROWS", 3)
    monkeypatch.setattr(reading, "batch_rows", lambda columns: 2)
    asked = []
    whole = DltWriter.append
    monkeypatch.setattr(DltWriter, "append", lambda *given: (asked.append("dlt"), whole(*given))[1])
    landing = open_file(tmp_path / "w.duckdb", writer=None)
    landing.land(page(row("0", "first"), at=1))
    assert asked == ["dlt"], "a first load goes through dlt however small it is"
    landing.land(*(page(row(str(number), "later"), at=2) for number in range(rows)))
    assert asked[1:] == (["dlt"] if through == "dlt" else [])
    assert [found["email"] for found in landing.rows()] == ["later"] * rows
    assert [found["_raw_seq"] for found in landing.rows("__raw", "_raw_seq")] == list(range(1, rows + 2))
    assert_folds(landing)


def test_an_idle_read_writes_nothing_and_imports_no_dlt(tmp_path):
    landing = open_file(tmp_path / "w.duckdb")
    landing.land(page(row("1", "a"), row("2", "b"), at=1), position={"p": 1})
    landing.warehouse.checkpoint()
    landing.warehouse.close()
    before = [
        (path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(tmp_path.iterdir())
    ]
    code = """
import sys
from pathlib import Path
from tailrace.land.raw import DltWriter
from tests.unit.land.scripted import Scope, open_file, page, row
landing = open_file(Path(sys.argv[1]), writer=DltWriter())
result = landing.land(page(row("2", "b"), row("1", "a"), at=1), position={"p": 1}, scopes=(Scope(),))
assert (result.rows_in, result.rows_out) == (2, 0), result
landing.warehouse.close()
print(sorted({"dlt", "pandas", "sqlalchemy", "great_expectations"} & sys.modules.keys()))
"""
    environment = {**os.environ, "PYTHONPATH": f"src{os.pathsep}."}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "w.duckdb")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert [
        (path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(tmp_path.iterdir())
    ] == before


def test_a_later_sweep_takes_back_what_an_earlier_one_wrongly_ended():
    """A listing that slid while it was read; the row still has its old version when it is shown again."""
    landing = Landing()
    landing.land(page(row("1", "a"), row("2", "a"), at=1), scopes=(Scope(),))
    landing.land(page(row("1", "a"), at=1), scopes=(Scope(),))
    assert landing.land(page(row("2", "a"), at=1)).rows_out == 0
    assert landing.land(page(row("1", "a"), row("2", "a"), at=1), scopes=(Scope(),)).detail["inserted"] == 1
    assert [found["id"] for found in landing.rows()] == ["1", "2"]
    again = landing.land(page(row("1", "a"), row("2", "a"), at=1), scopes=(Scope(),))
    assert again.rows_out == 0 and again.detail["touched"] == 0
    assert_folds(landing)


def test_a_sweep_takes_nothing_back_that_the_vendor_called_deleted():
    landing = Landing()
    landing.land(page(row("1", "a"), row("2", "a"), at=1), scopes=(Scope(),))
    landing.land(gone("2", at=5))
    landing.land(page(row("1", "a"), row("2", "a"), at=1), scopes=(Scope(),))
    assert [found["id"] for found in landing.rows()] == ["1"]


def test_the_vendors_word_about_a_delete_is_not_replaced_by_our_conclusion():
    """A read that tells of a delete and also covers all: the tombstone keeps the vendor's time, and stands."""
    landing = Landing()
    landing.land(page(row("1", "a"), row("2", "a"), at=1), scopes=(Scope(),))
    landing.land(page(row("1", "a"), at=1), gone("2", at=0.5), scopes=(Scope(),))
    landing.land(page(row("1", "a"), row("2", "a"), at=1), scopes=(Scope(),))
    assert [found["id"] for found in landing.rows()] == ["1", "2"]
    landing.at += timedelta(minutes=1)
    landing.land(page(row("1", "a"), at=1), gone("2", at=30), scopes=(Scope(),))
    assert landing.rows("__changes", "_seq")[-1]["_changed_at"].second == 30
    landing.land(page(row("1", "a"), row("2", "a"), at=1), scopes=(Scope(),))
    assert [found["id"] for found in landing.rows()] == ["1"]
    assert_folds(landing)


def test_a_sweep_lands_what_changed_while_its_time_stood_still():
    """Properties that the vendor computes; whichever content has the greater hash, there and back again."""
    landing = Landing()
    for score in (1, 2, 3, 2, 1, 2):
        landing.land(page(row("1", "a", score=score), row("2", "b"), at=1), scopes=(Scope(),))
        assert [found["score"] for found in landing.rows()] == [score, None]
    again = landing.land(page(row("1", "a", score=2), row("2", "b"), at=1), scopes=(Scope(),))
    assert again.rows_out == 0 and landing.count("__changes") == 7
    landing.land(page(row("1", "a", score=9), at=2))
    landing.land(page(row("1", "a", score=3), at=1))
    assert landing.rows()[0]["score"] == 9
    assert_folds(landing)


def test_pages_of_one_time_give_the_same_rows_in_any_order():
    """Without a complete read nothing says which content is the present one, so the arrival does not decide."""
    ends = []
    for scores in ((1, 2, 3), (3, 1, 2), (2, 3, 1)):
        landing = Landing()
        for score in scores:
            landing.land(page(row("1", "a", score=score), at=1))
        ends.append(landing.rows())
    assert ends[0] == ends[1] == ends[2]


def test_a_connector_that_breaks_on_its_columns_fails_its_resource_with_words():
    landing = Landing()
    landing.source.schema = lambda resource: {}["name"]
    with pytest.raises(FatalError, match=r"crm\.contacts: the connector broke .*KeyError"):
        landing.land()


def test_a_checkpoint_after_each_small_page_makes_no_small_batches(monkeypatch):
    """And still everything up to the last one stands when the read breaks, and nothing behind it."""
    made = []
    whole = reading.build_batch
    monkeypatch.setattr(
        reading, "build_batch", lambda *given: (made.append(len(given[2].rows)), whole(*given))[1]
    )
    monkeypatch.setattr(reading, "batch_rows", lambda columns: 10)
    landing = Landing()
    items = [part for n in range(24) for part in (page(row(str(n), "e"), at=1), Checkpoint({"at": n}))]
    landing.source.items = [*items, page(row("behind", "e"), at=1), Unavailable("gone")]
    with pytest.raises(Unavailable):
        landing.again()
    assert made == [9, 9, 6]
    assert landing.count() == 24
    landing.land()
    assert landing.source.asked[-1] == {"at": 23}
    assert_folds(landing)
