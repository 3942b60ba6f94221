"""Where a dbt project's models are built: dbt's own rule, or the project's macros; the root configures its packages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tailrace.build.compile import compile_project
from tailrace.errors import ProjectError
from tailrace.project.load import load_project

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
BASE = {
    "dbt_project.yml": "{name: shop, version: '1', profile: shop, models: {kit: {b: {+enabled: false}, a: {+materialized: table}}}}",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb, schema: base}}}",
    "models/plain.sql": "select 1 as id",
    "models/named.sql": "{{ config(schema='extra', alias='other') }} select * from {{ ref('plain') }}",
    "models/counted.sql": "select * from {{ ref('named') }} where id in (select id from {{ ref('raw') }})",
    "seeds/raw.csv": "id\n1\n",
    "dbt_packages/kit/dbt_project.yml": "{name: kit, version: '1', config-version: 2}",
    "dbt_packages/kit/models/a.sql": "{{ config(materialized='view') }} select 1 as id",
    "dbt_packages/kit/models/b.sql": "{{ config(enabled=true) }} select 1 as id",
}
OWN = """
{% macro generate_schema_name(custom, node) %}
  {{ custom or target.schema }}_{{ node.resource_type }}
{% endmacro %}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
  x_{{ custom_alias_name or node.name }}
{%- endmacro %}
"""


@pytest.fixture
def shop(tmp_path):
    def lay(**more):
        for name, text in {
            **BASE,
            **{key.replace("__", "/") + ".sql": text for key, text in more.items()},
        }.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return lay


def compiled(root, cache=None):
    return compile_project(load_project(root), now=NOW, cache_dir=cache)


def tables(graph):
    return {name: str(node.table) for name, node in graph.nodes.items()}


def test_a_custom_schema_is_a_suffix_of_the_targets(shop):
    graph = compiled(shop())
    assert tables(graph) == {
        "raw": "base.raw",
        "plain": "base.plain",
        "named": "base_extra.other",
        "counted": "base.counted",
        "a": "base.a",
    }
    assert 'from "base_extra"."other"' in graph.nodes["counted"].sql


def test_a_projects_own_macros_name_schemas_and_tables(shop):
    graph = compiled(shop(macros__names=OWN))
    assert tables(graph) == {
        "raw": "base_seed.x_raw", "plain": "base_model.x_plain", "named": "extra_model.x_other",
        "counted": "base_model.x_counted", "a": "base_model.x_a",
    }  # fmt: skip
    assert 'from "extra_model"."x_other"' in graph.nodes["counted"].sql
    assert '"base_seed"."x_raw"' in graph.nodes["counted"].sql


def test_what_the_macros_say_is_kept(shop, monkeypatch, tmp_path):
    root = shop(macros__names=OWN)
    before = compiled(root, tmp_path / "cache")
    monkeypatch.setattr(
        "tailrace.build.rendering.Renderer.templates", property(lambda _: pytest.fail("rendered again"))
    )
    assert tables(compiled(root, tmp_path / "cache")) == tables(before)


def test_the_root_has_the_last_word_on_a_packages_model(shop):
    graph = compiled(shop())
    assert "b" not in graph.nodes
    assert graph.nodes["a"].materialized == "table"


def test_a_macro_that_fails_is_named(shop):
    with pytest.raises(ProjectError) as caught:
        compiled(
            shop(macros__names="{% macro generate_schema_name(custom, node) %}{{ nod.name }}{% endmacro %}")
        )
    assert "macros/names.sql:1:" in str(caught.value)
    assert "'nod' is undefined" in str(caught.value)


def test_two_models_of_one_table_are_refused(shop):
    with pytest.raises(ProjectError) as caught:
        compiled(shop(models__twin="{{ config(alias='plain') }} select 2 as id"))
    assert "twin and plain (models/plain.sql) would both build base.plain" in str(caught.value)
