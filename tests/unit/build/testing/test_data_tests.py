"""What the goldens do not show: statements that are asked, rows that are kept, tests that are chosen."""

from __future__ import annotations

import pytest
from tests.unit.build.testing.layout import built, data, project_of, unit, with_tests

from tailrace.build.testing.run import run_data_tests
from tailrace.build.testing.selection import choose_tests
from tailrace.errors import BadInput
from tailrace.project.selection import Node
from tailrace.project.spec import UnitTest

WIDE = 60
FILES = {
    "models/marts/wide.sql": "SELECT " + ", ".join(f"{i} AS c{i}" for i in range(WIDE)) + " FROM range(3)",
    "models/marts/bad.sql": "SELECT * FROM (VALUES (1, 'x'), (1, NULL)) AS v(id, code)",
}


class Counting:
    """A warehouse that remembers what it was asked."""

    def __init__(self, warehouse):
        self.warehouse = warehouse
        self.asked = []

    def query(self, sql, params=()):
        self.asked.append(sql)
        return self.warehouse.query(sql, params)

    def __getattr__(self, name):
        return getattr(self.warehouse, name)


@pytest.fixture
def made(tmp_path):
    project, graph = project_of(tmp_path / "p", FILES)
    warehouse = Counting(built(project, graph))
    yield project, graph, warehouse
    warehouse.close()


def on(warehouse, table):
    return [sql for sql in warehouse.asked if f'"marts"."{table}"' in sql]


def test_the_simple_tests_of_a_table_share_statements(made):
    project, graph, warehouse = made
    tests = [
        data(f"{kind}_{i}", test=kind, model="wide", column=f"c{i}")
        for i in range(WIDE)
        for kind in ("not_null", "unique")
    ]
    found = run_data_tests(warehouse, with_tests(project, *tests), graph, tests)
    assert [one.status for one in found] == ["pass", "fail"] * WIDE
    assert (
        len(on(warehouse, "wide")) == 3 + WIDE
    )  # 120 tests in three statements, and the samples of those that fail


def test_one_that_cannot_be_asked_fails_alone(made):
    project, graph, warehouse = made
    tests = [data("a", test="not_null", model="bad", column="code"), data("b", test="unique", model="bad", column="nobody"),
             data("c", test="unique", model="bad", column="id")]  # fmt: skip
    found = run_data_tests(warehouse, with_tests(project, *tests), graph, tests)
    assert [(one.name, one.status, one.failures) for one in found] == [
        ("a", "fail", 1),
        ("b", "error", 0),
        ("c", "fail", 1),
    ]


@pytest.mark.parametrize(
    "config", [{"where": "id = 1"}, {"limit": 5}, {"error_if": "> 0"}, {"fail_calc": "sum(1)"}, {"store_failures": True}]
)  # fmt: skip
def test_together_and_alone_say_the_same(made, config):
    project, graph, warehouse = made
    together = [data(kind, test=kind, model="bad", column="id") for kind in ("not_null", "unique")]
    alone = [
        data(kind, test=kind, model="bad", column="id", config=config) for kind in ("not_null", "unique")
    ]
    rows = [
        [
            (one.status, one.failures, one.samples and one.samples.rows[0][0])
            for one in run_data_tests(warehouse, project, graph, tests)
        ]
        for tests in (together, alone)
    ]
    assert rows[0] == rows[1]


def test_a_test_of_ones_own_takes_the_place_of_a_built_in_one(tmp_path):
    own = "{% test not_null(model, column_name) %}SELECT 7 AS seven{% endtest %}"
    project, graph = project_of(tmp_path / "p", {**FILES, "macros/own.sql": own})
    tests = [data("own", test="not_null", model="bad", column="id")]
    found = run_data_tests(built(project, graph), project, graph, tests)
    assert found[0].samples.rows == ((7,),)


def test_kept_rows_are_those_of_the_last_time(made):
    project, graph, warehouse = made
    table = 'SELECT * FROM "main_dbt_test__audit"."kept"'
    kept = data("kept", test="unique", model="bad", column="id")
    assert (
        run_data_tests(warehouse, project, graph, [kept], store=True)[0].stored == "main_dbt_test__audit.kept"
    )
    assert warehouse.query(table) == [(1, 2)]
    warehouse.execute("DELETE FROM marts.bad WHERE code IS NULL")
    assert run_data_tests(warehouse, project, graph, [kept], store=True)[0].status == "pass"
    assert warehouse.query(table) == []
    as_view = data("kept", test="unique", model="bad", column="id", config={"store_failures_as": "view"})
    run_data_tests(warehouse, project, graph, [as_view])
    assert warehouse.tables("main_dbt_test__audit") == {"kept": "view"}
    elsewhere = data(
        "kept",
        test="unique",
        model="bad",
        column="id",
        config={"store_failures": True, "schema": "x", "alias": "y"},
    )
    assert run_data_tests(warehouse, project, graph, [elsewhere])[0].stored == "main_x.y"
    never = data("never", test="unique", model="bad", column="id", config={"store_failures": False})
    assert run_data_tests(warehouse, project, graph, [never], store=True)[0].stored == ""
    assert "never" not in warehouse.tables("main_dbt_test__audit")


def test_the_first_that_fails_is_the_last(made):
    project, graph, warehouse = made
    tests = [
        data(name, test="unique", model="bad", column=column)
        for name, column in (("a", "code"), ("b", "id"), ("c", "id"))
    ]
    assert [one.name for one in run_data_tests(warehouse, project, graph, tests, fail_fast=True)] == [
        "a",
        "b",
    ]


NODES = [Node("pipeline:crm", "pipeline", "crm"), Node("source:crm.people", "source", "crm.people", (), "", ("pipeline:crm",)),
         Node("model:up", "model", "up", ("daily",), "models/staging/up.sql", ("source:crm.people",)),
         Node("model:down", "model", "down", (), "models/marts/down.sql", ("model:up",))]  # fmt: skip
TESTS = [
    data("unique_up", test="unique", model="up", column="id"),
    data(
        "related", test="relationships", model="down", column="id", kwargs={"to": "ref('up')", "field": "id"}
    ),
    data("own", test="money.unique_combination", model="down"),
    data("landed", test="not_null", source=("crm", "people"), column="id"),
    data("single", sql="select * from {{ ref('down') }} where 1 = 0", tags=("slow",)),
]
UNITS = [unit("down", [], [])]


@pytest.mark.parametrize(
    ("select", "exclude", "names"),
    [
        ([], [], "unique_up related own landed single test_down"),
        (["up"], [], "unique_up related"),
        (["down"], [], "related own single test_down"),
        (["up+"], [], "unique_up related own single test_down"),
        (["+down"], [], "unique_up related own landed single test_down"),
        (["source:crm.people"], [], "landed"),
        (["tag:daily"], [], "unique_up related"),
        (["tag:slow"], [], "single"),
        (["path:models/marts"], [], "related own single test_down"),
        (["single", "unique_*"], [], "unique_up single"),
        (["test_type:generic"], [], "unique_up related own landed"),
        (["test_type:singular", "test_type:unit"], [], "single test_down"),
        (["test_type:data"], ["up"], "own landed single"),
        (["test_name:unique*"], [], "unique_up own"),
        (["down,test_type:unit"], [], "test_down"),
        (["up,down"], [], "related"),
        ([], ["test_name:relationships", "landed"], "unique_up own single test_down"),
    ],
)  # fmt: skip
def test_choosing(made, select, exclude, names):
    project, graph, _ = made
    from dataclasses import replace

    whole = replace(project, data_tests=tuple(TESTS), unit_tests=tuple(UNITS))
    found = choose_tests(whole, graph, NODES, select, exclude)
    assert [test.name for test in (*found.data, *found.unit)] == names.split()
    assert all(isinstance(test, UnitTest) for test in found.unit)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("nobody", "nobody selects nothing"),
        ("test_name:uniqe", "test_name:uniqe selects nothing. did you mean unique?"),
        ("test_type:units", "test_type:units is not known. did you mean unit?"),
        ("test_type:unit+", "nothing is downstream or upstream of a type"),
        ("tests:x", "there is no selection by tests"),
    ],
)
def test_words_that_choose_nothing(made, word, message):
    project, graph, _ = made
    from dataclasses import replace

    with pytest.raises(BadInput) as refused:
        choose_tests(replace(project, data_tests=tuple(TESTS)), graph, NODES, [word])
    assert message in str(refused.value)
