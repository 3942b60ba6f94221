"""An incremental model whose template asks the warehouse: its SQL follows the data, and what it holds already stays."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tailrace.build.compile import compile_project
from tailrace.build.run import build
from tailrace.project.load import load_project
from tailrace.warehouse.duckdb import DuckDBWarehouse

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
FILES = {
    "dbt_project.yml": "{name: shop, version: '1', profile: shop}",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb}}}",
    "models/sources.yml": "sources: [{name: raw, tables: [{name: events}]}]",
    "macros/kinds.sql": "{% macro kinds() %}{{ return(run_query('select distinct kind from raw.events order by 1').columns[0].values()) }}{% endmacro %}",
    "macros/unrelated.sql": "{% macro unrelated() %}1{% endmacro %}",
    "models/pivot.sql": """
{{ config(materialized='incremental', unique_key='id', on_schema_change='append_new_columns') }}
select id
{% if execute %}{% for kind in kinds() %}, count(*) filter (kind = '{{ kind }}') as n_{{ kind }}{% endfor %}{% endif %}
from {{ source('raw', 'events') }}
group by id
""",
}  # fmt: skip


class Shop:
    def __init__(self, root):
        self.root = root
        for name, text in FILES.items():
            self.write(name, text)
        self.warehouse = DuckDBWarehouse(None)
        self.warehouse.execute("CREATE SCHEMA raw")
        self.land("(1, 'a'), (2, 'b')")

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def land(self, values):
        self.warehouse.execute(
            f"CREATE OR REPLACE TABLE raw.events AS SELECT * FROM (VALUES {values}) AS t(id, kind)"
        )

    def build(self):
        graph = compile_project(load_project(self.root), now=NOW, cache_dir=self.root / "cache")
        [step] = build(self.warehouse, graph, {"pivot"}, root=self.root, run_id="r", now=lambda: NOW)
        assert not step.error, step.error
        return step.detail["why"] if step.status == "ok" else "left"

    def rows(self):
        return self.warehouse.query("SELECT * FROM main.pivot ORDER BY id")


@pytest.fixture
def shop(tmp_path):
    found = Shop(tmp_path)
    yield found
    found.warehouse.close()


def test_new_data_that_changes_its_sql_adds_to_what_it_holds(shop):
    assert (shop.build(), shop.build()) == ("never built", "left")
    shop.land("(3, 'c')")
    assert shop.build() == "raw.events has new data"
    assert shop.rows() == [(1, 1, 0, None), (2, 0, 1, None), (3, None, None, 1)]


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("models/pivot.sql", "group by id", "group by all", "its SQL changed"),
        ("macros/kinds.sql", "order by 1", "order by 1 desc", "its SQL changed"),
        ("macros/unrelated.sql", "1", "2", "left"),
    ],
)
def test_what_a_person_changes_makes_it_anew(shop, file, old, new, why):
    shop.build()
    shop.write(file, FILES[file].replace(old, new))
    assert shop.build() == why
