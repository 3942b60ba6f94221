from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.project.layout import GOLDEN, lay_out

from tailrace.errors import Location, ProjectError
from tailrace.project.load import load_project
from tailrace.project.secrets import Secret, all_secret_values, secrets_of
from tailrace.project.spec import Contract, FieldMap, Guardrails, Schedule

TOKEN = "pat-na1-0123456789abcdef"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("TAILRACE_TEST_UNSET", raising=False)
    lay_out(GOLDEN / "good.txt", tmp_path)
    return tmp_path


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def problems(root, target=None):
    with pytest.raises(ProjectError) as caught:
        load_project(root, target)
    assert caught.value.diagnostics
    return [str(diagnostic) for diagnostic in caught.value.diagnostics]


def test_defaults(root):
    project = load_project(root)
    (pipeline,) = project.pipelines
    assert (pipeline.dataset, pipeline.schedule, pipeline.tags) == ("hubspot", None, ())
    contacts, deals = pipeline.resources
    assert (contacts.subject, contacts.keep_raw, contacts.options) == ("email", 30 * 86400, {})
    assert (deals.changes, deals.contract) == (None, Contract())
    (suite,) = project.suites
    assert suite.max_quarantined == 0.05
    assert (suite.expectations[0].severity, suite.expectations[0].on_fail) == ("critical", "block")
    (sync,) = project.syncs
    assert (sync.match_field, sync.match_column) == ("email", "email")
    assert sync.fields == (FieldMap("lead_score", "score"),)
    assert sync.guardrails == Guardrails()
    assert project.target.path == root / "warehouse.duckdb"
    assert project.state_dir == root / ".tailrace" / "dev"


def test_everything_written(root):
    write(
        root,
        {
            "pipelines/hubspot.yml": """\
pipeline: hubspot
connection: hubspot
dataset: crm
schedule: {cron: "*/15 * * * *", timezone: Europe/Berlin, sla: 1h}
tags: [crm]
resources:
  contacts:
    properties: [email, no]
    changes: false
    contract: {columns: freeze}
  2-123:
  deals: {contract: discard_row}
""",
            "expectations/lead_scores.yml": """\
suite: lead_scores
model: lead_scores
key: contact_id
max_quarantined: 2.5%
expectations:
  - {type: expect_a, severity: warning, where: score > 5, description: why}
  - {type: expect_b, kwargs: {column: score}, on_fail: quarantine}
""",
            "reverse/hubspot_lead_scores.yml": """\
sync: hubspot_lead_scores
model: lead_scores
connection: hubspot
object: contacts
mode: mirror
primary_key: contact_id
match: {email: mail}
fields:
  lead_score: score
  owner_note: {column: note, conflict: newest, if_null: skip}
updated_at: changed
where: is_customer
suppress: not consent
on_removed: clear
guardrails: {max_changed: off, max_created: 100%}
schedule: {after: build}
tags: crm
""",
        },
    )
    project = load_project(root)
    (pipeline,) = project.pipelines
    assert pipeline.schedule == Schedule("*/15 * * * *", "Europe/Berlin", 3600.0)
    contacts, custom, deals = pipeline.resources
    assert (contacts.changes, contacts.options, custom.name) == (
        False,
        {"properties": ["email", "no"]},
        "2-123",
    )
    assert contacts.contract == Contract(columns="freeze")
    assert deals.contract == Contract("discard_row", "discard_row", "discard_row")
    place = contacts.marks.at("resources", "contacts", "properties", 1)
    assert place == Location("pipelines/hubspot.yml", 8, 25)
    first, second = project.suites[0].expectations
    assert project.suites[0].max_quarantined == 0.025
    assert (first.severity, first.on_fail, first.where, first.index) == ("warning", "warn", "score > 5", 0)
    assert (second.on_fail, second.kwargs, second.index) == ("quarantine", {"column": "score"}, 1)
    (sync,) = project.syncs
    assert sync.fields[1] == FieldMap("owner_note", "note", "skip", "newest")
    assert sync.guardrails == Guardrails(max_changed=None, max_created=1.0)
    assert (sync.schedule, sync.tags, sync.on_removed) == (Schedule(after="build"), ("crm",), "clear")
    assert sync.marks.at("fields", "owner_note", "conflict") == Location(
        "reverse/hubspot_lead_scores.yml", 10, 40
    )


def test_models_seeds_and_macros(root):
    write(
        root,
        {
            "pyproject.toml": """\
[tool.tailrace]
name = "acme"
vars = {currency = "EUR", days = 30}
dialect = "bigquery"
[tool.tailrace.models]
materialized = "view"
tags = ["all"]
meta = {owner = "a", team = "x"}
[tool.tailrace.models.staging.hubspot]
materialized = "table"
tags = "crm"
[tool.tailrace.models.staging.hubspot.stg_deals]
materialized = "view"
""",
            "models/top.sql": "select 1",
            "models/staging/hubspot/stg_contacts.sql": "\ufeffselect 'ü'",
            "models/staging/hubspot/stg_deals.sql": "select 1",
            "models/staging/hubspot/stg.yml": """\
version: 2
models:
  - name: stg_contacts
    description: people
    tags: [people]
    meta: {a: 1}
    config: {meta: {owner: b}, tags: all}
    columns:
      - {name: email, description: address, data_type: varchar, pii: true, meta: {x: 1}}
""",
            "models/.ipynb_checkpoints/x.sql": "select 1",
            "seeds/rates.csv": "day,rate\n",
            "seeds/seeds.yml": "seeds:\n  - {name: rates, config: {column_types: {rate: double}, tags: [fx]}}\n",
            "macros/cents.sql": "{% macro cents(x) %}{% endmacro %}",
            "macros/dbt_utils/star.sql": "star",
        },
    )
    project = load_project(root)
    models = {model.name: model for model in project.models}
    assert set(models) == {"top", "stg_contacts", "stg_deals", "lead_scores"}
    assert [model.schema for model in models.values()] == ["marts", "staging", "staging", "main"]
    contacts = models["stg_contacts"]
    assert contacts.sql == "select 'ü'"
    assert contacts.path == "models/staging/hubspot/stg_contacts.sql"
    assert contacts.config == {
        "materialized": "table",
        "tags": ["all", "crm", "people"],
        "meta": {"owner": "b", "team": "x"},
    }
    assert contacts.tags == ("all", "crm", "people")
    assert contacts.config_places["materialized"] == Location("pyproject.toml", 10, 1)
    assert contacts.config_places["meta"] == Location("models/staging/hubspot/stg.yml", 7, 14)
    (column,) = contacts.columns
    assert (column.name, column.data_type, column.pii, column.meta) == ("email", "varchar", True, {"x": 1})
    assert column.location == Location("models/staging/hubspot/stg.yml", 9, 16)
    assert models["stg_deals"].config["materialized"] == "view"
    assert models["top"].config == {
        "materialized": "view",
        "tags": ["all"],
        "meta": {"owner": "a", "team": "x"},
    }
    (seed,) = project.seeds
    assert (seed.name, seed.schema, seed.config["column_types"], seed.tags) == (
        "rates",
        "main",
        {"rate": "double"},
        ("fx",),
    )
    assert project.macros == {
        "macros/cents.sql": "{% macro cents(x) %}{% endmacro %}",
        "macros/dbt_utils/star.sql": "star",
    }
    assert (project.vars, project.dialect) == ({"currency": "EUR", "days": 30}, "bigquery")


def profile(options, more=""):
    return f"""\
acme:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: data/w.duckdb
      connections:
        google_ads: {{type: google_ads}}
        hubspot: {options}
{more}"""


def test_the_target_is_rendered(root, monkeypatch):
    monkeypatch.setenv("TAILRACE_TEST_TOKEN", TOKEN)
    options = """
          type: "{{ env_var('TAILRACE_TEST_UNSET', 'hubspot') }}"
          access_token: "{{ env_var('TAILRACE_TEST_TOKEN') }}"
          header: "Bearer {{ secret('env:TAILRACE_TEST_TOKEN') | trim }}"
          base_url: "{{ env_var('TAILRACE_TEST_UNSET', 'http://x') }}/hubspot"
          port: "{{ env_var('TAILRACE_TEST_UNSET', '80') | as_number }}"
          tls: "{{ env_var('TAILRACE_TEST_UNSET', 'no') | as_bool }}"
          plain: "{% not a template %}"
          deep: {client_secret: [12345678, x], n: 5}
"""
    more = "      attach: [{path: other.duckdb}, {path: /abs/b.duckdb, alias: c}]\n      settings: {memory_limit: 1GB}\n"
    more += "      publish: {schemas: [marts]}\n"
    write(root, {"profiles.yml": profile(options, more)})
    target = load_project(root).target
    connection = target.connections["hubspot"]
    assert connection.type == "hubspot"
    assert connection.options == {
        "access_token": Secret(TOKEN),
        "header": Secret("Bearer " + TOKEN),
        "base_url": "http://x/hubspot",
        "port": 80,
        "tls": False,
        "plain": "{% not a template %}",
        "deep": {"client_secret": [Secret("12345678"), Secret("x")], "n": 5},
    }
    assert connection.marks.at(*connection.path, "port") == Location("profiles.yml", 14, 17)
    assert TOKEN not in repr(target)
    assert TOKEN in {secret.reveal() for secret in secrets_of(target)}
    assert all_secret_values(target, set()) == {TOKEN, "Bearer " + TOKEN, "12345678"}
    assert target.path == root / "data" / "w.duckdb"
    assert target.attach == (
        {"path": str(root / "other.duckdb"), "alias": "other"},
        {"path": "/abs/b.duckdb", "alias": "c"},
    )
    assert (target.publish_schemas, target.settings) == (("marts",), {"memory_limit": "1GB"})


def test_another_target(root, monkeypatch):
    monkeypatch.setenv("TAILRACE_TEST_UNSET", TOKEN)
    (root / "pipelines" / "hubspot.yml").write_text(
        "pipeline: h\nconnection: hubspot\nresources: {deals: {}}\n"
    )
    target = load_project(root, "prod").target
    assert (target.name, target.type, target.settings) == (
        "prod",
        "bigquery",
        {"project": TOKEN, "location": "EU"},
    )
    assert target.connections["hubspot"].options == {"access_token": Secret(TOKEN)}


def test_a_missing_variable_is_named_beside_one_that_is_set(root, monkeypatch):
    monkeypatch.setenv("TAILRACE_TEST_TOKEN", TOKEN)
    template = "{{ env_var('TAILRACE_TEST_TOKEN') }}:{{ secret('env:TAILRACE_TEST_UNSET') }}"
    write(root, {"profiles.yml": profile(f'{{type: hubspot, access_token: "{template}"}}')})
    (problem,) = problems(root)
    assert "TAILRACE_TEST_UNSET is not set" in problem


def test_a_failing_template_shows_no_secret(root, monkeypatch):
    monkeypatch.setenv("TAILRACE_TEST_TOKEN", TOKEN)
    for template in (
        "secret('env:TAILRACE_TEST_TOKEN') | as_number",
        "secret(secret('env:TAILRACE_TEST_TOKEN'))",
        "env_var(secret('env:TAILRACE_TEST_TOKEN'))",
        "env_var(env_var('TAILRACE_TEST_TOKEN'))",
        "{}[secret('env:TAILRACE_TEST_TOKEN')]",
        "secret('env:TAILRACE_TEST_TOKEN').nothing",
        "secret('env:TAILRACE_TEST_TOKEN') + 5",
    ):
        write(root, {"profiles.yml": profile(f'{{type: hubspot, access_token: "{{{{ {template} }}}}"}}')})
        (problem,) = problems(root)
        assert problem.startswith("profiles.yml:9:48: ")
        assert TOKEN not in problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "profiles.yml is empty"),
        ("{}", "no profile acme"),
        ("acme:", "profile acme is empty"),
        ("acme: {}", "needs the key outputs"),
        ("acme: {outputs: {}}", "outputs names no target"),
        ("acme: {outputs: {dev: }}", "target dev is empty"),
        ("acme: {outputs: {dev: {}}}", "needs the key type"),
        ("acme: {outputs: {dev: {type: 5}}}", "type must be text"),
        ("acme: {outputs: {dev: {type: duckdb, path: 5}}}", "path must be text"),
        ("acme: {outputs: {dev: {type: duckdb, path: ':memory:'}}}", "is not a file"),
        ("acme: {outputs: {dev: {type: bigquery}}}", "needs the key project"),
        (
            "acme: {outputs: {a: {type: duckdb, path: a}, b: {type: duckdb, path: b}}}",
            "target names none of the outputs",
        ),
        ("acme: {outputs: {../x: {type: duckdb, path: a}}}", "cannot name a target"),
        (
            "acme: {outputs: {dev: {type: duckdb, path: a, connections: [x]}}}",
            "connections must be a mapping",
        ),
        ("acme: {outputs: {dev: {type: duckdb, path: a, connections: {a: }}}}", "connection a is empty"),
        (
            "acme: {outputs: {dev: {type: duckdb, path: a, connections: {a: {type: \"{{ secret('env:HOME') }}\"}}}}}",
            "type must be text",
        ),
        ("[1]", "must be a mapping"),
    ],
)
def test_profiles_that_say_too_little(root, text, words):
    (root / "profiles.yml").write_text(text)
    assert any(words in problem for problem in problems(root)), problems(root)


def test_no_project(tmp_path):
    (problem,) = problems(tmp_path / "nowhere")
    assert problem.startswith("pyproject.toml:1:1: ") and "tailrace init" in problem
    (tmp_path / "pyproject.toml").write_text("tool = 5\n")
    assert "no [tool.tailrace]" in problems(tmp_path)[0]
    (tmp_path / "pyproject.toml").write_text("tool.tailrace = 5\n")
    assert "must be a mapping" in problems(tmp_path)[-1]
    (tmp_path / "pyproject.toml").write_text("x = [" + "[" * 5000)
    assert "not TOML" in problems(tmp_path)[0]
    (tmp_path / "pyproject.toml").write_bytes(b"\xff")
    assert "not UTF-8" in problems(tmp_path)[0]


def test_sql_that_is_no_text(root):
    (root / "models" / "marts" / "bad.sql").write_bytes(b"select '\xe9'")
    assert problems(root) == ["models/marts/bad.sql:1:9: not UTF-8 text. Save the file as UTF-8"]


def test_a_thousand_models_import_nothing_heavy(root):
    for number in range(1000):
        (root / "models" / "marts" / f"m{number}.sql").write_text(
            f"select {number} as id from {{{{ ref('m0') }}}}\n"
        )
    models = "".join(
        f"  - {{name: m{n}, description: d, columns: [{{name: id, data_type: int}}]}}\n" for n in range(1000)
    )
    (root / "models" / "marts" / "all.yml").write_text("version: 2\nmodels:\n" + models)
    heavy = "dlt pandas pydantic sqlglot duckdb pyarrow great_expectations httpx2 orjson".split()
    code = (
        "import sys; from pathlib import Path; from tailrace.project.load import load_project;"
        f"p = load_project(Path(sys.argv[1])); print(len(p.models), [m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("1001 []", "")


def test_load_keeps_no_state(root):
    assert load_project(root) == load_project(root)
    assert load_project(Path(str(root))).root.is_absolute()
