"""A dbt project as it is. Names, configurations and tests are those that dbt 1.11 itself lists for these files."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.unit.project.layout import DBT, lay_files, lay_out

from tailrace.errors import Location, ProjectError
from tailrace.project.load import load_project

KITCHEN = {
    "dbt_project.yml": """\
name: kitchen
profile: "{{ env_var('TAILRACE_TEST_UNSET', 'kitchen') }}"
version: 1.0
vars:
  g: root_global
  shared: &s {a: 1}
  kitchen: {own: mine, g: root_scoped}
  lib: {p: root_scoped}
  merged: *s
models:
  +tags: [all]
  +meta: {o: 1}
  kitchen:
    +materialized: "{{ 'table' if target.name == 'dev' else 'view' }}"
    +post-hook: select 0
    a:
      +schema: aa
      tags: aonly
      b:
        +enabled: yes
        deep: {+alias: deeper, +pre-hook: ["{{ late() }}"], post-hook: select 1, +meta: {p: 2}}
  lib:
    +schema: libschema
    staging: {+materialized: table, +tags: fromroot}
seeds:
  kitchen: {+quote_columns: false, x: {+column_types: {a: varchar}, +delimiter: ";"}}
snapshots: {kitchen: {+target_schema: snaps}}
tests: {+severity: warn, kitchen: {+tags: [tst]}}
sources: {kitchen: {+enabled: "{{ var('no_source', true) }}"}}
on-run-start: ["select 1", "{{ late() }}"]
on-run-end: select 2
dispatch: [{macro_namespace: lib, search_order: [kitchen, lib]}]
flags: {send_anonymous_usage_stats: false}
query-comment: "{{ late() }}"
""",
    "profiles.yml": """\
other: {target: x, outputs: {x: {type: snowflake}}}
kitchen:
  target: dev
  outputs:
    dev: {type: duckdb, path: k.duckdb, schema: sch, threads: 4, extensions: [json],
          attach: [{path: "duckdb:o.duckdb?access_mode=read_only", alias: o, type: duckdb}]}
    prod: {type: redshift}
""",
    "models/top.sql": "select 1 as id",
    "models/a/mid.sql": "select 1 as id",
    "models/a/b/deep.sql": "select 1 as id",
    "models/docs.md": "{% docs top %}\n The *top*. \n{% enddocs %}",
    "models/schema.yml": """\
x-anchors: &columns
  - {name: id, data_tests: [unique]}
models:
  - name: top
    description: "{{ doc('top') }} {{ doc('kitchen', 'top') }} {{ kept }}"
    columns: *columns
    config: {tags: [yt], meta: {o: 3}}
    constraints: [{type: primary_key, columns: [id], warn_unenforced: false}]
    data_tests:
      - my_generic: {arg: 5, config: {severity: error, where: "id > {{ var('own') }}"}}
      - lib.lib_test: {arguments: {column_name: id}, tags: [q], limit: 5}
      - {name: custom, test_name: my_generic, arg: [1, 2.5, true, null, x y]}
      - a_rather_long_generic_test_name_here: {first_argument: [aaaaaaaaaaaaaaa, bbbbbbbbbbbbbbb], second: {k: v1, l: v2}, quote: false}
  - name: mid
    columns:
      - name: id
        quote: true
        config: {meta: {z: 1}, tags: [coltag]}
        tags: [ct]
        data_type: integer
        description:
        data_tests:
          - relationships: {to: ref('top'), field: id}
          - unique: {enabled: false}
          - not_null: {severity: warn, warn_if: ">5"}
          - accepted_values: {values: [2020-01-01, on, 1.50, 12:30, 010], name: av}
""",
    "models/a/sources.yml": """\
sources:
  - name: raw
    schema: "{{ var('raw_schema', 'rawsch') }}"
    tags: [st]
    loaded_at_field: ts
    freshness: {warn_after: {count: 1, period: day}}
    tables:
      - {name: ev, identifier: events, columns: [{name: id, data_tests: [unique]}]}
      - {name: switched_off, config: {enabled: false}, freshness: null, columns: [{name: id, tests: [unique]}]}
""",
    "tests/generic/g.sql": "{% test my_generic(model, arg) %} select 1 {% endtest %}",
    "tests/sing.sql": "select 1 where false",
    "tests/t.yml": "data_tests: [{name: sing, description: dd, config: {tags: [sg]}}]",
    "macros/m.sql": "{% macro mm(x) %}1{% endmacro %}",
    "snapshots/s.sql": """\
{# {% snapshot no %} #}
{% snapshot snap_a %}
select 1 as id
{% endsnapshot %}
{%- snapshot snap_b -%} select 2 {%- endsnapshot -%}
""",
    "snapshots/y.yml": """\
snapshots:
  - {name: snap_a, description: sa, columns: [{name: id, data_tests: [not_null]}]}
  - name: snap_y
    relation: ref('top')
    config: {unique_key: id, tags: [sy]}
""",
    "seeds/x/sd.csv": "a;b\n1;2\n",
    "seeds/dot.name/plain.csv": "a,b\n1,2\n",
    "seeds/dot.name/README.md": "not a seed",
    "seeds/s.yml": "seeds: [{name: plain, config: {column_types: {b: integer}, alias: pl}, columns: [{name: a, tests: [unique]}]}]",
    "dbt_packages/lib-1.0/dbt_project.yml": """\
name: lib
version: '0.1.0'
vars: {p: own_global, q: qq, lib: {q: own_scoped}}
models: {lib: {+materialized: ephemeral, staging: {+materialized: view, +schema: stg}}}
on-run-end: "{{ lib.finish() }}"
""",
    "dbt_packages/lib-1.0/models/staging/lib_a.sql": "select 1 as v",
    "dbt_packages/lib-1.0/models/lib_b.sql": "select 1 as v",
    "dbt_packages/lib-1.0/models/s.yml": "models: [{name: lib_a, config: {tags: [y], materialized: incremental, meta: {p: 1}}, columns: [{name: v, tests: [not_null]}]}]",
    "dbt_packages/lib-1.0/macros/t.sql": "{% test lib_test(model, column_name) %} select 1 {% endtest %}",
}


@pytest.fixture
def kitchen(tmp_path, monkeypatch):
    monkeypatch.delenv("TAILRACE_TEST_UNSET", raising=False)
    return lay_files(tmp_path / "kitchen", KITCHEN)


def test_models_are_configured_as_dbt_does(kitchen):
    project = load_project(kitchen)
    models = {model.name: model for model in project.models}
    assert (project.name, project.dialect, project.notices) == ("kitchen", "duckdb", ())
    assert {(model.name, model.package, model.schema) for model in project.models} == {
        ("top", "", "sch"), ("mid", "", "sch"), ("deep", "", "sch"), ("snap_a", "", "sch"), ("snap_b", "", "sch"), ("snap_y", "", "sch"),
        ("lib_a", "lib", "sch"), ("lib_b", "lib", "sch"),
    }  # fmt: skip
    assert models["top"].config == {
        "tags": ["all", "yt"],
        "meta": {"o": 3},
        "materialized": "table",
        "post_hook": ["select 0"],
    }
    assert models["deep"].config == {
        "tags": ["all", "aonly"],
        "meta": {"o": 1, "p": 2},
        "materialized": "table",
        "schema": "aa",
        "enabled": True,
        "alias": "deeper",
        "pre_hook": ["{{ late() }}"],
        "post_hook": ["select 0", "select 1"],
    }
    assert models["deep"].config_places["alias"] == Location("dbt_project.yml", 21, 16)
    assert (models["top"].tags, models["top"].overrides) == (("all", "yt"), {})


def test_the_project_has_the_last_word_on_a_packages_models(kitchen):
    models = {model.name: model for model in load_project(kitchen).models}
    assert models["lib_a"].config == {
        "materialized": "table",
        "schema": "libschema",
        "tags": ["y", "all", "fromroot"],
        "meta": {"p": 1, "o": 1},
    }
    assert models["lib_a"].overrides == {"schema": "libschema", "materialized": "table"}
    assert models["lib_b"].config["materialized"] == "ephemeral"
    assert models["lib_b"].path == "dbt_packages/lib-1.0/models/lib_b.sql"


def test_what_yaml_says(kitchen):
    project = load_project(kitchen)
    models = {model.name: model for model in project.models}
    assert models["top"].description == "The *top*. The *top*. {{ kept }}"
    assert [constraint["type"] for constraint in models["top"].constraints] == ["primary_key"]
    (column,) = models["mid"].columns
    assert (column.data_type, column.meta, column.tags, column.description) == (
        "integer",
        {"z": 1},
        ("ct", "coltag"),
        "",
    )
    assert column.location == Location("models/schema.yml", 16, 15)
    assert project.docs == {("", "top"): "The *top*."}


def test_tests_have_dbts_names(kitchen):
    project = load_project(kitchen)
    found = {test.name: test for test in project.data_tests}
    assert sorted(found) == [
        "a_rather_long_generic_test_name_here_top_aaaaaaaaaaaaaaa__bbbbbbbbbbbbbbb__False__v1__v2",
        "av",
        "custom",
        "lib_lib_test_top_id",
        "my_generic_top_5",
        "not_null_lib_a_v",
        "not_null_mid__id_",
        "not_null_snap_a_id",
        "relationships_mid__id___id__ref_top_",
        "sing",
        "source_unique_raw_ev_id",
        "unique_plain_a",
        "unique_top_id",
    ]
    long = found["a_rather_long_generic_test_name_here_top_aaaaaaaaaaaaaaa__bbbbbbbbbbbbbbb__False__v1__v2"]
    assert long.config["alias"] == "a_rather_long_generic_test_nam_3d94812cbf4c471cc57128202fe3929e"
    assert (long.test, long.model, long.source, long.column) == (
        "a_rather_long_generic_test_name_here",
        "top",
        None,
        "",
    )
    assert found["my_generic_top_5"].config == {"severity": "error", "tags": ["tst"], "where": "id > mine"}
    assert found["my_generic_top_5"].kwargs == {"arg": 5}
    assert found["lib_lib_test_top_id"].kwargs == {"column_name": "id"}
    assert (found["lib_lib_test_top_id"].test, found["lib_lib_test_top_id"].tags) == (
        "lib.lib_test",
        ("tst", "q"),
    )
    assert found["custom"].kwargs == {"arg": [1, 2.5, True, None, "x y"]}
    assert found["av"].kwargs == {"values": ["2020-01-01", True, 1.5, 750, 8]}
    assert found["relationships_mid__id___id__ref_top_"].kwargs == {"to": "ref('top')", "field": "id"}
    assert found["relationships_mid__id___id__ref_top_"].column == '"id"'
    assert found["not_null_mid__id_"].tags == ("tst", "ct", "coltag")
    assert found["source_unique_raw_ev_id"].source == ("raw", "ev")
    assert found["source_unique_raw_ev_id"].tags == ("tst", "st")
    assert found["not_null_lib_a_v"].config == {"severity": "warn"}
    assert found["unique_plain_a"].location == Location("seeds/s.yml", 1, 100)
    sing = found["sing"]
    assert (sing.sql, sing.description, sing.tags) == ("select 1 where false", "dd", ("tst", "sg"))


def test_sources_seeds_and_snapshots(kitchen):
    project = load_project(kitchen)
    events, off = project.sources
    assert (events.schema, events.identifier, events.tags, events.enabled) == (
        "rawsch",
        "events",
        ("st",),
        True,
    )
    assert (events.loaded_at_field, events.freshness) == (
        "ts",
        {"warn_after": {"count": 1, "period": "day"}},
    )
    assert (off.enabled, off.freshness) == (False, {})
    seeds = {seed.name: seed for seed in project.seeds}
    assert seeds["sd"].config == {"quote_columns": False, "column_types": {"a": "varchar"}, "delimiter": ";"}
    assert seeds["plain"].config == {
        "quote_columns": False,
        "column_types": {"b": "integer"},
        "alias": "pl",
    }
    assert seeds["plain"].schema == "sch"
    snapshots = {model.name: model for model in project.models if model.kind == "snapshot"}
    assert (snapshots["snap_a"].sql, snapshots["snap_a"].line) == ("\nselect 1 as id\n", 1)
    assert (snapshots["snap_b"].sql, snapshots["snap_b"].line) == (" select 2 ", 4)
    assert snapshots["snap_a"].description == "sa"
    declared = snapshots["snap_y"]
    assert (declared.sql, declared.path, declared.line) == (
        "select * from {{ ref('top') }}",
        "snapshots/y.yml",
        3,
    )
    assert declared.config == {"target_schema": "snaps", "unique_key": "id", "tags": ["sy"]}


def test_variables_by_who_is_nearer(kitchen):
    project = load_project(kitchen, variables={"q": "command line"})
    assert project.vars["g"] == "root_scoped"
    assert (project.vars["own"], project.vars["merged"]) == ("mine", {"a": 1})
    lib = project.vars_of("lib")
    assert (lib["p"], lib["q"], lib["g"]) == ("root_scoped", "command line", "root_global")
    assert load_project(kitchen).vars_of("lib")["q"] == "own_scoped"


def test_what_the_project_file_adds(kitchen):
    project = load_project(kitchen)
    assert project.dbt is not None
    assert project.dbt.dispatch == {"lib": ("kitchen", "lib")}
    assert (project.dbt.on_run_start, project.dbt.on_run_end) == (("select 1", "{{ late() }}"), ("select 2",))
    assert project.packages["lib"].on_run_end == ("{{ lib.finish() }}",)
    assert (project.packages["lib"].path, project.packages["lib"].version) == (
        "dbt_packages/lib-1.0",
        "0.1.0",
    )
    assert project.macro_packages == {
        "macros/m.sql": "",
        "tests/generic/g.sql": "",
        "dbt_packages/lib-1.0/macros/t.sql": "lib",
    }
    assert set(project.macros) == set(project.macro_packages)


def test_the_target_takes_dbts_keys(kitchen):
    target = load_project(kitchen).target
    assert (target.schema, target.threads, target.path) == ("sch", 4, kitchen / "k.duckdb")
    assert target.attach == ({"path": str(kitchen / "o.duckdb"), "alias": "o"},)


@pytest.mark.parametrize("where", ["DBT_PROFILES_DIR", "HOME"])
def test_profiles_lie_where_dbt_looks(kitchen, tmp_path, monkeypatch, where):
    text = (kitchen / "profiles.yml").read_text()
    (kitchen / "profiles.yml").unlink()
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ProjectError) as caught:
        load_project(kitchen)
    (problem,) = caught.value.diagnostics
    assert problem.location == Location("profiles.yml") and "path: kitchen.duckdb" in problem.fix
    folder = tmp_path / (".dbt" if where == "HOME" else "elsewhere")
    monkeypatch.setenv(where, str(tmp_path if where == "HOME" else folder))
    lay_files(folder, {"profiles.yml": text})
    assert load_project(kitchen).target.path == kitchen / "k.duckdb"


def test_bigquery_in_dbts_words(kitchen):
    profile = "{type: bigquery, method: service-account, keyfile: k.json, project: p, dataset: d, client_secret: hush-hush-hush}"
    text = f"kitchen: {{target: dev, outputs: {{dev: {profile}}}}}"
    target = load_project(lay_files(kitchen, {"profiles.yml": text})).target
    assert (target.type, target.schema, target.settings["keyfile"]) == (
        "bigquery",
        "d",
        str(kitchen / "k.json"),
    )
    assert "hush" not in repr(target)


def test_packages_beside_the_project_are_read_in_place(tmp_path):
    root = lay_files(
        tmp_path,
        {
            "dbt_project.yml": "name: lib\nmodels: {lib: {+schema: own}}\n",
            "models/staging/m.sql": "select 1",
            "packages.yml": "packages: [{package: acme/tools, version: 1.0.0}]",
            "ci/dbt_project.yml": "name: ci\nprofile: ci\nmodels: {lib: {staging: {+tags: [x]}}}\n",
            "ci/profiles.yml": "ci: {target: a, outputs: {a: {type: duckdb, path: a.duckdb}}}",
            "ci/packages.yml": "packages: [{local: ../}, {git: 'https://x/dbt-named-otherwise.git'}]",
            "ci/dbt_packages/tools/dbt_project.yml": "name: tools\n",
            "ci/dbt_packages/odd/dbt_project.yml": "name: odd\n",
            "ci/dbt_packages/odd/macros/m.sql": "",
        },
    )
    project = load_project(root / "ci")
    (model,) = project.models
    assert (model.path, model.package, model.config) == (
        "../models/staging/m.sql",
        "lib",
        {"schema": "own", "tags": ["x"]},
    )
    assert {name: package.path for name, package in project.packages.items()} == {
        "lib": "..",
        "tools": "dbt_packages/tools",
        "odd": "dbt_packages/odd",
    }


def test_unit_tests_and_their_fixtures(kitchen):
    lay_files(
        kitchen,
        {
            "models/units.yml": """\
unit_tests:
  - name: typed
    model: mid
    given: [{input: "ref('top')", rows: [{id: 1, s: null}]}, {input: this}]
    expect: {rows: [{id: 1}]}
    overrides: {vars: {a: 1}, macros: {is_incremental: true}}
    config: {tags: [u]}
  - name: files
    model: mid
    given:
      - {input: "source('raw', 'ev')", format: csv, rows: "id, s\\n1,\\"a,b\\"\\n2,\\n"}
      - {input: "ref('top')", format: sql, rows: "select {{ kept }}"}
    expect: {format: sql, fixture: wanted}
  - {name: switched_off, model: mid, given: [], expect: {rows: []}, config: {enabled: "{{ var('no', false) }}"}}
""",
            "tests/fixtures/deep/wanted.sql": "select 1 as id",
        },
    )
    typed, files = load_project(kitchen).unit_tests
    assert [fixture.rows for fixture in typed.given] == [({"id": 1, "s": None},), ()]
    assert (typed.overrides, typed.tags) == ({"vars": {"a": 1}, "macros": {"is_incremental": True}}, ("u",))
    csv, sql = files.given
    assert (csv.rows, csv.typed) == (({"id": "1", "s": "a,b"}, {"id": "2", "s": None}), False)
    assert (sql.sql, sql.input) == ("select {{ kept }}", "ref('top')")
    assert (files.expect.sql, files.expect.location) == (
        "select 1 as id",
        Location("tests/fixtures/deep/wanted.sql"),
    )


def test_exposures(kitchen):
    text = "exposures: [{name: e, type: ml, owner: {email: x}, depends_on: [\"ref('top')\"], config: {meta: {k: 1}}}, {name: switched_off, type: ml, owner: {}, config: {enabled: false}}]"
    (found,) = load_project(lay_files(kitchen, {"models/e.yml": text})).exposures
    assert (found.name, found.depends_on, found.meta) == ("e", ("ref('top')",), {"k": 1})


def test_older_words_for_folders(tmp_path):
    root = lay_files(
        tmp_path,
        {
            "dbt_project.yml": "name: old\nprofile: old\nsource-paths: [transform]\ndata-paths: [data, .]\npackages-install-path: mods\n",
            "profiles.yml": "old: {outputs: {a: {type: duckdb, path: a.duckdb}}}",
            "transform/x/m.sql": "select 1",
            "data/s.csv": "a\n1\n",
            "mods/lib/dbt_project.yml": "name: lib",
        },
    )
    project = load_project(root)
    assert [model.path for model in project.models] == ["transform/x/m.sql"]
    assert [seed.path for seed in project.seeds] == ["data/s.csv"]
    assert list(project.packages) == ["lib"]


def test_settings_beside_a_dbt_project(kitchen):
    lay_files(
        kitchen,
        {
            "pyproject.toml": '[tool.tailrace]\nname = "acme"\nprofile = "kitchen"\ndialect = "bigquery"\nvars = {g = "ours"}\n'
        },
    )
    project = load_project(kitchen)
    assert (project.name, project.dialect, project.dbt and project.dbt.name) == (
        "acme",
        "bigquery",
        "kitchen",
    )
    assert (project.vars["g"], project.vars_of("lib")["g"]) == ("ours", "ours")
    lay_files(kitchen, {"pyproject.toml": "[tool.black]\nline-length = 5\n"})
    assert load_project(kitchen).name == "kitchen"


def test_a_projects_own_package(tmp_path):
    """A project of ours takes a dbt package whole, and configures it by a table of its name."""
    root = lay_files(
        tmp_path,
        {
            "pyproject.toml": '[tool.tailrace]\nname = "acme"\nvars = {lib = {p = 2}}\n[tool.tailrace.models]\nmaterialized = "table"\n[tool.tailrace.models.lib.staging]\nmaterialized = "view"\n',
            "profiles.yml": "acme: {outputs: {a: {type: duckdb, path: a.duckdb}}}",
            "models/marts/m.sql": "select 1",
            "packages/lib/dbt_project.yml": "name: lib\nvars: {p: 1}\n",
            "packages/lib/models/staging/s.sql": "select 1",
            "packages/lib/macros/m.sql": "",
            "macros/other/x.sql": "",
        },
    )
    project = load_project(root)
    found = {model.name: model for model in project.models}
    assert {name: (model.schema, model.package, model.config) for name, model in found.items()} == {
        "m": ("marts", "", {"materialized": "table"}),
        "s": ("staging", "lib", {"materialized": "view"}),
    }
    assert (project.vars_of("lib")["p"], project.dbt) == (2, None)
    assert project.macro_packages == {"macros/other/x.sql": "other", "packages/lib/macros/m.sql": "lib"}


def test_what_is_switched_off_takes_its_tests_along(kitchen):
    lay_files(
        kitchen,
        {
            "models/off.yml": """\
models: [{name: deep, config: {enabled: false}, columns: [{name: id, tests: [unique]}]}]
seeds: [{name: sd, config: {enabled: false}, columns: [{name: a, tests: [unique]}]}]
unit_tests: [{name: u, model: deep, given: [], expect: {rows: []}}]
""",
            "dbt_packages/lib-1.0/models/top.sql": "select 2",
            "dbt_project.yml": KITCHEN["dbt_project.yml"].replace(
                "    +schema: libschema", "    +schema: libschema\n    top: {+enabled: false}"
            ),
        },
    )
    project = load_project(kitchen)
    assert {test.name for test in project.data_tests} & {"unique_deep_id", "unique_sd_a"} == set()
    assert project.unit_tests == ()
    assert [seed.name for seed in project.seeds] == ["plain"]
    assert [model.path for model in project.models if model.name == "top"] == ["models/top.sql"]
    assert [model.config["enabled"] for model in project.models if model.name == "deep"] == [False]


def test_the_profiles_target_may_be_a_template(kitchen, monkeypatch):
    text = KITCHEN["profiles.yml"].replace(
        "target: dev", "target: \"{{ env_var('TAILRACE_TEST_TARGET', 'dev') }}\""
    )
    lay_files(kitchen, {"profiles.yml": text})
    assert load_project(kitchen).target.name == "dev"
    monkeypatch.setenv("TAILRACE_TEST_TARGET", "prod")
    with pytest.raises(ProjectError, match="type cannot be redshift"):
        load_project(kitchen)


def test_a_plain_call_in_yaml_imports_no_jinja(tmp_path):
    lay_out(DBT / "base.txt", tmp_path, DBT / "base.txt")
    text = "models: [{name: orders, config: {enabled: \"{{ var('on', True) }}\", alias: \"{{ env_var('TAILRACE_TEST_UNSET', 'x') }}\"}}]"
    lay_files(tmp_path, {"models/schema.yml": text})
    code = (
        "import sys; from pathlib import Path; from tailrace.project.load import load_project;"
        "p = load_project(Path(sys.argv[1])); print(p.models[0].config, [m for m in ('jinja2', 'duckdb', 'sqlglot') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "{'materialized': 'table', 'enabled': True, 'alias': 'x'} []", done.stderr
