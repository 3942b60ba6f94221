"""What compiling promises besides diagnostics: its cache is only that, runaways end, what is not needed is not imported."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from datetime import timedelta

import pytest
from tests.unit.build.layout import GOLDEN, NOW, compiled, lay_out, sections

from tailrace.build.template.limits import Runaway, time_limit
from tailrace.errors import ProjectError
from tailrace.events import Notice, listening

GOOD = sections(GOLDEN / "good.txt")


def problems(root, **kwargs):
    with pytest.raises(ProjectError) as caught:
        compiled(root, **kwargs)
    return [str(diagnostic) for diagnostic in caught.value.diagnostics]


def test_the_cache_costs_time_only(tmp_path):
    root, cache = lay_out(tmp_path / "p", GOOD), tmp_path / "cache"
    fresh = compiled(root)
    assert compiled(root, cache) == fresh
    kept = cache / "models.json"
    written = kept.stat().st_mtime_ns
    assert compiled(root, cache) == fresh
    assert kept.stat().st_mtime_ns == written, "nothing new, nothing written"
    for damage in (b"", b"{}", kept.read_bytes()[:-30], b"x" + kept.read_bytes()):
        kept.write_bytes(damage)
        assert compiled(root, cache) == fresh


def test_the_cache_of_another_day_is_good(tmp_path):
    root, cache = lay_out(tmp_path / "p", GOOD), tmp_path / "cache"
    compiled(root, cache)
    tomorrow = compiled(root, cache, now=NOW + timedelta(days=1))
    assert "CAST('2026-11-22' AS DATE)" in tomorrow.nodes["star"].sql
    assert tomorrow.run_date == "2026-11-22"


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    compiled(lay_out(tmp_path / "p", GOOD), tmp_path / "file" / "cache")


def test_kept_templates_see_what_they_read(tmp_path, monkeypatch):
    files = {
        "models/a.sql": "{% set x = env_var('TAILRACE_TEST_X', 'none') %}SELECT '{{ x }}' AS x FROM {{ ref('moved') }}",
        "models/moved.sql": "SELECT 1 AS y",
    }
    root, cache = lay_out(tmp_path / "p", files), tmp_path / "cache"
    assert compiled(root, cache).nodes["a"].sql == """SELECT 'none' AS x FROM "main"."moved\""""
    monkeypatch.setenv("TAILRACE_TEST_X", "set")
    assert "'set'" in compiled(root, cache).nodes["a"].sql
    assert b"TAILRACE_TEST_X" in (cache / "models.json").read_bytes()
    lay_out(root, {"models/moved.sql": "{{ config(schema='elsewhere') }} SELECT 1 AS y"})
    assert '"elsewhere"."moved"' in compiled(root, cache).nodes["a"].sql
    lay_out(root, {"models/moved.sql": "{{ config(enabled=false) }} SELECT 1 AS y"})
    assert problems(root, cache=cache) == [
        "models/a.sql:1:84: model moved is switched off (enabled: false). Switch it on, or do not read it"
    ]


RUNAWAYS = {
    "loop": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "range": "{% for a in range(10 ** 9) %}{% endfor %}",
    "power": "SELECT {{ 10 ** (10 ** 9) }}",
    "multiply": "SELECT '{{ 'x' * 999999999 }}'",
    "concat": "{% set ns = namespace(x='xxxxxxxxxx') %}{% for i in range(90) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
}


@pytest.mark.parametrize("name", RUNAWAYS)
def test_a_runaway_template_is_stopped(name, tmp_path, monkeypatch):
    monkeypatch.setattr("tailrace.build.template.environment.Templates.__init__.__defaults__", (0.3, None))
    root = lay_out(
        tmp_path, {"models/a.sql": RUNAWAYS[name], "models/b.sql": "SELECT {{ var('x', 1 + 1) }} AS x"}
    )
    found = problems(root)
    assert len(found) == 1
    assert found[0].startswith("models/a.sql:1:")


def test_a_runaway_is_stopped_outside_the_main_thread():
    ended = []

    def loop():
        while True:
            pass

    def run():
        try:
            with time_limit(0.1):
                loop()
        except Runaway as error:
            ended.append(str(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(10)
    assert ended == ["ran for more than 0.1 seconds"]


def test_log_tells_the_person_each_time(tmp_path):
    root = lay_out(
        tmp_path / "p", {"models/a.sql": "{% do log('hello', info=true) %}{% do log('quiet') %}SELECT 1 AS x"}
    )
    for _ in range(2):
        heard = []
        with listening(heard.append):
            compiled(root, tmp_path / "cache")
        assert [event.text for event in heard if isinstance(event, Notice)] == ["models/a.sql: hello"]


ESCAPES = [
    "''.__class__.__mro__[1].__subclasses__()",
    "().__class__.__base__.__subclasses__()",
    "''|attr('__class__')",
    "'{0.__class__.__init__.__globals__}'.format(ref)",
    "'{x.__globals__}'.format_map({'x': ref})",
    "ref.__globals__",
    "ref.__self__",
    "ref.__closure__",
    "config.__func__.__code__",
    "cents.__globals__",
    "money.euro.__globals__",
    "money.__dict__",
    "target.__class__",
    "this.__class__",
    "cycler.__init__.__globals__.os.popen('id').read()",
    "joiner.__init__.__globals__",
    "namespace.__init__.__globals__",
    "lipsum.__globals__",
    "self._TemplateReference__context",
    "dict.__subclasses__()",
    "(1).__class__",
    "range.__self__",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_templates_cannot_reach_out(text, tmp_path):
    files = {
        "models/a.sql": f"SELECT {{{{ {text} }}}} AS x",
        "macros/cents.sql": GOOD["macros/cents.sql"],
        "macros/money/euro.sql": GOOD["macros/money/euro.sql"],
    }
    [found] = problems(lay_out(tmp_path, files))
    assert found.startswith("models/a.sql:1:")
    assert "may not do this" in found or "has no attribute" in found or "is undefined" in found


def test_templates_cannot_change_what_they_are_given(tmp_path):
    for index, text in enumerate(
        ("target.update({'name': 'prod'})", "flags.clear()", "ref('rates').update(x=1)")
    ):
        [found] = problems(lay_out(tmp_path / str(index), {"models/a.sql": f"SELECT {{{{ {text} }}}} AS x"}))
        assert "may not do this" in found or "has no attribute" in found


def test_bigquery_gets_its_own_words(tmp_path):
    from tailrace.build.sql import Wrong, read_sql

    facts = read_sql(
        "SELECT x::INT AS x, current_date AS d, epoch_ms(y) AS y FROM contacts AS c", "duckdb", "bigquery"
    )
    assert "CAST(x AS INT64)" in facts.sql
    assert "@tailrace:date@" in facts.sql
    assert "`@tailrace:table:contacts@` AS c" in facts.sql
    assert facts.tables == (("", "", "contacts", 61),)
    with pytest.raises(Wrong):
        read_sql("SELECT 1 AS", "duckdb", "duckdb")


def test_one_analysis_serves_comments_layout_and_keyword_case():
    from tailrace.build.sql import read_sql

    a = read_sql("select id, lower( email ) as email from x.y -- note", "duckdb", "duckdb")
    b = read_sql("/* other */\nSELECT id,\n  LOWER(email) AS email\nFROM x.y", "duckdb", "duckdb")
    c = read_sql("SELECT id, upper(email) AS email FROM x.y", "duckdb", "duckdb")
    assert a.canonical == b.canonical != c.canonical


def test_where_the_cache_answers_no_parser_is_imported(tmp_path):
    root = lay_out(tmp_path / "p", GOOD)
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from tests.unit.build.layout import compiled
        compiled(Path(sys.argv[1]), Path(sys.argv[2]))
        print(*sorted({name.partition(".")[0] for name in sys.modules} & {"sqlglot", "jinja2", "duckdb", "dlt", "pandas"}))
    """)
    seen = [
        subprocess.run(
            [sys.executable, "-c", code, str(root), str(tmp_path / "cache")],
            capture_output=True,
            text=True,
            check=True,
            env=dict(os.environ),
        ).stdout.split()
        for _ in range(2)
    ]
    assert seen == [["duckdb", "jinja2", "sqlglot"], []]


def test_of_a_thousand_models_only_the_changed_one_is_parsed(tmp_path, monkeypatch):
    from benchmarks._models import lay_out as lay_out_many

    from tailrace.build import sql

    root, cache, parsed, read = tmp_path / "p", tmp_path / "cache", [], sql.read_sql

    def counted(text, *dialects):
        parsed.append(text)
        return read(text, *dialects)

    monkeypatch.setattr(sql, "read_sql", counted)
    root.mkdir()
    lay_out_many(root, 1000)
    graph = compiled(root, cache)
    assert len(graph.order) == 1000
    assert len(parsed) == len(set(parsed)), "models of the same SQL are parsed once"
    del parsed[:]
    assert compiled(root, cache) == graph
    assert parsed == []
    one = sorted((root / "models").glob("person_*.sql"))[0]
    one.write_text(one.read_text().replace("min(day)", "max(day)"))
    assert compiled(root, cache).nodes[one.stem] != graph.nodes[one.stem]
    assert len(parsed) == 1
    assert [path.name for path in cache.iterdir()] == ["models.json"]


def test_models_in_bigquerys_words_run_on_duckdb_and_share_no_facts_with_duckdbs(tmp_path):
    base = sections(GOLDEN / "base.txt")["pyproject.toml"]
    sql = "SELECT SAFE_CAST(id AS INT64) AS id, CURRENT_DATE() AS day, STARTS_WITH(email, 'a') AS a FROM `stg_contacts`"
    files = {
        "pyproject.toml": base.replace('profile = "acme"', 'profile = "acme"\ndialect = "bigquery"'),
        "models/marts/x.sql": sql,
        "models/marts/y.sql": "SELECT one FROM {{ ref('keep') }}",
    }
    root, cache = lay_out(tmp_path / "p", files), tmp_path / "cache"
    node = compiled(root, cache).nodes["x"]
    assert node.depends_on == ("stg_contacts",)
    assert "TRY_CAST(id AS BIGINT)" in node.sql
    assert "CAST('2026-11-21' AS DATE)" in node.sql
    assert 'FROM "staging"."stg_contacts"' in node.sql
    lay_out(root, {"pyproject.toml": base})
    [found] = problems(root, cache=cache)
    assert found.startswith("models/marts/x.sql:1:")
    assert "does not parse" in found


KEYED = """
models:
  - name: child
    config: {contract: {enforced: true}}
    columns:
      - {name: id, data_type: int, constraints: [{type: foreign_key, to: ref('%s'), to_columns: [one]}]}
"""


def test_what_a_foreign_key_refers_to_is_built_before(tmp_path):
    files = {"models/marts/child.sql": "SELECT 1 AS id", "models/marts/child.yml": KEYED % "keep"}
    graph = compiled(lay_out(tmp_path / "p", files))
    assert graph.nodes["child"].depends_on == ("keep",)
    wrong = lay_out(tmp_path / "q", {**files, "models/marts/child.yml": KEYED % "keeep"})
    assert problems(wrong) == [
        "models/marts/child.yml:6:16: there is no model or seed keeep. Did you mean keep?"
    ]
    loose = lay_out(
        tmp_path / "r", {**files, "models/marts/child.yml": (KEYED % "keep").replace("true", "false")}
    )
    assert compiled(loose).nodes["child"].depends_on == ()


def test_a_models_own_hooks_and_meta_join_those_of_its_folder(tmp_path):
    base = sections(GOLDEN / "base.txt")["pyproject.toml"]
    files = {
        "pyproject.toml": base + 'pre_hook = ["SELECT 1"]\nmeta = {own = "me", tier = 2}\n',
        "models/marts/x.sql": "{{ config(pre_hook='SELECT 2', meta={'tier': 1}) }} SELECT 1 AS one",
        "models/marts/y.sql": "{{ config(pre_hook=('SELECT ' ~ 2, 'SELECT 3')) }} SELECT 1 AS one",
    }
    nodes = compiled(lay_out(tmp_path / "p", files)).nodes
    assert nodes["x"].settings.pre_hooks == ("SELECT 1", "SELECT 2")
    assert nodes["x"].config["meta"] == {"own": "me", "tier": 1}
    assert nodes["y"].settings.pre_hooks == ("SELECT 1", "SELECT 2", "SELECT 3")
