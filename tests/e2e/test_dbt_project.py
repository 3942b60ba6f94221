"""A plain dbt project, package and all, through the command line; its tables are those that dbt built from the same seeds."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.recordings import REAL

SHOP = REAL / "dbt-packages" / "jaffle_shop"
needs_seeds = pytest.mark.skipif(not SHOP.is_dir(), reason="../shared/real/dbt-packages is not here")
FILES = {
    "dbt_project.yml": """
name: shop
version: "1.0"
config-version: 2
profile: shop
model-paths: [models]
dispatch:
  - {macro_namespace: kit, search_order: [shop, missing_package, kit]}
vars:
  kit: {payments: "{{ ref('raw_payments') }}", cents: 100}
models:
  shop: {+materialized: table, staging: {+materialized: view}}
""",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 1}}}\n",
    "macros/renamed.sql": "{% macro default__renamed(name) %}{{ name }} AS {{ 'customer_id' if name == 'user_id' else name }}{% endmacro %}",
    "models/staging/stg_customers.sql": "select id as customer_id, first_name, last_name from {{ ref('raw_customers') }}",
    "models/staging/stg_orders.sql": """
{%- set found = adapter.get_columns_in_relation(ref('raw_orders')) -%}
select
    id as order_id
{%- for column in found if column.name != 'id' %},
    {{ kit.renamed(column.name) }}
{%- endfor %}
from {{ source('raw', 'orders') }}
""",
    "models/orders.sql": """
{% set methods = ['credit_card', 'coupon', 'bank_transfer', 'gift_card'] %}
with paid as (
    select
        order_id,
        {% for method in methods -%}
        sum(case when payment_method = '{{ method }}' then amount else 0 end) as {{ method }}_amount,
        {% endfor -%}
        sum(amount) as amount
    from {{ ref('kit', 'stg_payments') }}
    group by 1
)
select o.*, {% for method in methods %}paid.{{ method }}_amount, {% endfor %}paid.amount
from {{ ref('stg_orders') }} as o
left join paid using (order_id)
""",
    "models/customers.sql": """
select
    c.customer_id, c.first_name, c.last_name,
    visits.first_order, visits.most_recent_order, visits.number_of_orders, spent.customer_lifetime_value
from {{ ref('stg_customers') }} as c
left join {{ ref('visits') }} as visits on visits.customer_id = c.customer_id
left join (
    select o.customer_id, sum(p.amount) as customer_lifetime_value
    from stg_payments as p
    left join {{ ref('stg_orders') }} as o on p.order_id = o.order_id
    group by o.customer_id
) as spent on spent.customer_id = c.customer_id
""",
    "models/visits.sql": """
{{ config(materialized='ephemeral') }}
select customer_id, min(order_date) as first_order, max(order_date) as most_recent_order, count(order_id) as number_of_orders
from {{ ref('stg_orders') }}
group by customer_id
""",
    "models/schema.yml": """
version: 2
sources:
  - name: raw
    schema: "{{ target.schema }}"
    tables: [{name: orders, identifier: raw_orders}]
models:
  - name: customers
    columns:
      - name: customer_id
        data_tests: [unique, not_null]
  - name: orders
    columns:
      - name: status
        data_tests:
          - accepted_values: {values: [placed, shipped, completed, return_pending, returned]}
      - name: customer_id
        data_tests: [{relationships: {to: ref('customers'), field: customer_id}}]
""",
    "tests/no_negative_amount.sql": "select * from {{ ref('orders') }} where amount < 0",
    "dbt_packages/kit/dbt_project.yml": "name: kit\nversion: '0.1'\nconfig-version: 2\nvars: {cents: 1}\n",
    "dbt_packages/kit/macros/renamed.sql": """
{% macro renamed(name) %}{{ return(adapter.dispatch('renamed', 'kit')(name)) }}{% endmacro %}
{% macro default__renamed(name) %}{{ name }}{% endmacro %}
""",
    "dbt_packages/kit/models/stg_payments.sql": """
{{ config(materialized=var('kit_materialized', 'view')) }}
select id as payment_id, order_id, payment_method, amount / {{ var('cents') }} as amount
from {{ var('payments') }}
""",
}  # fmt: skip


@pytest.fixture
def project(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    shutil.copytree(SHOP / "seeds", tmp_path / "seeds")
    return tmp_path


def tailrace(project: Path, *args: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tailrace", *args, "--project", str(project)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout or done.stderr


def expected(name: str) -> list[tuple[str, ...]]:
    with (SHOP / "expected" / f"main.{name}.csv").open(newline="") as file:
        return sorted(map(tuple, list(csv.reader(file))[1:]))


def text(value: object) -> str:
    return "" if value is None else str(value)


@needs_seeds
def test_its_tables_are_those_that_dbt_built(project):
    code, said = tailrace(project, "run")
    assert code == 0, said
    shapes = {entry["name"]: entry for entry in json.loads((SHOP / "expected" / "index.json").read_text())}
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as con:
        for name, shape in shapes.items():
            rows = con.execute(f"SELECT * FROM main.{name}").fetchall()
            assert sorted(tuple(map(text, row)) for row in rows) == expected(name), name
            types = con.execute(f"SELECT column_name, column_type FROM (DESCRIBE main.{name})").fetchall()
            assert [list(column) for column in types] == shape["columns"], name
        kinds = dict(
            con.execute(
                "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'main'"
            ).fetchall()
        )
    assert kinds == {name: shape["type"] for name, shape in shapes.items()}, "an ephemeral model is no table"


@needs_seeds
def test_nothing_is_built_twice_and_its_tests_pass(project):
    assert tailrace(project, "build")[0] == 0
    code, said = tailrace(project, "build", "--json")
    statuses = {step["status"] for step in json.loads(said)["steps"] if step["step"] == "build"}
    assert (code, statuses) == (0, {"skipped"}), said
    code, said = tailrace(project, "test", "--json")
    tests = json.loads(said)["tests"]
    assert (code, len(tests), {test["status"] for test in tests}) == (0, 5, {"pass"}), said


@needs_seeds
def test_a_planted_fault_is_found_by_its_own_test(project):
    with (project / "seeds" / "raw_orders.csv").open("a", newline="") as seed:
        seed.write("1000,4711,2018-04-09,lost\r\n")
    assert tailrace(project, "build")[0] == 0
    code, said = tailrace(project, "test", "--json")
    failed = {
        test["name"]: test["failures"] for test in json.loads(said)["tests"] if test["status"] == "fail"
    }
    assert code == 1
    assert sorted(failed.values()) == [1, 1]
    assert any("accepted_values" in name for name in failed), failed
    assert any("relationships" in name for name in failed), failed


@needs_seeds
def test_an_error_of_the_engine_points_into_the_template(project):
    text = (project / "models" / "orders.sql").read_text()
    (project / "models" / "orders.sql").write_text(
        text.replace("using (order_id)", "on o.order_id = paid.nothing")
    )
    code, said = tailrace(project, "build")
    assert code == 1
    assert "models/orders.sql:15:32: Binder Error" in said, said
