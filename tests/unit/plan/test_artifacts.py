"""manifest.json and run_results.json: every key that their readers ask for, dbt's own ids, syncs as exposures, edges both ways."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.build.layout import NOW, lay_out

from tailrace.build.testing.outcome import Outcome
from tailrace.errors import FatalError, Location
from tailrace.plan.artifacts.manifest import manifest_of, write_manifest
from tailrace.plan.artifacts.run_results import write_run_results
from tailrace.plan.resolve import resolve
from tailrace.project.load import load_project
from tailrace.project.secrets import Secret
from tailrace.state.runs import StepResult

FILES = {
    "models/staging/stg_contacts.sql": "SELECT id, email FROM {{ source('hubspot', 'contacts') }}",
    "models/marts/people.sql": (
        "{{ config(tags=['daily']) }}\nSELECT id, email, 1 AS score FROM {{ ref('stg_contacts') }}\n"
        "LEFT JOIN {{ source('shop', 'orders') }} USING (id)"
    ),
    "models/marts/slim.sql": "{{ config(materialized='ephemeral') }}\nSELECT 1 AS one",
    "models/marts/marts.yml": """version: 2
sources:
  - name: shop
    schema: shop_raw
    tables: [{name: orders, identifier: orders_v2, description: One row an order.}]
models:
  - name: people
    description: One row a contact.
    columns:
      - {name: id, description: Its id., data_type: bigint, data_tests: [unique, not_null]}
      - {name: email, pii: true}
unit_tests:
  - name: scores_are_one
    model: people
    given: [{input: "ref('stg_contacts')", rows: [{id: 1, email: a@b.c}]}]
    expect: {rows: [{id: 1, score: 1}]}
exposures:
  - name: board
    type: dashboard
    owner: {name: Ann}
    depends_on: ["ref('people')"]
""",
    "macros/cents.sql": "{% macro cents(c) %}({{ c }} / 100){% endmacro %}",
    "tests/no_future.sql": "SELECT * FROM {{ ref('people') }} WHERE id < 0",
    "reverse/send.yml": (
        "sync: send\nmodel: people\nconnection: hubspot\nobject: contacts\nmode: update\nprimary_key: id\n"
        "match: {email: email}\nfields: {lead_score: score}"
    ),
}
NODE = (
    "database schema name resource_type package_name path original_file_path unique_id fqn alias checksum config tags"
    " description columns meta docs patch_path unrendered_config created_at relation_name raw_code"
).split()
CODE = "language refs sources depends_on compiled compiled_code contract".split()
SOURCE = "database schema name resource_type package_name unique_id fqn source_name identifier loader relation_name".split()
EXPOSURE = (
    "name resource_type package_name path original_file_path unique_id fqn type owner depends_on".split()
)
TOP = (
    "metadata nodes sources macros docs exposures metrics groups selectors disabled parent_map child_map group_map"
    " saved_queries semantic_models unit_tests"
).split()
RESULT = "status timing thread_id execution_time adapter_response message failures unique_id compiled compiled_code relation_name".split()


@pytest.fixture
def resolved(tmp_path):
    return resolve(load_project(lay_out(tmp_path / "project", FILES)), now=NOW)


@pytest.fixture
def manifest(resolved):
    return manifest_of(resolved, run_id="r1")


def missing(keys, entry):
    return [key for key in keys if key not in entry]


def test_every_key_is_there(manifest):
    assert missing(TOP, manifest) == []
    for entry in manifest["nodes"].values():
        code = [] if entry["resource_type"] == "seed" else CODE
        assert missing([*NODE, *code], entry) == [], entry["unique_id"]
    for entry in manifest["sources"].values():
        assert missing(SOURCE, entry) == [], entry["unique_id"]
    for entry in manifest["exposures"].values():
        assert missing(EXPOSURE, entry) == [], entry["unique_id"]


def test_the_head(manifest):
    head = manifest["metadata"]
    assert head["dbt_schema_version"] == "https://schemas.getdbt.com/dbt/manifest/v12.json"
    assert (head["adapter_type"], head["project_name"]) == ("duckdb", "acme")
    assert head["env"]["TAILRACE_RUN_ID"] == "r1"


def test_a_model(manifest):
    model = manifest["nodes"]["model.acme.people"]
    assert model["relation_name"] == '"warehouse"."marts"."people"'
    assert (model["path"], model["original_file_path"]) == ("marts/people.sql", "models/marts/people.sql")
    assert model["fqn"] == ["acme", "marts", "people"]
    assert model["depends_on"]["nodes"] == ["model.acme.stg_contacts", "source.acme.shop.orders"]
    assert model["refs"] == [{"name": "stg_contacts", "package": None, "version": None}]
    assert model["sources"] == [["shop", "orders"]]
    assert model["raw_code"].startswith("{{ config(")
    assert '"staging"."stg_contacts"' in model["compiled_code"]
    assert (model["tags"], model["config"]["tags"], model["config"]["materialized"]) == (
        ["daily"],
        ["daily"],
        "table",
    )
    assert model["columns"]["id"]["data_type"] == "bigint"
    assert model["columns"]["email"]["meta"] == {"pii": True}
    assert model["primary_key"] == ["id"]
    assert manifest["nodes"]["model.acme.slim"]["relation_name"] is None


def test_sources_are_declared_or_landed(manifest):
    assert (
        manifest["sources"]["source.acme.shop.orders"]["relation_name"]
        == '"warehouse"."shop_raw"."orders_v2"'
    )
    landed = manifest["sources"]["source.acme.hubspot.contacts"]
    assert (landed["loader"], landed["schema"]) == ("tailrace", "hubspot")
    assert manifest["nodes"]["model.acme.stg_contacts"]["sources"] == [["hubspot", "contacts"]]


def test_tests(manifest):
    found = {one["name"]: one for one in manifest["nodes"].values() if one["resource_type"] == "test"}
    assert sorted(found) == ["no_future", "not_null_people_id", "unique_people_id"]
    unique = found["unique_people_id"]
    assert unique["attached_node"] == "model.acme.people"
    assert unique["test_metadata"]["kwargs"] == {
        "column_name": "id", "model": "{{ get_where_subquery(ref('people')) }}",
    }  # fmt: skip
    assert found["no_future"]["unique_id"] == "test.acme.no_future"
    assert found["no_future"]["depends_on"]["nodes"] == ["model.acme.people"]
    unit = manifest["unit_tests"]["unit_test.acme.people.scores_are_one"]
    assert unit["given"][0] == {
        "input": "ref('stg_contacts')", "rows": [{"id": 1, "email": "a@b.c"}], "format": "dict", "fixture": None,
    }  # fmt: skip


def test_a_sync_is_an_exposure(manifest):
    sync, board = manifest["exposures"]["exposure.acme.send"], manifest["exposures"]["exposure.acme.board"]
    assert (sync["type"], sync["label"], sync["owner"]["name"]) == (
        "application",
        "hubspot contacts",
        "hubspot",
    )
    assert sync["depends_on"]["nodes"] == board["depends_on"]["nodes"] == ["model.acme.people"]
    assert sync["meta"]["tailrace"]["fields"] == {"lead_score": "score"}


def test_edges_are_the_same_both_ways(manifest):
    down = {(above, below) for above, found in manifest["child_map"].items() for below in found}
    up = {(above, below) for below, found in manifest["parent_map"].items() for above in found}
    assert down == up
    assert ("model.acme.people", "exposure.acme.send") in down
    everything = [*manifest["nodes"], *manifest["sources"], *manifest["exposures"], *manifest["unit_tests"]]
    assert sorted(manifest["parent_map"]) == sorted(manifest["child_map"]) == sorted(everything)


def test_generic_tests_have_dbts_own_ids(tmp_path):
    """These three are dbt's own digests of these names and arguments."""
    files = {
        "dbt_project.yml": "name: jaffle_shop\nprofile: acme\n",
        "models/customers.sql": "SELECT 1 AS customer_id",
        "models/orders.sql": "SELECT 1 AS customer_id, 'placed' AS status",
        "models/schema.yml": (
            "models:\n  - name: customers\n    columns:\n      - {name: customer_id, tests: [unique, not_null]}\n"
            "  - name: orders\n    columns:\n      - name: customer_id\n        tests:\n"
            "          - relationships: {to: ref('customers'), field: customer_id}\n"
        ),
    }
    root = lay_out(tmp_path / "project", files)
    for name in ("models/staging/stg_contacts.sql", "models/marts/keep.sql", "pyproject.toml"):
        (root / name).unlink()
    found = manifest_of(resolve(load_project(root), now=NOW))["nodes"]
    assert {
        "test.jaffle_shop.unique_customers_customer_id.c5af1ff4b1",
        "test.jaffle_shop.not_null_customers_customer_id.5c9bf9911d",
        "test.jaffle_shop.relationships_orders_customer_id__customer_id__ref_customers_.c6ec7f58f2",
    } <= set(found)


def test_results(resolved, tmp_path):
    started = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
    steps = [
        StepResult("land", "hubspot.contacts", "ok"),
        StepResult("build", "stg_contacts", "ok", rows_out=3, seconds=2.0),
        StepResult("build", "people", "failed", error="boom", seconds=1.0),
        StepResult("build", "keep", "skipped", detail={"why": "up to date"}),
    ]
    test = next(one for one in resolved.project.data_tests if one.name == "unique_people_id")
    unit = resolved.project.unit_tests[0]
    outcomes = [
        Outcome(test.name, "generic", "fail", test.location, "people", failures=2, sql="SELECT 1"),
        Outcome(unit.name, "unit", "pass", unit.location, "people"),
        Outcome("gone", "generic", "pass", Location("nowhere.yml")),
    ]
    path = write_run_results(
        steps, resolved, tmp_path / "target", command="build", started=started,
        finished=started + timedelta(seconds=9), outcomes=outcomes, run_id="r1",
    )  # fmt: skip
    document = json.loads(path.read_bytes())
    results = document["results"]
    assert all(missing(RESULT, one) == [] for one in results)
    assert [(one["unique_id"].split(".")[2], one["status"], one["message"]) for one in results] == [
        ("stg_contacts", "success", None),
        ("people", "error", "boom"),
        ("keep", "skipped", "up to date"),
        ("unique_people_id", "fail", None),
        ("people", "pass", None),
    ]
    assert results[1]["timing"][0]["started_at"] == "2026-11-21T04:00:02+00:00"
    assert (results[3]["failures"], results[3]["compiled_code"]) == (2, "SELECT 1")
    assert document["elapsed_time"] == 9.0
    known = json.loads(write_manifest(resolved, tmp_path / "target").read_bytes())
    ids = {*known["nodes"], *known["unit_tests"]}
    assert {one["unique_id"] for one in results} <= ids


def test_a_secret_stands_in_no_file(tmp_path, monkeypatch):
    """Declared by secret() in the profile, and read by env_var() in a model."""
    value = 'long-"value"-of-4711'
    monkeypatch.setenv("ACME_SALT", value)
    monkeypatch.setenv("ACME_PIN", "4711")
    files = {
        **FILES,
        "models/marts/salted.sql": "SELECT {{ env_var('ACME_PIN') }} AS pin, '{{ env_var('ACME_SALT') }}' AS salt",
    }
    root = lay_out(tmp_path / "project", files)
    resolved = resolve(load_project(root), now=NOW)
    target = resolved.project.target
    connections = {
        name: replace(one, options={**one.options, "access_token": Secret(value), "pin": Secret("4711")})
        for name, one in target.connections.items()
    }
    resolved = replace(
        resolved, project=replace(resolved.project, target=replace(target, connections=connections))
    )
    steps = [
        StepResult(
            "build", "salted", "failed", error=f"no function f({value!r})", rows_out=4711, seconds=4711.0
        )
    ]
    written = [
        write_manifest(resolved, tmp_path / "target"),
        write_run_results(steps, resolved, tmp_path / "target", command="build", started=NOW, finished=NOW),
    ]
    documents = [json.loads(path.read_text()) for path in written]
    for path in written:
        assert "long-" not in path.read_text()
    (node,) = [one for one in documents[0]["nodes"].values() if one["name"] == "salted"]
    assert node["compiled_code"] == "SELECT *** AS pin, '***' AS salt"
    assert "env_var('ACME_SALT')" in node["raw_code"]
    (result,) = documents[1]["results"]
    assert (result["message"], result["compiled_code"]) == ("no function f('***')", node["compiled_code"])
    assert (result["execution_time"], result["adapter_response"]["rows_affected"]) == (4711.0, 4711)
    assert "long-" in manifest_of(resolved)["nodes"][result["unique_id"]]["compiled_code"]


def test_a_folder_that_cannot_be_written(resolved, tmp_path):
    (tmp_path / "target").write_text("a file")
    with pytest.raises(FatalError, match="target"):
        write_manifest(resolved, tmp_path / "target")
    assert (tmp_path / "target").read_text() == "a file"
