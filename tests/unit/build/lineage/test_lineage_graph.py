"""A graph's lineage: models of every kind on top of each other, what is built or late, the cache and its loss."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tailrace.build.graph import Graph, ModelNode, ordered
from tailrace.build.lineage.graph import ASKS, UNREAD, Given, Known, column_edges, expression_texts
from tailrace.build.lineage.model import plain, read
from tailrace.build.settings.model import Settings
from tailrace.build.settings.snapshot import Snapshot
from tailrace.warehouse.base import TableRef

LANDED = TableRef("hubspot", "contacts")
GIVEN = Given({LANDED: Known(("id", "email", "score", "changed"))})


def node(name, sql, *reads, **other):
    return ModelNode(name, "model", other.pop("schema", "main"), f"models/{name}.sql", other.pop("materialized", "view"), "", sql, reads, **other)  # fmt: skip


def graph(*nodes):
    found = {one.name: one for one in nodes}
    order, _ = ordered({name: one.depends_on for name, one in found.items()})
    return Graph(found, order, datetime(2026, 11, 21, tzinfo=UTC))


def told(lineage, column):
    return sorted(".".join(ref) for ref in lineage.column(column).direct)


def test_models_stars_and_aliases_on_top_of_each_other():
    found = column_edges(
        graph(
            node("a", "SELECT * FROM hubspot.contacts", reads=(LANDED,), alias="a_table", schema="stg"),
            node("b", 'SELECT * EXCLUDE (score), Score * 2 AS twice FROM "STG"."A_Table"', "a"),
        ),
        GIVEN,
    )
    assert [column.name for column in found["b"].columns.values()] == ["id", "email", "changed", "twice"]
    assert told(found["b"], "TWICE") == ["stg.a_table.score"]
    assert told(found["a"], "score") == ["hubspot.contacts.score"]
    assert found["b"].complete and found["b"].column("score") is None


def test_a_seed_has_its_header_and_comes_from_nowhere():
    seed = ModelNode("rates", "seed", "main", "seeds/rates.csv", "seed", "", columns=("Month", "usd"))
    found = column_edges(graph(seed, node("m", "SELECT * FROM main.rates", "rates")))
    assert found["rates"].column("month").direct == frozenset()
    assert told(found["m"], "month") == ["main.rates.Month"]


def test_an_ephemeral_model_is_a_step_of_its_own():
    inner = node("eph", "SELECT id, score + 1 AS more FROM hubspot.contacts", materialized="ephemeral", reads=(LANDED,))  # fmt: skip
    outer = node("m", f"WITH __dbt__cte__eph AS ({inner.sql}), b AS (SELECT more FROM __dbt__cte__eph) SELECT more FROM b", "eph")  # fmt: skip
    found = column_edges(graph(inner, outer), GIVEN)
    assert told(found["m"], "more") == ["main.eph.more"]
    assert told(found["eph"], "more") == ["hubspot.contacts.score"]


def test_the_place_of_ctes_that_a_kept_sql_marks_is_no_obstacle():
    found = column_edges(graph(node("m", "@tailrace:ctes@SELECT id FROM hubspot.contacts")), GIVEN)
    assert told(found["m"], "id") == ["hubspot.contacts.id"]


@pytest.mark.parametrize(
    ("strategy", "updated", "times"),
    [("timestamp", "changed", ["hubspot.contacts.changed"]), ("check", "", [])],
)
def test_a_snapshot_knows_when_its_versions_were_valid(strategy, updated, times):
    snapshot = Snapshot(strategy, ("id",), updated, ("email",) if not updated else ())
    snap = node("s", "SELECT id, email, changed FROM hubspot.contacts", materialized="snapshot", settings=Settings(snapshot=snapshot))  # fmt: skip
    found = column_edges(graph(snap, node("m", "SELECT * FROM main.s", "s")), GIVEN)
    assert told(found["s"], "dbt_valid_from") == times
    assert told(found["s"], "dbt_scd_id") == sorted(["hubspot.contacts.id", *times])
    assert ("hubspot", "contacts", "changed" if updated else "email") in found["s"].filters
    assert "dbt_valid_to" in found["m"].columns and "dbt_is_deleted" not in found["m"].columns


def test_an_incremental_model_reads_as_its_first_and_as_its_later_builds():
    later = "SELECT id, email FROM hubspot.contacts WHERE changed > (SELECT max(id) FROM main.m)"
    found = column_edges(
        graph(node("m", "SELECT id, email FROM hubspot.contacts", incremental_sql=later)), GIVEN
    )
    assert told(found["m"], "email") == ["hubspot.contacts.email"]
    assert found["m"].filters == {("hubspot", "contacts", "changed"), ("main", "m", "id")}


def test_sql_that_cannot_be_read_comes_from_all_that_it_reads():
    found = column_edges(graph(node("m", "SELECT FROM WHERE", reads=(LANDED,), columns=("x",))), GIVEN)
    assert found["m"].notes == (UNREAD,)
    assert told(found["m"], "x") == told(found["m"], "anything") == ["hubspot.contacts.*"]


def test_a_late_model_is_read_as_the_warehouse_answers():
    late = node("m", "", reads=(LANDED,), late=True)
    assert column_edges(graph(late), GIVEN)["m"].notes == (ASKS,)
    answered = column_edges(graph(late), replace(GIVEN, late={"m": "SELECT email FROM hubspot.contacts"}))[
        "m"
    ]
    assert told(answered, "email") == ["hubspot.contacts.email"]
    assert answered.notes == () and answered.complete


def test_a_model_over_a_file_has_the_columns_that_were_built():
    one = graph(
        node("m", "SELECT * FROM read_csv('x.csv')"), node("n", "SELECT * EXCLUDE (a) FROM main.m", "m")
    )
    unbuilt = column_edges(one)
    assert not unbuilt["n"].complete and told(unbuilt["n"], "z") == ["main.m.z"]
    built = column_edges(one, Given({TableRef("main", "m"): Known(("a", "b"))}))
    assert built["m"].complete and told(built["m"], "b") == [".read_csv().b"]
    assert list(built["n"].columns) == ["b"]


def test_bigquery_names_a_project_and_knows_no_lateral_aliases():
    sql = "SELECT score + 1 AS id, id * 2 AS twice FROM `p.hubspot.contacts`"
    found = column_edges(graph(node("m", sql)), replace(GIVEN, dialect="bigquery"))
    assert told(found["m"], "twice") == ["hubspot.contacts.id"]


def test_an_attached_file_is_a_place_of_its_own():
    given = Given({TableRef("other.main", "people"): Known(("id", "name"))})
    found = column_edges(graph(node("m", "SELECT * FROM other.main.people")), given)
    assert told(found["m"], "name") == ["other.main.people.name"]


def test_expressions_are_those_that_computed_last():
    one = graph(node("m", "WITH a AS (SELECT score * 2 AS s, email FROM hubspot.contacts) SELECT s AS t, email FROM a"))  # fmt: skip
    assert expression_texts(one, column_edges(one, GIVEN), ["m"], GIVEN) == {("m", "t"): "score * 2"}


SEVERAL = (
    node("a", "SELECT *, (SELECT max(id) FROM lake.t WHERE t.k = email) AS top FROM hubspot.contacts", reads=(LANDED,)),
    node("b", "SELECT * FROM main.a UNION ALL BY NAME SELECT * EXCLUDE (x) FROM lake.u", "a", externals=("lake.u",)),
    node("c", "SELECT nothing, y FROM main.b, unnest([1]) AS l(i) WHERE i > 0", "b"),
)  # fmt: skip


def test_facts_survive_json():
    for found in column_edges(graph(*SEVERAL), GIVEN).values():
        assert read(plain(found)) == found


def test_a_kept_answer_is_the_fresh_one_and_follows_what_it_depends_on(tmp_path):
    fresh = column_edges(graph(*SEVERAL), GIVEN, cache_dir=tmp_path)
    assert (tmp_path / "lineage.json").exists()
    assert column_edges(graph(*SEVERAL), GIVEN, cache_dir=tmp_path) == fresh
    fewer = Given({LANDED: Known(("id", "email"))})
    assert column_edges(graph(*SEVERAL), fewer, cache_dir=tmp_path) == column_edges(graph(*SEVERAL), fewer)
    assert column_edges(graph(*SEVERAL), fewer) != fresh


def test_a_damaged_cache_is_none(tmp_path):
    fresh = column_edges(graph(*SEVERAL), GIVEN, cache_dir=tmp_path)
    kept = tmp_path / "lineage.json"
    kept.write_bytes(kept.read_bytes().replace(b"email", b"emai!"))
    assert column_edges(graph(*SEVERAL), GIVEN, cache_dir=tmp_path) == fresh


WARM = """
import sys
from pathlib import Path
from tests.unit.build.lineage.test_lineage_graph import GIVEN, SEVERAL, graph
from tailrace.build.lineage.graph import column_edges
assert "sqlglot" not in sys.modules
column_edges(graph(*SEVERAL), GIVEN, cache_dir=Path(sys.argv[1]))
print("sqlglot" in sys.modules)
"""


def test_where_the_cache_answers_no_parser_is_imported(tmp_path):
    for expected in ("True", "False"):
        done = subprocess.run([sys.executable, "-c", WARM, str(tmp_path)], capture_output=True, text=True, check=True)  # fmt: skip
        assert done.stdout.strip() == expected
