"""Views of the last complete run: whoever reads between any two steps of a publication sees one run, and never two."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

import pytest

from tailrace.errors import FatalError
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery import complete
from tailrace.warehouse.bigquery.complete import Live
from tailrace.warehouse.bigquery.complete_sql import Shown, asking, rewritten
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Stopped(Exception):
    """What a kill is to the process."""


class House:
    """A schema with two tables and a view over both, which every run makes anew."""

    def __init__(self, warehouse: BigQueryWarehouse, client) -> None:
        self.warehouse, self.client = warehouse, client
        self.schema = f"s{secrets.token_hex(3)}"
        self.seen: list[list[tuple]] = []
        self.stop_after = 0
        self._jobs = 0
        warehouse.jobs.ensure_dataset(self.schema)
        self._execute = warehouse.jobs.execute
        warehouse.jobs.execute = self.watched  # type: ignore[method-assign]

    def watched(self, sql: str) -> int:
        """A job, and what a reader sees behind it."""
        done = self._execute(sql)
        self._jobs += 1
        self.seen.append(self.read())
        if self._jobs == self.stop_after:
            raise Stopped
        return done

    def ref(self, name: str) -> TableRef:
        return TableRef(self.schema, name)

    def build(self, number: int, more: str = "") -> None:
        for name in ("a", "b"):
            columns = f"{number} AS run, '{name}{number}' AS word{more}"
            self._execute(f"CREATE OR REPLACE TABLE `{self.schema}`.`{name}` AS SELECT {columns}")
        self._execute(f"CREATE OR REPLACE VIEW `{self.schema}`.`both` AS {self.view}")
        self.number = number

    @property
    def view(self) -> str:
        return f"SELECT a.run AS run, b.word AS word FROM `{self.schema}`.`a` AS a JOIN `{self.schema}`.`b` AS b ON a.run = b.run"

    def live(self) -> list[Live]:
        """The view first, as names have it."""
        version = str(self.number)
        tables = [Live(self.ref(name), version) for name in ("a", "b")]
        return [Live(self.ref("both"), "", self.view), *tables]

    def publish(self, stop_after: int = 0) -> int:
        self._jobs, self.stop_after = 0, stop_after
        moved = complete.publish(self.warehouse, self.live(), run_id=f"run{self.number}", now=NOW)
        with self.warehouse.transaction():
            complete.settle(self.warehouse)
        return moved

    def read(self) -> list[tuple]:
        """All three views in one query, as a dashboard joins them; [] where they are not there yet."""
        shown = f"{self.schema}_complete"
        there = {table.table_id for table in self.client.list_tables(shown)} if self._has(shown) else set()
        if not {"a", "b", "both"} <= there:
            return []
        sql = f"SELECT 'a', run FROM {shown}.a UNION ALL SELECT 'b', run FROM {shown}.b UNION ALL SELECT 'both', run FROM {shown}.both"
        return sorted(tuple(row) for row in self.client.query(sql).result())

    def _has(self, dataset: str) -> bool:
        return dataset in {one.dataset_id for one in self.client.list_datasets()}

    def run(self, number: int) -> list[tuple]:
        return [("a", number), ("b", number), ("both", number)]


@pytest.fixture
def house(tmp_path, bigquery):
    local = DuckDBWarehouse(tmp_path / "work.duckdb")
    jobs = Jobs(bigquery, {"project": bigquery.project, "location": "US"})
    yield House(BigQueryWarehouse(local, jobs), bigquery)
    local.close()


def test_a_reader_sees_one_run_between_any_two_steps(house):
    house.build(1)
    assert house.publish() == 3
    house.build(2)
    house.seen.clear()
    assert house.publish() == 2  # the view's definition is the same, so it follows its tables
    assert house.seen[0] == house.run(1)
    assert house.seen[-1] == house.run(2)
    assert all(seen in (house.run(1), house.run(2)) for seen in house.seen), house.seen
    assert len(house.seen) >= 4


def test_nothing_changed_asks_nothing(house):
    house.build(1)
    house.publish()
    before = dict(house.warehouse.jobs.tally.statements)
    assert house.publish() == 0
    assert house.warehouse.jobs.tally.statements == before


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_a_publication_that_was_killed_is_done_by_the_next(house, step):
    house.build(1)
    house.publish()
    house.build(2, ", 7 AS extra")
    house.seen.clear()
    try:
        house.publish(stop_after=step)
    except Stopped:
        assert house.read() in (house.run(1), house.run(2))
    house.build(3)
    house.publish()
    assert all(seen in (house.run(1), house.run(2), house.run(3)) for seen in house.seen), house.seen
    assert house.read() == house.run(3)


def test_a_view_reads_one_clone_and_older_ones_go(house):
    for number in (1, 2, 3, 4):
        house.build(number)
        house.publish()
    clones = [one.table_id for one in house.client.list_tables("tailrace_published")]
    mine = [name for name in clones if name.startswith(f"{house.schema}__")]
    assert len(mine) == 4  # of each table what is shown, and what was before it


def test_columns_come_go_and_change_their_type(house):
    house.build(1, ", 1 AS gone, 5 AS turned")
    house.publish()
    house.build(2, ", 'x' AS came, 'y' AS turned")
    house.seen.clear()
    house.publish()
    assert all(seen in (house.run(1), house.run(2)) for seen in house.seen), house.seen
    [row] = house.client.query(f"SELECT * FROM {house.schema}_complete.a").result()
    assert dict(row) == {"run": 2, "word": "a2", "came": "x", "turned": "y"}


def test_the_run_before_comes_back_once(house):
    house.build(1)
    house.publish()
    with pytest.raises(FatalError, match="no run before"):
        complete.roll_back(house.warehouse, run_id="back", now=NOW)
    house.build(2)
    house.publish()
    house.seen.clear()
    assert complete.roll_back(house.warehouse, run_id="back", now=NOW) == 2
    assert house.read() == house.run(1)
    assert all(seen in (house.run(1), house.run(2)) for seen in house.seen)
    with pytest.raises(FatalError, match="no run before"):
        complete.roll_back(house.warehouse, run_id="again", now=NOW)
    assert house.publish() == 2
    assert house.read() == house.run(2)


def test_views_name_the_project_since_readers_bill_their_own(house, monkeypatch):
    sent, execute = [], house.warehouse.execute
    monkeypatch.setattr(
        house.warehouse, "execute", lambda sql, *more: (sent.append(sql), execute(sql, *more))
    )
    house.build(1)
    house.publish()
    views = [one for sql in sent for one in str(sql).split(";\n") if one.startswith("CREATE OR REPLACE VIEW")]
    assert len(views) == 6
    named = [name for one in views for name in re.findall(r"\b(?:FROM|JOIN|VIEW) ([`\w].*?)\.", one)]
    assert set(named) == {f"`{house.client.project}`"}


def test_a_table_that_is_gone_loses_its_view(house):
    house.build(1)
    house.publish()
    house.live_before = house.live
    house.live = lambda: [one for one in House.live(house) if one.ref.name != "b"]  # type: ignore[method-assign]
    house.publish()
    there = {one.table_id for one in house.client.list_tables(f"{house.schema}_complete")}
    assert there == {"a", "both"}


def test_a_views_names_and_nothing_else_are_written_anew():
    sql = (
        "SELECT 'FROM s.t' AS q FROM `s`.`t` JOIN other.t ON true -- s.t\nWHERE x IN (SELECT y FROM `p.s.u`)"
    )
    told = rewritten(sql, frozenset({TableRef("s", "t"), TableRef("s", "u")}))
    assert told == (
        "SELECT 'FROM s.t' AS q FROM `s_complete`.`t` JOIN other.t ON true -- s.t\n"
        "WHERE x IN (SELECT y FROM `s_complete`.`u`)"
    )


def test_what_google_gets_while_a_view_moves():
    old = Shown(
        1, "SELECT * FROM `tailrace_published`.`s__t__1`", {"id": "INT64", "n": "INT64", "gone": "DATE"}
    )
    new = Shown(
        2,
        "SELECT * FROM `tailrace_published`.`s__t__2`",
        {"id": "INT64", "n": "STRING", "came": "ARRAY<STRING>"},
    )
    assert asking(TableRef("s", "t"), old, new) == (
        "CREATE OR REPLACE VIEW `s_complete`.`t` AS\n"
        "SELECT `id`, SAFE_CAST(`n` AS STRING) AS `n`, (SELECT `came` FROM (\nSELECT * FROM `tailrace_published`.`s__t__2`\n) LIMIT 0) AS `came`,"
        " `gone` FROM (\nSELECT * FROM `tailrace_published`.`s__t__1`\n) WHERE EXISTS (SELECT 1 FROM `tailrace_meta`.`published`"
        " WHERE relation = 's.t' AND number = 1)\n"
        "UNION ALL\n"
        "SELECT `id`, `n`, `came`, (SELECT `gone` FROM (\nSELECT * FROM `tailrace_published`.`s__t__1`\n) LIMIT 0) AS `gone` FROM"
        " (\nSELECT * FROM `tailrace_published`.`s__t__2`\n) WHERE EXISTS (SELECT 1 FROM `tailrace_meta`.`published`"
        " WHERE relation = 's.t' AND number = 2)"
    )
