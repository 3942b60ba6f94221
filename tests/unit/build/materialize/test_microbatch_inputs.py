"""What a microbatch model's template reads, by batches or whole, in whatever words: a change of it always arrives."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tailrace.build.compile import compile_project
from tailrace.build.run import build
from tailrace.project.load import load_project
from tailrace.warehouse.duckdb import DuckDBWarehouse

NOW = datetime(2026, 1, 3, 12, tzinfo=UTC)
CONFIG = "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='ts', batch_size='day', begin='2026-01-01', lookback=0) }}\n"
FILES = {
    "dbt_project.yml": "{name: shop, version: '1', profile: shop}",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb}}}",
    "models/sources.yml": """sources:
  - {name: one, schema: ext, tables: [{name: ev, config: {event_time: ts}}]}
  - {name: two, schema: ext, tables: [{name: ev, config: {event_time: up}}]}
  - {name: raw, tables: [{name: events, config: {event_time: ts}}, {name: odd, config: {event_time: 'a"b'}}]}
""",
}
EVENTS = "id, ts::TIMESTAMP AS ts, v FROM (VALUES (1, '2026-01-01 10:00', 1), (2, '2026-01-02 10:00', 2){}) AS t(id, ts, v)"
LATE = ", (3, '2026-01-02 11:00', 30)"


class Shop:
    def __init__(self, root, files):
        self.root = root
        for name, text in {**FILES, **files}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        self.warehouse = DuckDBWarehouse(None)
        self.warehouse.execute("CREATE SCHEMA raw")
        self.land("")

    def land(self, more):
        self.warehouse.execute(f"CREATE OR REPLACE TABLE raw.events AS SELECT {EVENTS.format(more)}")

    def build(self):
        graph = compile_project(load_project(self.root), now=NOW, cache_dir=self.root / "cache")
        found = build(self.warehouse, graph, set(graph.nodes), root=self.root, run_id="r", now=lambda: NOW)
        assert [step.error for step in found if step.error] == []
        return graph.nodes["m"]

    def rows(self, what="*"):
        return self.warehouse.query(f"SELECT {what} FROM main.m ORDER BY ALL")


@pytest.fixture
def shop(tmp_path):
    made = []

    def laid(files):
        made.append(Shop(tmp_path, files))
        return made[-1]

    yield laid
    for one in made:
        one.warehouse.close()


FILTERED = "{{ source('raw', 'events') }} AS e"
ALSO_WHOLE = {
    "its plain name": {"models/m.sql": CONFIG + f"SELECT e.id, e.ts, (SELECT sum(v) FROM raw.events) AS total FROM {FILTERED}"},
    "its name in capitals": {"models/m.sql": CONFIG + f"SELECT e.id, e.ts, (SELECT sum(v) FROM RAW.Events) AS total FROM {FILTERED}"},
    "its plain name, and a filter in a comment": {
        "models/m.sql": CONFIG + f"-- {FILTERED}\n/* {FILTERED} */ SELECT e.id, e.ts, (SELECT sum(v) FROM raw.events) AS total FROM {FILTERED}"
    },
    "an ephemeral model over another": {
        "models/inner.sql": "{{ config(materialized='ephemeral') }} SELECT sum(v) AS s FROM {{ source('raw', 'events') }}",
        "models/outer_.sql": "{{ config(materialized='ephemeral') }} SELECT s FROM {{ ref('inner') }}",
        "models/m.sql": CONFIG + f"SELECT e.id, e.ts, (SELECT s FROM {{{{ ref('outer_') }}}}) AS total FROM {FILTERED}",
    },
    "a query of the template": {
        "models/m.sql": CONFIG
        + "{% set rows = run_query('SELECT sum(v) AS s FROM ' ~ source('raw', 'events')) %}"
        + f"SELECT e.id, e.ts, {{{{ rows.columns[0].values()[0] if execute else 0 }}}} AS total FROM {FILTERED}"
    },
}  # fmt: skip


@pytest.mark.parametrize("how", ALSO_WHOLE)
def test_an_input_that_is_read_whole_as_well_touches_every_batch(shop, how):
    found = shop(ALSO_WHOLE[how])
    node = found.build()
    assert [(str(one.table), one.whole) for one in node.batch_inputs] == [("raw.events", True)]
    assert found.rows("id, total") == [(1, 3), (2, 3)]
    found.land(LATE)
    found.build()
    assert found.rows("id, total") == [(1, 33), (2, 33), (3, 33)]


def test_an_input_that_is_read_whole_only_where_the_table_stands(shop):
    total = "{% if is_incremental() %}(SELECT sum(v) FROM raw.events){% else %}3{% endif %} AS total"
    node = shop({"models/m.sql": CONFIG + f"SELECT e.id, e.ts, {total} FROM {FILTERED}"}).build()
    assert [one.whole for one in node.batch_inputs] == [True]


def test_an_input_that_is_only_filtered_is_not_whole(shop):
    text = f"SELECT e.id, e.ts FROM {FILTERED} JOIN {{{{ source('raw', 'events') }}}} AS f ON e.id = f.id"
    node = shop({"models/m.sql": CONFIG + text}).build()
    assert [one.whole for one in node.batch_inputs] == [False]


def test_of_two_sources_of_one_table_the_named_one_says_the_event_time(shop):
    text = "SELECT id, up AS ts, x FROM {{ source('two', 'ev') }}"
    found = shop({"models/m.sql": CONFIG + text})
    found.warehouse.execute("CREATE SCHEMA ext")
    found.warehouse.execute(
        "CREATE TABLE ext.ev AS SELECT 2 AS id, TIMESTAMP '2026-01-01' AS ts, TIMESTAMP '2026-01-02' AS up, 1 AS x"
    )
    assert [one.event_time for one in found.build().batch_inputs] == ["up"]
    found.warehouse.execute("UPDATE ext.ev SET x = 9")
    found.build()
    assert found.rows("x") == [(9,)]


def test_one_table_may_be_read_by_two_of_its_times(shop):
    text = "SELECT a.id, a.ts, (SELECT count(*) FROM {{ source('two', 'ev') }}) AS n FROM {{ source('one', 'ev') }} AS a"
    found = shop({"models/m.sql": CONFIG + text})
    found.warehouse.execute("CREATE SCHEMA ext")
    found.warehouse.execute(
        "CREATE TABLE ext.ev AS SELECT 1 AS id, TIMESTAMP '2026-01-01' AS ts, TIMESTAMP '2026-01-03' AS up"
    )
    node = found.build()
    assert [(one.event_time, one.whole) for one in node.batch_inputs] == [("up", False), ("ts", False)]
    found.warehouse.execute("INSERT INTO ext.ev VALUES (2, '2026-01-02', '2026-01-01')")
    found.build()
    assert found.rows("id, n") == [(1, 1), (2, 0)]


def test_a_quote_in_the_name_of_the_time(shop):
    found = shop({"models/m.sql": CONFIG + "SELECT id, \"a\"\"b\" AS ts FROM {{ source('raw', 'odd') }}"})
    found.warehouse.execute('CREATE TABLE raw.odd AS SELECT 1 AS id, DATE \'2026-01-01\' AS "a""b"')
    assert [one.whole for one in found.build().batch_inputs] == [False]
    assert found.rows("id") == [(1,)]


def test_a_query_of_the_template_cannot_know_the_batch(shop):
    text = '{% set rows = run_query("SELECT \'" ~ model.batch.event_time_start ~ "\'") %}SELECT id, ts FROM '
    found = shop({"models/m.sql": CONFIG + "{% if model.batch %}" + text + FILTERED + "{% endif %}"})
    with pytest.raises(AssertionError, match="the query of the template asks for the batch's edges"):
        found.build()


@pytest.mark.parametrize("key", ["incremental_predicates", "predicates"])
def test_predicates_of_a_dbt_project_keep_no_old_row_beside_the_new_one(shop, key):
    """A project of ours is refused them: see test_unused_settings."""
    config = CONFIG.replace(") }}", f", {key}=['id <> 2']) }}}}")
    found = shop({"models/m.sql": config + f"SELECT id, ts FROM {FILTERED}"})
    found.build()
    found.land(LATE)
    found.build()
    assert found.rows("id") == [(1,), (2,), (3,)]


def test_columns_of_a_foreign_table_that_change_their_names(shop):
    found = shop({"models/m.sql": CONFIG + f"SELECT ts, id - v AS d FROM {FILTERED}"})
    found.build()
    found.warehouse.execute("UPDATE raw.events SET v = 10")
    found.build()
    assert found.rows("d") == [(-9,), (-8,)]
    for before, after in (("id", "x"), ("v", "id"), ("x", "v")):
        found.warehouse.execute(f"ALTER TABLE raw.events RENAME {before} TO {after}")
    found.build()
    assert found.rows("d") == [(8,), (9,)]
