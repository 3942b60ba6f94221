"""Hooks of on-run-end are told what became of the run, by `build` and by `test`."""

from __future__ import annotations

import duckdb
import pytest

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli

FILES = {
    "dbt_project.yml": """
name: shop
profile: shop
on-run-start: ["create table if not exists main.log (said varchar)"]
on-run-end:
  - "{{ tell(results) }}"
  - "insert into main.log values ('{{ schemas | join(', ') }}'), ('{{ database_schemas | map('join', '.') | join(', ') }}')"
""",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb}}}",
    "macros/tell.sql": """
{% macro tell(results) %}
  {% for r in results | sort(attribute='node.name') %}{% set all = r.to_dict() %}
  insert into main.log values ('{{ r.node.unique_id }} {{ r.node.resource_type }} {{ all['node'].config.materialized }} {{ r.status }}
 {{- ' ' ~ r.failures if r.failures is not none }}{{ ' ' ~ all.get('adapter_response', {}).get('rows_affected', '-') }}
 {{- ' in time' if r.execution_time < 60 }}{{ ': ' ~ (r.message | replace("'", '"')) if r.status != 'success' }}');
  {% endfor %}
{% endmacro %}
""",
    "models/a.sql": "{{ config(materialized='table') }} select 1 as id",
    "models/b.sql": "{{ config(materialized='table', schema='other') }} select * from {{ ref('a') }}",
    "models/c.sql": "{{ config(schema='third') }} select nope from {{ ref('a') }}",
    "models/d.sql": "select * from {{ ref('c') }}",
    "models/e.sql": "{{ config(materialized='ephemeral') }} select 1 as id",
    "models/schema.yml": """
models: [{name: a, columns: [{name: id, data_tests: [not_null, {accepted_values: {name: of_two, values: [2]}}]}]}]
""",
    "snapshots/s.sql": "{% snapshot s %}{{ config(unique_key='id', strategy='check', check_cols='all') }}"
    " select * from {{ ref('a') }}{% endsnapshot %}",
}


@pytest.fixture
def shop(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(shop, *words):
    """The exit code, and what the hooks wrote, which is deleted then."""
    code = invoke(cli, [*words, "--project", str(shop)])
    [work] = shop.glob(".tailrace/**/work.duckdb")
    with duckdb.connect(str(work)) as warehouse:
        said = [row[0] for row in warehouse.execute("FROM main.log").fetchall()]
        warehouse.execute("DELETE FROM main.log")
    return code, said


def test_a_build_tells_of_every_model(shop):
    code, said = run(shop, "build")
    assert code == 1
    assert said[2].startswith("model.shop.c model view error 0 in time: models/c.sql:1:37: Binder Error")
    del said[2]
    assert said == [
        "model.shop.a model table success 1 in time",
        "model.shop.b model table success 1 in time",
        "model.shop.d model view skipped 0 in time: upstream c failed",
        "snapshot.shop.s snapshot snapshot success 1 in time",
        "main, main_other",
        "w.main, w.main_other",
    ]


def test_a_test_run_tells_of_every_test(shop):
    run(shop, "build")
    code, said = run(shop, "test")
    assert code == 1
    assert said == [
        "test.shop.not_null_a_id test test pass 0 - in time: None",
        "test.shop.of_two test test fail 1 - in time: Got 1 result, configured to fail if != 0",
        "",
        "",
    ]


def test_a_test_run_whose_first_hook_fails_tests_nothing(shop, capsys):
    run(shop, "build")
    text = FILES["dbt_project.yml"].replace(
        "create table if not exists main.log (said varchar)", "select nope"
    )
    (shop / "dbt_project.yml").write_text(text)
    code, said = run(shop, "test")
    assert (code, said) == (1, [])
    assert "its on-run-start failed: Binder Error" in capsys.readouterr().err
