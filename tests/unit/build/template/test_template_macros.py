"""Macros are found without being parsed, parsed once, and answer in the models' dialect; hooks may write."""

from __future__ import annotations

import pytest
from tests.unit.build.template.cases import Bench, plain

from tailrace.build.template.sandbox import Environment
from tailrace.build.template.unit import Unit
from tailrace.events import Notice, listening
from tailrace.warehouse.duckdb import DuckDBWarehouse


@pytest.fixture
def parsed(monkeypatch):
    """The files that were parsed, in order."""
    seen = []
    parse = Environment._parse

    def spied(self, source, name, filename):
        seen.append(name)
        return parse(self, source, name, filename)

    monkeypatch.setattr(Environment, "_parse", spied)
    return seen


def test_a_package_s_file_is_parsed_when_it_is_called_and_then_never_again(parsed):
    package = {
        f"packages/kit/macros/m{n}.sql": f"{{% macro m{n}(x) %}}{n}:{{{{ x }}}}{{% endmacro %}}"
        for n in range(800)
    }
    bench = Bench({**package, "macros/own.sql": "{% macro own() %}{{ kit.m7(1) }}{% endmacro %}"})
    assert parsed == ["macros/own.sql"], "the project's own show their mistakes at once"
    assert bench.text("{{ own() }}") == "7:1"
    assert parsed[1:] == ["models/a.sql", "macros/own.sql", "packages/kit/macros/m7.sql"]
    del parsed[:]
    for n in range(1000):
        assert (
            bench.text(f"{{{{ own() }}}} {{{{ kit.m7({n}) }}}} {{{{ var('x', {n}) }}}}", name=f"m{n}")
            == f"7:1 7:{n} {n}"
        )
    assert parsed == [f"models/m{n}.sql" for n in range(1000)]
    bench.text("{{ own() }} {{ kit.m7(3) }} {{ var('x', 3) }}", name="m3")
    assert len(parsed) == 1000, "the same text is compiled once"


def test_bigquery_has_its_own_words():
    bench = Bench(
        {
            "macros/m.sql": "{% macro bigquery__x() %}bq{% endmacro %}{% macro default__x() %}other{% endmacro %}"
        },
        dialect="bigquery",
    )
    assert (
        bench.text(
            "{{ adapter.dispatch('x')() }} {{ adapter.type() }} {{ target.type }} {{ ref('rows') }} {{ adapter.quote('a') }}"
        )
        == "bq bigquery bigquery `main`.`rows` `a`"
    )
    text = (
        "{{ dbt.type_string() }} {{ dbt.type_int() }} {{ dbt.type_numeric() }} {{ dbt.concat(['a', 'b']) }} {{ dbt.dateadd('day', 1, 'd') }} {{ dbt.hash('a') }}"
        " {{ dbt.split_part('a', \"'-'\", 1) }} {{ dbt.safe_cast('a', 'int64') }} {{ dbt.current_timestamp() }} {{ dbt.except() }}"
    )
    assert plain(bench.text(text)) == (
        "string int64 numeric concat(a, b) datetime_add(cast(d as datetime), interval 1 day) to_hex(md5(cast(a as string)))"
        " split(a, '-')[safe_offset(0)] safe_cast(a as int64) current_timestamp() except distinct"
    )


def test_hooks_change_the_warehouse():
    warehouse = DuckDBWarehouse(None)
    bench = Bench({}, warehouse=warehouse, writing=True)
    bench.text(
        "{% set r = api.Relation.create(schema='s', identifier='t', type='table') %}{% do adapter.create_schema(r) %}"
        "{% do run_query('create table ' ~ r ~ ' as select current_date as d') %}{% do run_query('insert into ' ~ r ~ ' select d from ' ~ r) %}"
        "{% do adapter.rename_relation(r, r.incorporate(path={'identifier': 'u'})) %}"
    )
    assert warehouse.tables("s") == {"u": "table"}
    assert warehouse.query("SELECT DISTINCT d::VARCHAR, count(*) OVER () FROM s.u") == [("2026-11-21", 2)]
    bench.text("{% do adapter.truncate_relation(adapter.get_relation(none, 's', 'u')) %}")
    assert warehouse.query("SELECT count(*) FROM s.u") == [(0,)]
    bench.text(
        "{% do adapter.drop_relation(api.Relation.create(schema='s', identifier='u')) %}{% do adapter.drop_schema(api.Relation.create(schema='s')) %}"
    )
    assert warehouse.tables("s") == {}
    warehouse.close()


def test_call_macro_gives_values_and_diagnostics():
    bench = Bench(
        {
            "macros/m.sql": "{% macro generate_alias_name(custom, node) %}{{ return([custom, node.name]) }}{% endmacro %}{% macro bad() %}{{ x.y }}{% endmacro %}",
            "models/a.sql": "",
        }
    )
    calls = bench.calls(Unit("models/a.sql", ""), "a")
    assert bench.templates.has_macro("generate_alias_name")
    assert not bench.templates.has_macro("generate_schema_name")
    assert bench.templates.has_macro("generate_schema_name", "dbt")
    found = bench.templates.call_macro("generate_alias_name", "", calls, "c", {"name": "n"})
    assert found == ["c", "n"]
    assert bench.templates.call_macro("bad", "", calls) is None
    assert [str(one) for one in bench.problems] == [
        "macros/m.sql:1:113: 'x' is undefined. Known: bad, config, env_var, generate_alias_name, is_incremental, log, ref, source, target, this, var"
    ]


def test_late_is_said_only_where_the_warehouse_is_needed():
    bench = Bench({})
    for text, late in (("{{ ref('rows') }}{{ adapter.quote('x') }}{{ adapter.type() }}", False), ("{% if execute %}{% endif %}", True), ("{% if false and execute %}{% endif %}", False),
                       ("{% do run_query('x') %}", True), ("{{ graph.nodes | length }}", True), ("{% do adapter.get_columns_in_relation(ref('rows')) %}", True)):  # fmt: skip
        bench.text(text)
        assert bench.said.late is late, text


def test_the_clock_is_the_run_s():
    text = "{{ run_started_at.isoformat() }} {{ modules.datetime.datetime.now() }} {{ modules.datetime.date.today() }} {{ invocation_id | length }}"
    bench = Bench({})
    assert bench.text(text) == "2026-11-21T04:05:06.789000+00:00 2026-11-21 04:05:06.789000 2026-11-21 36"
    assert bench.said.spoke, "what reads the clock is not kept"


def test_print_table_tells_the_table_as_agate_draws_it():
    warehouse, heard = DuckDBWarehouse(None), []
    bench = Bench({}, warehouse=warehouse)
    query = "select range as id, 'it''s ' || range as name, 2.5 as d, 'a much longer text' as e from range(3)"
    with listening(heard.append):
        given = bench.text(f'{{{{ run_query("{query}").print_table(max_rows=2, max_columns=3) }}}}')
        bench.text(f'{{% do run_query("{query}").select("e").limit(1).print_table(max_column_width=8) %}}')
    warehouse.close()
    assert given == "None"
    assert [event.text.partition("\n")[2].splitlines() for event in heard if isinstance(event, Notice)] == [
        [
            "|  id | name   |   d | ... |",
            "| --- | ------ | --- | --- |",
            "|   0 | it's 0 | 2.5 | ... |",
            "|   1 | it's 1 | 2.5 | ... |",
            "| ... | ...    | ... | ... |",
        ],
        ["| e        |", "| -------- |", "| a muc... |"],
    ]
