"""`suggest` by the real command: proposed today, judged today and after people went on working."""

from __future__ import annotations

import json

import pytest
import yaml

from tailrace.cli.start import write_project
from tests.e2e.project import Acme
from tests.e2e.test_start_up import HEAVY, modules

SEED_AND_MODELS = 16


@pytest.fixture(scope="module")
def built(tmp_path_factory, world) -> Acme:
    """One project for all tests here, which leave it as it was but for the last."""
    root = tmp_path_factory.mktemp("suggest") / "acme"
    write_project(root)
    found = Acme(root, world.url)
    found.admin("PUT", "faults", [])
    found.admin("POST", "reset")
    found.run()
    return found


def models(acme) -> list[str]:
    return [row["name"] for row in acme.tailrace("ls", "--json").document if row["kind"] in ("model", "seed")]


def test_writes_a_new_file_and_never_over_one(built):
    ran = built.tailrace("suggest", "ad_spend", "--write")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("expectations/ad_spend.yml: ")
    text = (built.root / "expectations" / "ad_spend.yml").read_text()
    again = built.tailrace("suggest", "ad_spend", "--write")
    assert (again.code, again.out) == (2, "")
    assert "expectations/ad_spend.yml is there already" in again.err
    assert (built.root / "expectations" / "ad_spend.yml").read_text() == text
    assert built.tailrace("check").code == 0
    printed = built.tailrace("suggest", "ad_spend").out
    assert "suite: ad_spend_suggested" in printed
    assert "expectations/ad_spend.yml judges ad_spend already" in printed
    (built.root / "expectations" / "ad_spend.yml").unlink()


def test_json_holds_the_proposals_with_their_reasons(built):
    ran = built.tailrace("suggest", "lead_scores", "--json", "--rows", "100")
    found = json.loads(ran.out)
    assert (found["model"], found["rows"], found["looked_at"], found["sampled"], found["file"]) == (
        "lead_scores",
        300,
        100,
        True,
        None,
    )
    assert (found["suite"]["suite"], found["suite"]["key"]) == ("lead_scores_suggested", "contact_id")
    assert all(item["reason"] and item["kwargs"] is not None for item in found["suite"]["expectations"])
    score = [
        item
        for item in found["suite"]["expectations"]
        if item["kwargs"].get("column") == "score" and item["on_fail"] == "quarantine"
    ]
    assert [item["kwargs"] for item in score] == [
        {"column": "score"},
        {"column": "score", "min_value": 0, "max_value": 100},
    ]
    assert "@" not in ran.out.replace("[^@", "").replace("+@", "")  # the model's e-mails are personal


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lead_score", "there is no model or seed lead_score. did you mean lead_scores?"),
        ("hubspot.contacts", "hubspot.contacts is landed, and a suite judges models and seeds. name a model that reads it: stg_hubspot__contacts"),
    ],
)  # fmt: skip
def test_what_cannot_have_a_suite_is_refused_with_what_to_name(built, name, said):
    ran = built.tailrace("suggest", name)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_model_that_is_not_published_is_told(built, tmp_path):
    write_project(tmp_path / "unbuilt")
    assert (
        "nothing is published yet"
        in built.tailrace("suggest", "lead_scores", "--project", str(tmp_path / "unbuilt")).err
    )
    later, passing = (built.root / "models" / "marts" / f"{name}.sql" for name in ("later", "passing"))
    later.write_text("SELECT 1 AS id\n")
    passing.write_text("{{ config(materialized='ephemeral') }}\nSELECT 1 AS id\n")
    found = [built.tailrace("suggest", path.stem) for path in (later, passing)]
    assert [(ran.code, ran.out) for ran in found] == [(2, ""), (2, "")]
    assert "later is not published yet. run `tailrace run`" in found[0].err
    assert "passing is ephemeral: it has no rows of its own" in found[1].err
    later.unlink()
    passing.unlink()


def test_reads_what_is_published_while_somebody_else_does_and_imports_nothing_heavy(built):
    import duckdb

    reader = duckdb.connect(str(built.root / "warehouse.duckdb"), read_only=True)
    before = (built.root / "warehouse.duckdb").stat()
    assert not modules(built, "suggest", "lead_scores") & {
        *HEAVY,
        "sqlglot",
        "jinja2",
        "pyarrow",
        "httpx2",
        "starlette",
    }
    assert (built.root / "warehouse.duckdb").stat() == before
    reader.close()


def test_suites_of_every_model_pass_today_and_block_nothing_tomorrow(built):
    names = models(built)
    assert len(names) == SEED_AND_MODELS
    for name in names:
        ran = built.tailrace("suggest", name)
        assert ran.code == 0, ran.err
        data = yaml.safe_load(ran.out)
        assert data["model"] == name
        draft = ran.out.replace(f"suite: {data['suite']}\n", f"suite: {name}_draft\n", 1)
        (built.root / "expectations" / f"{name}_draft.yml").write_text(draft)
    assert built.tailrace("check").code == 0
    failed = "SELECT suite, expectation, \"column\", reason FROM tailrace_meta.validations WHERE suite LIKE '%draft' AND decision {}"
    built.run()
    assert built.query(
        "SELECT count(DISTINCT suite) FROM tailrace_meta.validations WHERE suite LIKE '%draft'"
    ) == [(len(names),)]
    assert built.query(failed.format("<> 'pass'")) == []
    for rounds in (1, 5):
        built.admin("POST", "advance", {"rounds": rounds})
        steps = built.tailrace("run", "--json").steps("validate")
        assert [
            (name, step["error"])
            for name, step in steps.items()
            if step["status"] in ("stopped", "failed") and name.endswith("draft")
        ] == []
    assert built.query(failed.format("= 'block'")) == []
    told = {row[:3] for row in built.query(failed.format("<> 'pass'"))}
    checks = "SELECT count(*) FROM (SELECT DISTINCT suite, position FROM tailrace_meta.validations WHERE suite LIKE '%draft')"
    assert len(told) * 50 <= built.query(checks)[0][0], told
    runs = "SELECT count(DISTINCT run_id) FROM tailrace_meta.validations WHERE suite = 'lead_scores_draft'"
    assert built.query(runs)[0][0] >= 3
