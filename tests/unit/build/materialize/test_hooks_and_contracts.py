"""Hooks, contracts, ephemeral and late models, and what happens to the others of a transaction when one fails."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.unit.build.materialize.plot import Plot

from tailrace.build import grouping
from tailrace.build.fingerprint import decide
from tailrace.build.graph import LateSql
from tailrace.build.run import build
from tailrace.errors import FatalError, Location
from tailrace.events import Notice, listening
from tailrace.project.spec import ColumnDoc
from tailrace.warehouse.base import TableRef


@pytest.fixture
def plot():
    found = Plot()
    found.land("events", "CREATE TABLE raw.events AS SELECT i AS id, i % 2 AS kind FROM range(4) AS t(i)")
    yield found
    found.warehouse.close()


def test_hooks_run_in_the_models_transaction(plot):
    plot.warehouse.execute("CREATE TABLE raw.log (said VARCHAR)")
    hooks = {"pre_hooks": ("INSERT INTO raw.log VALUES ('before'); SELECT 1",),
             "post_hooks": ("INSERT INTO raw.log SELECT 'after ' || count(*) FROM marts.m", "  ;")}  # fmt: skip
    plot.model("m", "SELECT * FROM raw.events", reads=("events",), settings=hooks)
    plot.built()
    assert plot.warehouse.query("FROM raw.log") == [("before",), ("after 4",)]
    plot.built()
    assert len(plot.warehouse.query("FROM raw.log")) == 2
    plot.model("m", "SELECT * FROM raw.events LIMIT 0", reads=("events",),
               settings={**hooks, "post_hooks": ("SELECT nope",)})  # fmt: skip
    assert "its post_hook failed: Binder Error" in plot.error("m")
    assert len(plot.rows("m")) == 4
    assert len(plot.warehouse.query("FROM raw.log")) == 2


def test_a_changed_hook_is_a_changed_configuration(plot):
    plot.model("m", "SELECT 1 AS x")
    plot.built()
    plot.model("m", "SELECT 1 AS x", settings={"post_hooks": ("SELECT 1",)})
    assert plot.why("m") == "its configuration changed: post_hook"


def test_hooks_of_a_run_come_around_what_is_built(plot):
    plot.warehouse.execute("CREATE TABLE raw.log (said VARCHAR)")
    plot.hooks = {"start": (("", "INSERT INTO raw.log VALUES ('start')"),),
                  "end": (("", "INSERT INTO raw.log SELECT 'end ' || count(*) FROM marts.m"),)}  # fmt: skip
    plot.model("m", "SELECT * FROM raw.events", reads=("events",))
    plot.built()
    plot.built()
    assert plot.warehouse.query("FROM raw.log") == [("start",), ("end 4",)]
    plot.hooks["start"] = (("shop", "SELECT nope"),)
    plot.land("events")
    found = plot.build()
    assert "its on-run-start failed" in (found["on-run-start"].error or "")
    assert (found["m"].status, found["m"].detail["why"]) == ("skipped", "on-run-start failed")


def columns(**types: Any) -> tuple[ColumnDoc, ...]:
    return tuple(ColumnDoc(name, data_type=kind) for name, kind in types.items())


CONTRACT = {"contract": True}


def test_a_contract_in_any_order_and_in_other_words_for_types(plot):
    plot.model("m", "SELECT 1.5::DECIMAL(9, 2) AS a, 'x' AS b, 1 AS \"from\"", settings=CONTRACT,
               documented=columns(From="int", B="string", a="numeric"))  # fmt: skip
    assert plot.built() == ["m"]


@pytest.mark.parametrize("materialized", ["table", "view", "incremental"])
def test_a_broken_contract_lists_every_column_and_swaps_nothing(plot, materialized):
    plot.model("m", "SELECT 'old' AS a")
    plot.built()
    more = {"incremental": None}
    if materialized == "incremental":
        from tailrace.build.settings.incremental import Incremental

        more = {"incremental": Incremental("append")}
    plot.model("m", "SELECT 1 AS a, 2 AS c, 3 AS d", materialized, settings={**CONTRACT, **more},
               documented=columns(a="VARCHAR", b="INTEGER", c="nonsense!", d=None))  # fmt: skip
    assert plot.error("m") == (
        "models/marts/m.sql:1:1: the contract is broken: a is INTEGER and not VARCHAR; b is missing; nonsense! of c is no type;"
        " d has no data_type in the contract. mend the SQL or the contract"
    )
    assert plot.rows("m") == [("old",)]


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        ({"type": "not_null"}, "x is NULL in 1 rows"),
        ({"type": "unique"}, "x is not unique (1 values repeat)"),
        ({"type": "primary_key"}, "x is NULL in 1 rows; x is not unique (1 values repeat)"),
        ({"type": "check", "expression": "x > 1"}, "check x > 1 fails in 2 rows"),
        ({"type": "custom"}, "a constraint custom cannot be enforced here"),
    ],
)
def test_constraints_are_enforced(plot, constraint, said):
    doc = ColumnDoc("X", data_type="int", constraints=(constraint,))
    plot.model("m", "SELECT unnest([1, 1, 2, NULL]) AS x", settings=CONTRACT, documented=(doc,))
    assert f"the contract is broken: {said}." in plot.error("m")
    plot.model("m", "SELECT unnest([1, 1, 2, NULL]) AS x", settings=CONTRACT, documented=columns(x="int"),
               constraints=({**constraint, "columns": ["x"]},))  # fmt: skip
    assert f"the contract is broken: {said}." in plot.error("m")
    assert plot.warehouse.tables("marts") == {}


REFERRED = [
    {"to": "ref('Other')", "to_columns": ["k"]},
    {"expression": "marts.other (k)"},
    {"expression": 'REFERENCES "marts"."other" ( "k" )'},
]


@pytest.mark.parametrize("words", REFERRED)
def test_a_foreign_key_is_found_in_the_other_table(plot, words):
    plot.model("other", "SELECT unnest([1, 2]) AS k")
    doc = ColumnDoc("x", data_type="int", constraints=({"type": "foreign_key", **words},))
    more = {"settings": CONTRACT, "documented": (doc,), "depends_on": ("other",)}
    plot.model("m", "SELECT unnest([1, 2, 2, NULL]) AS x", **more)
    assert plot.built() == ["m", "other"]
    plot.model("m", "SELECT unnest([1, 3, 3, NULL]) AS x", **more)
    assert "the contract is broken: x is not found in " in plot.error("m")
    assert "(k) in 2 rows." in plot.error("m").replace('"marts"."other" ( "k" )', "(k)")
    assert plot.rows("m") == [(1,), (2,), (2,), (None,)]
    plot.model("other", "SELECT 1 AS k")
    plot.model("m", "SELECT unnest([1, 2]) AS x", **more)
    assert "in 1 rows" in plot.error("m")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({}, "a foreign_key has to say to and to_columns, or expression: table (columns), not ''"),
        ({"expression": "marts.other; DROP TABLE x"}, "a foreign_key has to say to and to_columns"),
        ({"to": "other", "to_columns": ["k"]}, "to of a foreign_key is ref() or source(), not other"),
        ({"to": "ref('nobody')", "to_columns": ["k"]}, "ref('nobody') of a foreign_key is no table"),
        ({"to": "ref('other')"}, "a foreign_key of 1 columns refers to 0"),
        (
            {"to": "ref('other')", "to_columns": ["nope"]},
            "the foreign_key of x cannot be checked: Binder Error",
        ),
    ],
)
def test_a_foreign_key_that_cannot_be_checked_is_none_that_holds(plot, words, said):
    plot.model("other", "SELECT 1 AS k")
    doc = ColumnDoc("x", data_type="int", constraints=({"type": "foreign_key", **words},))
    plot.model("m", "SELECT 1 AS x", settings=CONTRACT, documented=(doc,), depends_on=("other",))
    assert f"the contract is broken: {said}" in plot.error("m")
    assert plot.warehouse.tables("marts") == {"other": "table"}


def test_a_foreign_key_of_several_columns(plot):
    plot.model("other", "SELECT 1 AS a, 2 AS b")
    key = {"type": "foreign_key", "columns": ["x", "y"], "to": "ref('other')", "to_columns": ["a", "b"]}
    more = {
        "settings": CONTRACT,
        "documented": columns(x="int", y="int"),
        "constraints": (key,),
        "depends_on": ("other",),
    }
    plot.model("m", "SELECT 1 AS x, 2 AS y UNION ALL SELECT 9, NULL", **more)
    assert plot.built() == ["m", "other"]
    plot.model("m", "SELECT 1 AS x, 2 AS y UNION ALL SELECT 2, 1", **more)
    assert "x, y is not found in ref('other') (a, b) in 1 rows" in plot.error("m")


def test_columns_stand_in_the_contracts_order(plot):
    more = {"settings": CONTRACT, "documented": columns(A="int", b="varchar")}
    plot.model("m", "SELECT 'x' AS b, 1 AS a", **more)
    plot.incremental("i", "SELECT 'x' AS b, 1 AS a", "SELECT 'y' AS b, 2 AS a", strategy="append",
                     reads=("clicks",), **more)  # fmt: skip
    plot.microbatch("d", "SELECT 'x' AS b, id::int AS a, ts FROM {clicks}", {"clicks": "ts"},
                    settings=CONTRACT, documented=columns(ts="timestamp", a="int", b="varchar"))  # fmt: skip
    plot.land("clicks", "CREATE TABLE raw.clicks AS SELECT 1 AS id, TIMESTAMP '2026-01-02' AS ts")
    plot.built()
    assert list(plot.warehouse.columns(TableRef("marts", "m"))) == ["a", "b"]
    assert list(plot.warehouse.columns(TableRef("marts", "i"))) == ["a", "b"]
    assert list(plot.warehouse.columns(TableRef("marts", "d"))) == ["ts", "a", "b"]
    assert plot.rows("m") == [(1, "x")]
    plot.land("clicks")
    assert "i" in plot.built()
    assert plot.rows("i") == [(1, "x"), (2, "y")]


def test_an_error_in_sql_under_a_contract_keeps_its_line(plot):
    plot.model("m", "SELECT 'x' AS b,\n  CAST(v AS INTEGER) AS a FROM (VALUES ('q')) AS t(v)",
               settings=CONTRACT, documented=columns(a="int", b="varchar"))  # fmt: skip
    assert "(line 2 of the compiled SQL: CAST(v AS INTEGER) AS a" in plot.error("m")


def test_a_new_contract_is_held_against_a_microbatch_table_that_stands(plot):
    sql = "SELECT ts, 1 AS n FROM {events}"
    plot.land(
        "events", "CREATE OR REPLACE TABLE raw.events AS SELECT TIMESTAMP '2026-01-05 10:00' AS ts, 1 AS id"
    )
    plot.microbatch("m", sql, {"events": "ts"})
    plot.built()
    before = plot.warehouse.query("SELECT * FROM tailrace_meta.models"), plot.rows("m")
    plot.microbatch(
        "m", sql, {"events": "ts"}, settings=CONTRACT, documented=columns(ts="timestamp", n="varchar")
    )
    assert "the contract is broken: n is INTEGER and not VARCHAR" in plot.error("m")
    broken = (
        *columns(ts="timestamp"),
        ColumnDoc("n", data_type="int", constraints=({"type": "check", "expression": "n > 1"},)),
    )
    plot.microbatch("m", sql, {"events": "ts"}, settings=CONTRACT, documented=broken)
    assert "check n > 1 fails in 1 rows" in plot.error("m")
    assert (plot.warehouse.query("SELECT * FROM tailrace_meta.models"), plot.rows("m")) == before
    plot.microbatch(
        "m", sql, {"events": "ts"}, settings=CONTRACT, documented=columns(ts="timestamp", n="int")
    )
    plot.build()
    assert plot.built() == []


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("SELECT v AS b,\n  CAST(t.v AS INTEGER) AS a\nFROM (VALUES ('q')) AS t(v)\nGROUP BY 1, 2", "models/marts/m.sql:2:3: "),
        ("SELECT CAST(v AS INTEGER) AS a,\n  CAST(v AS INTEGER) AS b FROM (VALUES ('q')) AS t(v)\nGROUP BY\n  1,\n  2", "models/marts/m.sql:1:1: "),
    ],
    ids=["one", "two"],
)  # fmt: skip
def test_a_cast_that_fails_is_placed_at_the_cast_and_not_at_a_number_in_group_by(plot, sql, place):
    class Same:
        def locate(self, line, col):
            return Location("models/marts/m.sql", line, col)

    plot.model("m", sql, origin=Same())
    assert plot.error("m").startswith(f"{place}Conversion Error")


def test_an_ephemeral_model_is_no_relation_and_passes_changes_on(plot):
    plot.model("seen", "SELECT * FROM raw.events", "ephemeral", reads=("events",))
    plot.model("m", "SELECT count(*) AS n FROM (SELECT * FROM raw.events)", depends_on=("seen",))
    found = plot.build()
    assert (found["seen"].status, found["seen"].detail["why"]) == (
        "skipped",
        "ephemeral: its SQL stands in its readers",
    )
    assert plot.warehouse.tables("marts") == {"m": "table"}
    plot.land("events", "DELETE FROM raw.events WHERE id = 0")
    assert plot.why("m") == "raw.events has new data"
    plot.built()
    plot.model("seen", "SELECT * FROM raw.events WHERE true", "ephemeral", reads=("events",))
    assert plot.why("m") == "its SQL changed"


def test_the_table_of_a_model_that_became_ephemeral_is_named(plot):
    plot.model("m", "SELECT 1 AS x")
    plot.built()
    plot.model("m", "SELECT 1 AS x", "ephemeral")
    heard: list[Any] = []
    with listening(heard.append):
        plot.built()
    assert [event.text for event in heard if isinstance(event, Notice)] == [
        "m is ephemeral now; marts.m is left as it was, drop the table if nobody reads it"
    ]


def test_an_alias_names_the_table(plot):
    plot.model("m", "SELECT 1 AS x", alias="other")
    plot.built()
    assert plot.warehouse.tables("marts") == {"other": "table"}
    assert plot.built() == []
    plot.model("m", "SELECT 1 AS x", alias="third")
    assert plot.why("m") == "it moves from marts.other to marts.third"


@dataclass
class Asking:
    """Late models whose SQL is what a query of the warehouse says."""

    question: str
    asked: list[str] = field(default_factory=list)

    def flagged(self, _flags):
        return self

    def node(self, name, warehouse, *, incremental):
        self.asked.append(name)
        try:
            text = str(warehouse.query(self.question)[0][0])
        except Exception as error:
            raise FatalError(f"models/marts/{name}.sql:1:1: {error}") from None
        return LateSql(f"SELECT {text} AS x", text)

    def text(self, text, warehouse, **_words):
        return text


def late(plot, asking):
    graph = replace(plot.graph, late=asking)
    plot.runs += 1
    found = build(
        plot.warehouse, graph, set(graph.nodes), root=None, run_id=f"run{plot.runs}", now=lambda: plot.now
    )
    return {result.name: result for result in found}, graph


def test_a_late_model_is_built_from_what_it_asks(plot):
    asking = Asking("SELECT count(*) FROM raw.events")
    plot.model("up", "SELECT * FROM raw.events", reads=("events",))
    plot.model("m", "SELECT 0 AS x", late=True, depends_on=("up",))
    assert late(plot, asking)[0]["m"].status == "ok"
    assert plot.rows("m") == [(4,)]
    found, graph = late(plot, asking)
    assert found["m"].status == "skipped"
    assert [one.why for one in decide(plot.warehouse, graph, None)] == ["up to date", "up to date"]
    plot.warehouse.execute("DELETE FROM raw.events WHERE id = 0")  # nobody says so
    assert [one.why for one in decide(plot.warehouse, graph, None)] == ["up to date", "its SQL changed"]
    assert late(plot, asking)[0]["m"].detail["why"] == "its SQL changed"
    assert plot.rows("m") == [(3,)]
    plot.land("events")
    asking.asked.clear()
    assert [one.why for one in decide(plot.warehouse, graph, None)] == [
        "raw.events has new data",
        "upstream up changed",
    ]
    assert asking.asked == []


def test_a_late_model_whose_question_fails_stops_nobody_else(plot):
    plot.model("a", "SELECT 1 AS x")
    plot.model("m", "SELECT 0 AS x", late=True, depends_on=("a",))
    plot.model("z", "SELECT 1 AS x", depends_on=("a",))
    found, _ = late(plot, Asking("SELECT error('no') FROM marts.a"))
    assert (found["m"].status, found["m"].error.startswith("models/marts/m.sql:1:1:")) == ("failed", True)
    assert {found[name].status for name in "az"} == {"ok"}


def test_a_failure_undoes_nobody_elses_work(plot, monkeypatch):
    monkeypatch.setattr(grouping, "SECONDS", 60)
    for name in ("a", "b", "d", "e"):
        plot.model(name, f"SELECT '{name}' AS x")
    plot.model("c", "SELECT CAST(x AS INTEGER) AS x FROM marts.b", depends_on=("b",))
    plot.model("f", "SELECT * FROM marts.c", depends_on=("c",))
    found = plot.build()
    assert {name: result.status for name, result in found.items()} == {
        "a": "ok", "b": "ok", "c": "failed", "d": "ok", "e": "ok", "f": "skipped",
    }  # fmt: skip
    assert plot.warehouse.tables("marts") == dict.fromkeys("abde", "table")
    plot.model("c", "SELECT upper(x) AS x FROM marts.b", depends_on=("b",))
    assert plot.built() == ["c", "f"]
    assert plot.rows("f") == [("B",)]


def test_models_share_transactions(plot):
    for number in range(20):
        plot.model(f"m{number:02d}", f"SELECT {number} AS x")
    said, run = [], plot.warehouse._run
    plot.warehouse._run = lambda sql, params: said.append(sql) or run(sql, params)
    plot.built()
    assert said.count("COMMIT") <= 5
    assert sum("INSERT INTO" in sql for sql in said) <= 5
    assert not [sql for sql in said if "count(*)" in sql]
