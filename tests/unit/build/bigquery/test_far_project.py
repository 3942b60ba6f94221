"""A project as a person writes it, compiled for both targets and built on both: templates that ask, tests, hooks, audits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.build.layout import NOW, lay_out

from tailrace.build.compile import compile_project
from tailrace.build.run import build
from tailrace.build.testing.active import active_data_tests
from tailrace.build.testing.audit import audits_of
from tailrace.build.testing.run import run_data_tests, run_unit_tests
from tailrace.errors import ProjectError
from tailrace.project.load import load_project
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse

PROFILES = """acme:
  target: dev
  outputs:
    dev: {type: duckdb, path: warehouse.duckdb, connections: {hubspot: {type: hubspot, access_token: sandbox}}}
    prod: {type: bigquery, project: tailrace-test, location: US, connections: {hubspot: {type: hubspot, access_token: sandbox}}}
"""
FILES = {
    "profiles.yml": PROFILES,
    "seeds/rates.csv": "month,usd\n2026-01-01,1.5\n2026-02-01,2\n",
    "models/staging/stg_contacts.sql": "SELECT id, lower(trim(email)) AS email, kind, seen_at FROM {{ source('hubspot', 'contacts') }}",
    "models/staging/inner_one.sql": "{{ config(materialized='ephemeral') }} SELECT id, kind FROM {{ ref('stg_contacts') }} WHERE id > 0",
    "models/marts/keep.sql": "SELECT count(*) AS n, max(usd) AS usd FROM {{ ref('rates') }}",
    "models/marts/pivoted.sql": """{% set kinds = run_query("SELECT DISTINCT kind FROM " ~ ref('stg_contacts') ~ " WHERE kind IS NOT NULL ORDER BY kind") %}
SELECT
{% for row in kinds or [] %}  count(*) FILTER (WHERE kind = '{{ row[0] }}') AS "{{ row[0] }}_n",
{% endfor %}  count(*) AS n
FROM {{ ref('inner_one') }}""",
    "models/marts/columns.sql": """SELECT '{{ adapter.get_columns_in_relation(ref('keep')) | map(attribute='name') | join(',') }}' AS names,
  '{{ adapter.get_column_schema_from_query("SELECT n AS a, usd AS b FROM " ~ ref('keep')) | map(attribute='name') | join(',') }}' AS given""",
    "models/marts/days.sql": """{{ config(
  materialized='incremental', incremental_strategy='merge', unique_key='day',
  partition_by={'field': 'day', 'data_type': 'date'}, cluster_by=['n'], labels={'team': 'marketing'},
  pre_hook="INSERT INTO hubspot.log (what) VALUES ('before {{ this.identifier }}')",
  post_hook="INSERT INTO hubspot.log (what) VALUES ('after')",
) }}
SELECT CAST(seen_at AS DATE) AS day, count(*) AS n, date_diff('day', CAST(min(seen_at) AS DATE), current_date) AS age
FROM {{ ref('stg_contacts') }} WHERE seen_at IS NOT NULL
{% if is_incremental() %}AND CAST(seen_at AS DATE) >= (SELECT max(day) FROM {{ this }}){% endif %}
GROUP BY 1""",
    "models/marts/tests.yml": """
version: 2
models:
  - name: stg_contacts
    columns:
      - name: id
        data_tests: [unique, not_null]
      - name: email
        data_tests: [not_null]
      - name: kind
        data_tests: [accepted_values: {arguments: {values: [a, b]}}]
  - name: days
    columns:
      - name: day
        data_tests: [unique]
unit_tests:
  - name: counts
    model: days
    given: [{input: ref('stg_contacts'), rows: [{seen_at: 2026-01-01 10:00:00}, {seen_at: 2026-01-01 11:00:00}]}]
    expect: {rows: [{n: 2}]}
""",
}  # fmt: skip
ROWS = (
    "INSERT INTO hubspot.contacts VALUES (1, ' A@b.c', 'a', TIMESTAMP '2026-11-01 10:00:00'),"
    " (2, NULL, 'b', TIMESTAMP '2026-11-02 00:00:00'), (3, 'x', NULL, NULL)"
)
LANDED = (
    "CREATE TABLE hubspot.contacts (id BIGINT, email VARCHAR, kind VARCHAR, seen_at TIMESTAMP)",
    "CREATE TABLE hubspot.log (what VARCHAR)",
    ROWS,
)


class World:
    """One target of the project, and the warehouse behind it."""

    def __init__(self, root: Any, target: str, warehouse: Any) -> None:
        self.root, self.target, self.warehouse, self.runs = root, target, warehouse, 0
        warehouse.ensure_schema("hubspot")
        for sql in LANDED:
            warehouse.execute(sql)
        warehouse.execute(
            "CREATE TABLE tailrace_meta.cursors (resource VARCHAR, data_version BIGINT, raw_done BIGINT)"
        )
        self.landed()

    def landed(self) -> None:
        self.runs += 1
        self.warehouse.execute("DELETE FROM tailrace_meta.cursors WHERE resource IS NOT NULL")
        self.warehouse.execute(
            "INSERT INTO tailrace_meta.cursors VALUES ('hubspot.contacts', ?, 1)", [self.runs]
        )

    def compiled(self) -> Any:
        project = load_project(self.root, target=self.target)
        return project, compile_project(project, now=NOW, cache_dir=None)

    def build(self, *, tested: bool = False) -> dict[str, Any]:
        project, graph = self.compiled()
        told: list[Any] = []
        audits = audits_of(self.warehouse, project, graph, set(graph.order), told.append) if tested else {}
        found = build(
            self.warehouse, graph, set(graph.order), root=project.root, run_id=f"r{self.runs}", now=lambda: NOW, audits=audits
        )  # fmt: skip
        return {one.name: one for one in found}

    def rows(self, table: str, columns: str) -> list[Any]:
        return sorted(self.warehouse.query(f"SELECT {columns} FROM {table}"), key=repr)


@pytest.fixture
def worlds(tmp_path, bigquery):
    for dataset in list(bigquery.list_datasets()):
        bigquery.delete_dataset(dataset, delete_contents=True)
    root = lay_out(tmp_path / "project", FILES)
    local = DuckDBWarehouse(tmp_path / "work.duckdb")
    far = BigQueryWarehouse(local, Jobs(bigquery, {"project": bigquery.project, "location": "US"}))
    near = DuckDBWarehouse(None)
    yield World(root, "dev", near), World(root, "prod", far)
    near.close()
    local.close()


def edit(world: World, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (world.root / name).write_text(text)


MARTS = {
    "marts.pivoted": "a_n, b_n, n",
    "marts.columns": "names, given",
    "marts.days": "day, n, age",
    "marts.keep": "n",
    "hubspot.log": "what",
}


def test_the_same_project_on_both(worlds):
    for round_ in range(2):
        for world in worlds:
            if round_:
                world.warehouse.execute(
                    "INSERT INTO hubspot.contacts VALUES (4, 'y', 'b', TIMESTAMP '2026-11-03 09:00:00')"
                )
                world.landed()
            results = world.build()
            assert {name: one.error for name, one in results.items() if one.error} == {}
        for table, columns in MARTS.items():
            assert worlds[1].rows(table, columns) == worlds[0].rows(table, columns), table
    assert worlds[1].rows("marts.pivoted", "a_n, b_n, n") == [(1, 2, 4)]
    assert {one.status for one in worlds[1].build().values() if one.name not in ("pivoted", "columns")} == {
        "skipped"
    }


def test_data_tests_and_unit_tests(worlds):
    told = []
    for world in worlds:
        world.build()
        project, graph = world.compiled()
        outcomes = run_data_tests(
            world.warehouse, project, graph, active_data_tests(project, graph), store=True
        )
        outcomes += run_unit_tests(project, graph, project.unit_tests)
        told.append(
            {one.name: (one.status, one.failures, one.samples and one.samples.rows) for one in outcomes}
        )
    assert told[1] == told[0]
    assert {status for status, _, _ in told[1].values()} == {"pass", "fail"}
    kept = {name for name in worlds[1].warehouse.tables("main_dbt_test__audit")}
    assert any("not_null" in name for name in kept), kept


def test_a_test_that_fails_keeps_the_old_table(worlds):
    bad = FILES["models/marts/tests.yml"].replace("      - name: email\n        data_tests: [not_null]\n", "")
    for world in worlds:
        edit(world, {"models/marts/tests.yml": bad})
        results = world.build(tested=True)
        assert {name: one.error for name, one in results.items() if one.error} == {}
        world.warehouse.execute(
            "INSERT INTO hubspot.contacts VALUES (1, 'z', 'zz', TIMESTAMP '2026-11-05 09:00:00')"
        )
        world.landed()
        edit(
            world,
            {
                "models/staging/stg_contacts.sql": FILES["models/staging/stg_contacts.sql"].replace(
                    "lower(trim(email))", "lower(email)"
                )
            },
        )
        results = world.build(tested=True)
        assert "2 tests fail: " in (results["stg_contacts"].error or ""), results["stg_contacts"]
        days = results["days"]
        edit(world, {"models/staging/stg_contacts.sql": FILES["models/staging/stg_contacts.sql"]})
        assert days.status in ("ok", "skipped")
    assert worlds[1].rows("marts.days", "day, n") == worlds[0].rows("marts.days", "day, n")


def test_what_bigquery_is_to_keep_tables_by_is_checked_where_it_stands(worlds):
    text = (
        FILES["models/marts/days.sql"]
        .replace("'field': 'day'", "'field': 'dya'")
        .replace("['n']", "['a', 'b', 'c', 'd', 'e']")
    )
    edit(worlds[0], {"models/marts/days.sql": text})
    said = []
    for target in ("dev", "prod"):
        project = load_project(worlds[0].root, target=target)
        with pytest.raises(ProjectError) as refused:
            compile_project(project, now=NOW, cache_dir=None)
        said.append("\n".join(map(str, refused.value.diagnostics)))
    assert "models/marts/days.sql:3:55: cluster_by names 5 columns. Name 4 at most" in said[0]
    assert (
        "models/marts/days.sql:3:3: partition_by names dya, which is no column of the model. Did you mean day?"
        in said[1]
    ), said[1]


def test_a_partition_of_another_type_is_refused_by_the_build(worlds):
    text = FILES["models/marts/days.sql"].replace("'data_type': 'date'", "'data_type': 'timestamp'")
    edit(worlds[1], {"models/marts/days.sql": text})
    error = worlds[1].build()["days"].error or ""
    assert error.startswith(
        "models/marts/days.sql:3:3: partition_by says that day is timestamp, and it is DATE"
    ), error
