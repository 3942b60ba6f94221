"""Microbatch models' templates: the batch's edges, whole inputs, and whether the table stands."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.unit.build.template.cases import Bench

from tailrace.build.asked import NOTHING, Asked
from tailrace.build.batches import set_batch
from tailrace.build.calls import Calls, Owner
from tailrace.build.compile import compile_project
from tailrace.build.run import build
from tailrace.build.template.unit import Unit
from tailrace.project.load import load_project
from tailrace.warehouse.duckdb import DuckDBWarehouse

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
START, END = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
CONFIG = "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='ts', batch_size='day', begin='2026-11-19') }}\n"
FILES = {
    "dbt_project.yml": "{name: shop, version: '1', profile: shop}",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb}}}",
    "models/sources.yml": "sources: [{name: raw, tables: [{name: events, config: {event_time: ts}}]}]",
    "models/m.sql": CONFIG
    + """
select id, ts, '{{ is_incremental() }}' as again,
  {% if model.batch %}'{{ model.batch.event_time_start.strftime("%d.%m.%Y") }} {{ model.batch.event_time_end.isoformat() }} {{ model.batch.id }}'{% else %}'none'{% endif %} as batch
from {{ source('raw', 'events') }}
""",
    "models/whole.sql": CONFIG
    + "select e.id, e.ts, (select count(*) from {{ source('raw', 'events').render() }}) as n from {{ source('raw', 'events') }} e",
}  # fmt: skip


def rendered(text, batched=True):
    """A text as a microbatch model's, for one batch; or what is wrong with it."""
    bench = Bench({"models/a.sql": text})
    unit = Unit("models/a.sql", text)
    owner = Owner("a", unit.path, config={"batch_size": "hour"}, batched=batched)
    calls = Calls(owner, bench.names, {}, '"', lambda word: bench.templates.where(unit, word), bench.problems)
    found = bench.templates.render(unit, calls)
    return set_batch(found.sql, START, END) if found else str(bench.problems[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ model.batch.event_time_start }}", "2026-11-20 00:00:00+00:00"),
        ("{{ model.batch.event_time_end.isoformat() }}", "2026-11-21T00:00:00+00:00"),
        ("{{ model.batch.event_time_start.strftime('%Y-%m-%d %H:%M') }}", "2026-11-20 00:00"),
        ("{{ model.batch.event_time_start.date() }} {{ model.batch.event_time_end.date().isoformat() }}", "2026-11-20 2026-11-21"),
        ("{{ (model.batch.event_time_start - modules.datetime.timedelta(days=3)).date() }}", "2026-11-17"),
        ("{{ modules.datetime.timedelta(milliseconds=1) + model.batch.event_time_end }}", "2026-11-21 00:00:00.001000+00:00"),
        ("{{ model.batch.id }}", "20261120T00"),
        ("{% set day = model.batch.event_time_start.date() %}{{ \"'\" ~ day ~ \"'\" }}", "'2026-11-20'"),
        ("{% set day %}{{ model.batch.event_time_start.date() }}{% endset %}{{ day }}", "2026-11-20"),
        ("{{ 'yes' if model.batch and model.batch.event_time_start else 'no' }}", "yes"),
    ],
)  # fmt: skip
def test_a_batch_prints_when_it_runs(text, expected):
    assert rendered(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ model.batch.event_time_start > run_started_at }}", "is known only when the batch runs"),
        ("{% if model.batch.event_time_start == 1 %}{% endif %}", "is known only when the batch runs"),
        ("{{ model.batch.event_time_start.year }}", "is known only when the batch runs"),
        ("{{ model.batch.event_time_start | replace('-', '') }}", "is known only when the batch runs"),
        ("{{ model.batch.event_time_start.isoformat()[:10] }}", "is known only when the batch runs"),
        ("{{ '%s' % model.batch.event_time_start }}", "is known only when the batch runs"),
        ('{{ model.batch.event_time_start.strftime("\'%Y") }}', "holds a quote"),
        ("{{ (model.batch.event_time_start ~ '')[:25] }}", "is changed after strftime()"),
        ("{{ (model.batch.event_time_start ~ '') | upper }}", "is changed after strftime()"),
        ("{{ model.batch }}", "prints a Batch"),
    ],
)
def test_what_needs_the_batch_earlier_is_told(text, expected):
    assert expected in rendered(text)
    assert rendered(text).startswith("models/a.sql:1:")


def test_other_models_have_no_batch():
    assert rendered("{{ model.batch }} {{ 'yes' if model.batch else 'no' }}", batched=False) == "None no"


class Shop:
    def __init__(self, root):
        self.root = root
        for name, text in FILES.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        self.warehouse = DuckDBWarehouse(None)
        self.warehouse.execute("CREATE SCHEMA raw")
        self.land("(1, TIMESTAMP '2026-11-19 01:00:00'), (2, TIMESTAMP '2026-11-20 02:00:00')")

    def land(self, values):
        self.warehouse.execute(
            f"CREATE OR REPLACE TABLE raw.events AS SELECT * FROM (VALUES {values}) AS t(id, ts)"
        )

    def graph(self):
        return compile_project(load_project(self.root), now=NOW, cache_dir=self.root / "cache")

    def build(self, asked=NOTHING):
        graph = self.graph()
        found = build(
            self.warehouse, graph, set(graph.nodes), root=self.root, run_id="r", now=lambda: NOW, asked=asked
        )
        assert not [step.error for step in found if step.error]

    def rows(self, what):
        return self.warehouse.query(f"SELECT {what} ORDER BY id")


@pytest.fixture
def shop(tmp_path):
    found = Shop(tmp_path)
    yield found
    found.warehouse.close()


MORE = "(1, TIMESTAMP '2026-11-19 01:00:00'), (2, TIMESTAMP '2026-11-20 02:00:00'), (3, TIMESTAMP '2026-11-21 03:00:00')"


def test_each_batch_has_its_own_edges_and_knows_whether_the_table_stands(shop):
    shop.build()
    assert shop.rows("id, again, batch FROM main.m") == [
        (1, "False", "19.11.2026 2026-11-20T00:00:00+00:00 20261119"),
        (2, "False", "20.11.2026 2026-11-21T00:00:00+00:00 20261120"),
    ]
    shop.land(MORE)
    shop.build()
    again = [(1, "False"), (2, "True"), (3, "True")]  # the new batch, and the one that lookback adds
    assert shop.rows("id, again FROM main.m") == again
    shop.build(Asked(full_refresh=True))
    assert shop.rows("DISTINCT again, 1 AS id FROM main.m") == [("False", 1)]


def test_what_is_read_without_the_filter_may_touch_every_batch(shop):
    assert [len(shop.graph().nodes[name].batch_inputs) for name in ("m", "whole")] == [1, 0]
    assert [len(shop.graph().nodes[name].batch_inputs) for name in ("m", "whole")] == [1, 0]  # kept
    shop.build()
    assert shop.rows("id, n FROM main.whole") == [(1, 2), (2, 2)]
    shop.land(MORE)
    shop.build()
    assert shop.rows("id, n FROM main.whole") == [(1, 3), (2, 3), (3, 3)]


def test_render_names_the_whole_of_a_batched_input_and_no_other():
    bench = Bench({})
    assert bench.text("{{ ref('rows').render() }}") == '"main"."rows"'
