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
from tailrace.errors import FatalError
from tailrace.events import Notice, listening
from tailrace.project.spec import ColumnDoc


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
