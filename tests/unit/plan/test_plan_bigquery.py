"""plan on a BigQuery target: nothing is billed, nothing is built, and what a run would read is told model by model."""

from __future__ import annotations

import pytest
from tests import emulator
from tests.unit.plan.field import FILES as DUCKDB_FILES
from tests.unit.plan.field import NOW

from tailrace.errors import BadInput, WarehouseError
from tailrace.plan.far_scratch import FarScratch
from tailrace.plan.preview import Wanted, preview
from tailrace.plan.resolve import choose, resolve
from tailrace.plan.scans import with_stand_ins
from tailrace.project.load import load_project
from tailrace.runner.run import execute
from tailrace.runner.sending import Sending
from tailrace.runner.session import Session
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery.jobs import DryRun, Jobs
from tailrace.warehouse.bigquery.warehouse import Native

GB = 10**9
BUILD = Wanted()
FILES = {
    "pyproject.toml": '[tool.tailrace]\nname = "acme"\nprofile = "acme"\n\n[tool.tailrace.models.marts]\nmaterialized = "table"\n',
    "profiles.yml": """
acme:
  outputs:
    prod:
      type: bigquery
      project: {project}
      location: US
      connections:
        hubspot: {{type: hubspot, access_token: sandbox, base_url: "http://127.0.0.1:1/hubspot"}}
""",
    "seeds/contacts.csv": "id,email,visits\n1,a@example.com,3\n2,b@example.com,9\n",
    "models/marts/scores.sql": "SELECT id, email, visits * 2 AS score FROM {{ ref('contacts') }}",
    "models/marts/top.sql": "SELECT id, score FROM {{ ref('scores') }} WHERE score > 4",
    "reverse/scores.yml": DUCKDB_FILES["reverse/scores.yml"],
}


class Far:
    """A project whose target is an emulator of BigQuery, and what was asked of it."""

    def __init__(self, root, monkeypatch) -> None:
        self.root = root
        for name, text in FILES.items():
            self.write(name, text.format(project=emulator.PROJECT) if name == "profiles.yml" else text)
        self.billed: list[str] = []
        run = Jobs._run
        monkeypatch.setattr(
            Jobs, "_run", lambda jobs, sql, taken: (self.billed.append(sql), run(jobs, sql, taken))[1]
        )
        self.sizes: dict[str, int] = {}
        dry = Jobs.dry_run

        def sized(jobs: Jobs, sql: str) -> DryRun:
            """The emulator answers 0 bytes: a statement reads what it names."""
            found = dry(jobs, sql)
            return DryRun(sum(size for name, size in self.sizes.items() if name in sql), found.columns)

        monkeypatch.setattr(Jobs, "dry_run", sized)

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def run(self) -> None:
        resolved = resolve(load_project(self.root), now=NOW)
        session = Session(resolved.project, "run", now=lambda: NOW)
        try:
            execute(session, resolved, choose(resolved, (), ()), ("build", "validate", "publish"), Sending())
            assert session.status() == "ok", session.results
        finally:
            session.close()

    def plan(self, wanted: Wanted = BUILD):
        self.billed.clear()
        resolved = resolve(load_project(self.root), now=NOW)
        return preview(resolved, choose(resolved, (), ()), wanted)


@pytest.fixture(scope="module")
def address():
    if not emulator.PYTHON.exists():
        pytest.skip("no emulator of BigQuery here: make .venv-emulator/run.stamp")
    with emulator.running() as found:
        yield found


@pytest.fixture
def far(tmp_path, monkeypatch, address):
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", address)
    with_client = emulator.client(address)
    for dataset in with_client.list_datasets():
        with_client.delete_dataset(dataset.reference, delete_contents=True)
    with_client.close()
    return Far(tmp_path, monkeypatch)


def models(found):
    return {one.decision.model: one.document() for one in found.models}


def test_before_the_first_run_columns_are_those_of_what_comes_before(far):
    found = far.plan()
    assert [step.error for step in found.steps] == [] and found.status == "ok"
    assert {name: one["why"] for name, one in models(found).items()} == dict.fromkeys(
        ("contacts", "scores", "top"), "never built"
    )
    assert "top also reads what scores will hold: that is known once it is built" in found.notes
    assert far.billed == []


def test_the_sql_that_is_dry_run_is_the_builds(far, monkeypatch):
    """A difference of columns is one of numbers unless their types are known."""
    far.write(
        "models/marts/days.sql", "SELECT id, CAST('2026-01-05' AS DATE) AS day FROM {{ ref('contacts') }}"
    )
    far.write(
        "models/marts/ages.sql", "SELECT id, CAST('2026-02-01' AS DATE) - day AS age FROM {{ ref('days') }}"
    )
    asked = []
    dry = Jobs.dry_run
    monkeypatch.setattr(Jobs, "dry_run", lambda jobs, sql: (asked.append(sql), dry(jobs, sql))[1])
    found = far.plan()
    assert [step.error for step in found.steps] == []
    [planned] = [sql for sql in asked if "age" in sql]
    assert "DATE_DIFF(" in planned


def test_an_idle_project_reads_nothing_and_is_asked_nothing(far):
    far.run()
    found = far.plan()
    assert {one["action"] for one in models(found).values()} == {"skip"}
    assert (found.bytes, found.price, far.billed) == (0, 0.0, [])


def test_a_changed_model_shows_its_columns_and_bytes_and_so_does_the_sum(far):
    far.run()
    far.sizes = {"`contacts`": 3 * GB, "`scores`": 10**6}
    far.write(
        "models/marts/scores.sql",
        "SELECT id, visits * 2 AS score, email, upper(email) AS loud FROM {{ ref('contacts') }}",
    )
    found = far.plan()
    told = models(found)
    assert told["scores"]["columns"] == {"added": ["loud VARCHAR"], "removed": [], "retyped": []}
    assert (told["contacts"]["bytes"], told["scores"]["bytes"]) == (0, 3 * GB)
    assert told["top"]["action"] == "build"
    assert found.bytes == sum(one["bytes"] for one in told.values()) + (found.syncs["scores"]["bytes"] or 0)
    assert found.price == pytest.approx(3 * GB / 2**40 * 6.25, rel=0.05)
    assert far.billed == []


def test_a_sync_whose_model_would_be_rebuilt_waits_for_the_build(far):
    far.run()
    far.write("models/marts/scores.sql", "SELECT id, email, visits * 3 AS score FROM {{ ref('contacts') }}")
    sync = far.plan().syncs["scores"]
    assert (sync["created"], sync["updated"], sync["requests"]) == (None, None, None)
    assert sync["notes"] == ["its rows are known once scores is built"]


def test_a_sync_whose_model_stays_is_compared_from_what_is_staged(far):
    far.write(
        "expectations/scores.yml",
        "suite: scores\nmodel: scores\nkey: id\nexpectations:\n  - {type: expect_column_values_to_not_be_null, kwargs: {column: score}}\n",
    )
    far.write("reverse/scores.yml", FILES["reverse/scores.yml"] + "validate: scores\n")
    far.run()
    found = far.plan()
    assert found.status == "ok", found.steps
    assert (found.syncs["scores"]["updated"], found.syncs["scores"]["bytes"]) == (2, 0)
    assert far.billed == []


def test_what_bigquery_refuses_is_a_failed_step_at_its_place(far):
    far.run()
    far.write("models/marts/scores.sql", "SELECT id, email, visit * 2 AS score FROM {{ ref('contacts') }}")
    found = far.plan()
    assert found.status == "failed"
    (step,) = found.steps
    assert step.name == "scores" and step.error.startswith("models/marts/scores.sql:1:")
    assert models(found)["scores"]["bytes"] is None


def test_the_price_is_the_projects_own(far):
    far.run()
    far.sizes = {"`contacts`": 2**40}
    far.write("models/marts/scores.sql", "SELECT id, email, visits * 4 AS score FROM {{ ref('contacts') }}")
    text = (far.root / "profiles.yml").read_text()
    far.write(
        "profiles.yml", text.replace("      location: US", "      location: US\n      price_per_tib: 5")
    )
    assert far.plan().price == pytest.approx(5, abs=0.01)


def test_rows_are_not_compared(far):
    with pytest.raises(BadInput, match="on BigQuery that is billed"):
        far.plan(Wanted(diff=True))


def test_a_template_that_asks_is_told_that_a_plan_does_not(far):
    jobs = Jobs.__new__(Jobs)
    scratch = FarScratch(jobs)
    try:
        with pytest.raises(WarehouseError, match="a plan asks nothing that is billed"):
            scratch.query(Native("SELECT 1"))
    finally:
        scratch.close()


STAND_INS = [
    ("SELECT s.`a` FROM `marts`.`x` AS s", "SELECT s.`a` FROM (SELECT CAST(NULL AS INT64) AS `a` FROM UNNEST([1]) WHERE FALSE) AS s"),
    ("SELECT x.a FROM marts.x, `marts`.`y`", "SELECT x.a FROM (SELECT CAST(NULL AS INT64) AS `a` FROM UNNEST([1]) WHERE FALSE) AS `x`, `marts`.`y`"),
    ("SELECT 'marts.x' FROM `other`.`x`", "SELECT 'marts.x' FROM `other`.`x`"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), STAND_INS)
def test_tables_that_are_not_there_yet_have_their_columns(sql, expected):
    text, found = with_stand_ins(sql, {TableRef("marts", "x"): {"a": "BIGINT"}})
    assert text == expected
    assert found == ([TableRef("marts", "x")] if expected != sql else [])
