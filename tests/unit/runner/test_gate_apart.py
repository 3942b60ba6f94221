"""What was checked is what is sent, also when build, validate and activate are commands of their own."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from tailrace.activate.foresight import foresee
from tailrace.connectors.sdk.base import ObjectType
from tailrace.errors import GateStopped
from tailrace.plan.resolve import choose, resolve
from tailrace.plan.scratch import scratch
from tailrace.project.load import load_project
from tailrace.runner.run import execute
from tailrace.runner.sending import Sending
from tailrace.runner.session import Session
from tailrace.runner.syncs import gated
from tailrace.validate.held import quarantined_keys_sql
from tailrace.validate.standing import binding, standing
from tailrace.warehouse.stage import stage

SYNC = """
sync: {name}
model: people
connection: hubspot
object: contacts
mode: update
primary_key: code
match: {{email: email}}
fields: {{{name}_score: score}}
validate: {suite}
"""
SUITE = """
suite: {name}
model: people
key: code
max_quarantined: 100%
expectations:
  - type: expect_column_values_to_be_between
    kwargs: {{column: score, max_value: {limit}}}
    on_fail: {on_fail}
"""
FILES = {
    "pyproject.toml": "[tool.tailrace]\nname = 'acme'\nprofile = 'acme'\n",
    "profiles.yml": """
acme:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: warehouse.duckdb
      connections:
        hubspot: {type: hubspot, access_token: sandbox}
""",
    "models/marts/people.sql": "{{ config(materialized='table') }} SELECT code, email, score FROM {{ ref('list') }}",
    "models/marts/people.yml": """
models:
  - name: people
    columns:
      - {name: email, pii: true}
""",
    "seeds/list.csv": 'code,email,score\na,ann@x.io,10\nA,Ann@x.io,20\nit\'s,bob@x.io,30\n"x ""y""",cem@x.io,40\n',
    "seeds/seeds.yml": "seeds:\n  - name: list\n    config: {column_types: {code: varchar}}\n",
    "expectations/strict.yml": SUITE.format(name="strict", limit=15, on_fail="quarantine"),
    "expectations/loose.yml": SUITE.format(name="loose", limit=35, on_fail="quarantine"),
    "expectations/alone.yml": SUITE.format(name="alone", limit=15, on_fail="warn"),
    "reverse/crm.yml": SYNC.format(name="crm", suite="strict"),
    "reverse/erp.yml": SYNC.format(name="erp", suite="loose"),
    "reverse/copy.yml": SYNC.format(name="copy", suite="loose"),
}


class House:
    """A project on disk and a clock; each command is a session of its own."""

    def __init__(self, root) -> None:
        self.root, self.at = root, datetime(2026, 11, 21, 9, tzinfo=UTC)
        for name, text in FILES.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def resolved(self):
        return resolve(load_project(self.root), now=self.at)

    def do(self, *steps: str) -> dict[tuple[str, str], object]:
        resolved = self.resolved()
        session = Session(resolved.project, steps[0], now=self.now)
        try:
            execute(session, resolved, choose(resolved, []), steps, Sending())
            return {(result.step, result.name): result for result in session.results}
        finally:
            session.close()

    @contextmanager
    def opened(self):
        session = Session(self.resolved().project, "activate", now=self.now)
        with session.warehouse() as warehouse:
            yield session, warehouse
        session.close()

    def held(self, name: str) -> list[str]:
        """The keys that a sync would hold back; GateStopped where it would send nothing."""
        resolved = self.resolved()
        sync = next(sync for sync in resolved.project.syncs if sync.name == name)
        with self.opened() as (session, warehouse):
            staged = gated(session, warehouse, resolved, sync)
            assert staged.ref.name == name
            keys = quarantined_keys_sql(warehouse, sync.validate) if sync.validate else None
            counts = foresee(warehouse, sync, ObjectType("contacts", ("update",)), staged, keys).counts
            found = warehouse.query(f'SELECT "key" FROM ({keys}) ORDER BY 1') if keys else []
            assert counts.quarantined == len(found)
            return [key for (key,) in found]

    def sql(self, statement: str) -> list:
        with self.opened() as (_, warehouse):
            return warehouse.query(statement)

    def published(self, statement: str) -> list:
        con = duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True)
        try:
            return con.execute(statement).fetchall()
        finally:
            con.close()


@pytest.fixture
def house(tmp_path):
    found = House(tmp_path)
    found.do("build")
    return found


def why(house, sync: str) -> str:
    with pytest.raises(GateStopped) as stopped:
        house.held(sync)
    return str(stopped.value)


def test_each_sync_is_held_by_its_own_suite_on_one_staged_content(house):
    assert "strict has not judged what would be sent: it was never judged" in why(house, "crm")
    done = house.do("validate")
    assert {key[1]: result.status for key, result in done.items()} == {
        "strict": "ok",
        "loose": "ok",
        "alone": "ok",
    }
    assert house.held("crm") == ["A", "it's", 'x "y"']
    assert house.held("erp") == ['x "y"']
    assert house.held("copy") == ['x "y"']  # a second sync of the same suite
    again = house.do("validate")
    assert {result.status for result in again.values()} == {"skipped"}
    staged = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'tailrace_stage' ORDER BY 1"
    assert [name for (name,) in house.sql(staged)] == [
        "copy", "crm", "erp", "held__loose", "held__strict", "suite_alone",
    ]  # fmt: skip


def test_a_staged_table_that_somebody_changed_is_not_sent(house):
    house.do("validate")
    house.sql("UPDATE tailrace_stage.crm SET score = 1000 WHERE code = 'a'")
    assert house.held("crm") == ["A", "it's", 'x "y"']
    assert house.sql("SELECT score FROM tailrace_stage.crm WHERE code = 'a'") == [(10,)]


def test_a_model_that_was_rebuilt_in_between_stops_the_sync(house):
    house.do("validate")
    house.write("seeds/list.csv", FILES["seeds/list.csv"].replace("a,ann@x.io,10", "a,ann@x.io,11"))
    house.do("build")
    assert "model people has other rows since its verdict of 09:0" in why(house, "crm")
    house.do("validate")
    assert len(house.held("crm")) == 3


def test_a_suite_that_was_changed_in_between_stops_the_sync(house):
    house.do("validate")
    house.write("expectations/strict.yml", SUITE.format(name="strict", limit=25, on_fail="quarantine"))
    assert "the suite was changed since its verdict" in why(house, "crm")
    assert house.held("erp") == ['x "y"']
    house.do("validate")
    assert house.held("crm") == ["it's", 'x "y"']


def test_a_verdict_that_ran_out_stops_the_sync(house):
    house.do("validate")
    house.sql("UPDATE tailrace_meta.verdicts SET valid_until = TIMESTAMP '2026-11-21 12:00:00'")
    assert len(house.held("crm")) == 3
    house.at = house.at.replace(hour=12)
    told = why(house, "crm")
    assert "its verdict ran out at 12:00 UTC" in told
    assert "run `tailrace validate`" in told


UNWATCHED = """
  - type: unexpected_rows_expectation
    kwargs: {{unexpected_rows_query: "SELECT * FROM {{batch}} WHERE code NOT IN (SELECT code FROM read_csv('{path}'))"}}
    on_fail: {on_fail}
"""


def test_a_verdict_on_a_file_is_sent_by_for_an_hour(house):
    text = FILES["expectations/strict.yml"] + UNWATCHED.format(
        path=house.root / "seeds/list.csv", on_fail="block"
    )
    house.write("expectations/strict.yml", text)
    house.do("validate")
    house.at += timedelta(minutes=59)
    assert len(house.held("crm")) == 3
    house.at += timedelta(minutes=2)
    told = why(house, "crm")
    assert "it reads what changes unseen (a file, the time), and its verdict is of 09:0" in told
    assert "run `tailrace validate`" in told
    assert house.held("erp") == ['x "y"'], "what lasts lasts"
    house.do("validate")
    assert len(house.held("crm")) == 3


def test_a_verdict_on_a_file_is_sent_by_in_its_own_run(house):
    text = FILES["expectations/strict.yml"] + UNWATCHED.format(
        path=house.root / "seeds/list.csv", on_fail="block"
    )
    house.write("expectations/strict.yml", text)
    house.do("validate")
    [(run,)] = house.sql("SELECT run_id FROM tailrace_meta.verdicts WHERE suite = 'strict'")
    house.at += timedelta(days=1)
    resolved = house.resolved()
    suite = next(suite for suite in resolved.project.suites if suite.name == "strict")
    with house.opened() as (_, warehouse):
        staged = stage(warehouse, resolved.graph.nodes["people"].table, "crm")
        assert binding(warehouse, suite, staged, house.at, run).verdict
        assert not binding(warehouse, suite, staged, house.at, "another").verdict


def test_what_a_file_blocked_stays_blocked(house):
    house.write("empty.csv", "code\nnobody\n")
    text = FILES["expectations/strict.yml"] + UNWATCHED.format(path=house.root / "empty.csv", on_fail="block")
    house.write("expectations/strict.yml", text)
    house.do("validate")
    house.at += timedelta(days=1)
    assert "suite strict blocked: " in why(house, "crm")


@pytest.mark.parametrize(
    "text",
    [
        SUITE.format(name="strict", limit=1000, on_fail="quarantine"),
        SUITE.format(name="strict", limit=15, on_fail="warn"),
        SUITE.format(name="strict", limit=15, on_fail="quarantine").replace("expect_column_values_to_be_between", "expect_column_values_to_not_be_null").replace(", max_value: 15", ""),
    ],
)  # fmt: skip
def test_rows_come_back_by_themselves(house, text):
    house.do("validate")
    house.write("expectations/strict.yml", text)
    house.do("validate")
    assert house.held("crm") == []


def test_rows_of_a_suite_that_was_removed_or_renamed_come_back(house):
    house.do("validate")
    (house.root / "expectations/strict.yml").unlink()
    house.write("expectations/tight.yml", SUITE.format(name="tight", limit=38, on_fail="quarantine"))
    house.write("reverse/crm.yml", SYNC.format(name="crm", suite="tight"))
    house.do("validate")
    assert house.held("crm") == ['x "y"']
    assert house.sql("SELECT DISTINCT suite FROM tailrace_meta.quarantine ORDER BY 1") == [
        ("loose",),
        ("tight",),
    ]
    house.write("reverse/crm.yml", SYNC.format(name="crm", suite="x").replace("validate: x", ""))
    assert house.held("crm") == []
    (house.root / "expectations/tight.yml").unlink()
    house.do("validate")
    assert house.sql("SELECT DISTINCT suite FROM tailrace_meta.quarantine") == [("loose",)]
    assert house.sql(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name IN ('held__strict', 'held__tight')"
    ) == [(0,)]
    # what they found stays to be read
    assert house.sql("SELECT count(*) FROM tailrace_meta.validations WHERE suite IN ('strict', 'tight')") == [
        (2,)
    ]


def test_a_lower_limit_of_held_rows_blocks_and_a_higher_lets_through(house):
    many = "code,email,score\n" + "".join(f"k{n},p{n}@x.io,{n}\n" for n in range(120))
    house.write("seeds/list.csv", many)
    text = SUITE.format(name="strict", limit=113, on_fail="quarantine")
    house.do("build")
    for share, status in (("4%", "stopped"), ("5%", "ok"), ("4.9%", "stopped"), ("10%", "ok")):
        house.write("expectations/strict.yml", text.replace("100%", share))
        done = house.do("validate")
        assert done["validate", "strict"].status == status
        if status == "ok":
            assert len(house.held("crm")) == 6
        else:
            assert "strict blocked: 6 of 120 rows would be held back" in why(house, "crm")


def test_of_a_blocked_suite_analysts_see_the_staged_rows_and_no_keys(house):
    house.do("build", "validate", "publish")
    before = house.published("SELECT count(*) FROM marts.people")
    house.write("seeds/list.csv", FILES["seeds/list.csv"] + "zz,dan@x.io,99\n")
    house.write("expectations/strict.yml", SUITE.format(name="strict", limit=15, on_fail="block"))
    done = house.do("build", "validate", "publish")
    assert done["publish", "warehouse"].status == "stopped"
    assert house.published("SELECT count(*) FROM marts.people") == before
    [(query,)] = house.published("SELECT query FROM tailrace_meta.validations WHERE decision = 'block'")
    assert [row[0] for row in house.published(query)] == ["A", "it's", 'x "y"', "zz"]
    [(query,)] = house.published(
        "SELECT query FROM tailrace_meta.validations AS c JOIN tailrace_meta.verdicts USING (suite, run_id) WHERE suite = 'alone'"
    )
    assert len(house.published(query)) == 4


@pytest.mark.parametrize(("schemas", "seen"), [("marts", True), ("main", False)])
def test_a_narrowed_file_has_staged_rows_of_its_own_models_only(house, schemas, seen):
    profile = FILES["profiles.yml"].replace(
        "connections:", f"publish: {{schemas: [{schemas}]}}\n      connections:"
    )
    house.write("profiles.yml", profile)
    house.do("build", "validate", "publish")
    tables = {
        name
        for (name,) in house.published(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'tailrace_stage'"
        )
    }
    assert tables == ({"copy", "crm", "suite_alone"} if seen else set())
    house.write("expectations/strict.yml", SUITE.format(name="strict", limit=15, on_fail="block"))
    house.do("validate", "publish")
    tables = {
        name
        for (name,) in house.published(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'tailrace_stage'"
        )
    }
    assert tables == ({"copy", "crm", "suite_alone"} if seen else set())


def test_an_idle_run_copies_nothing_until_something_is_due(house):
    house.do("build", "validate", "publish")
    assert house.do("build", "validate", "publish")["publish", "warehouse"].detail["bytes"] == 0
    house.at += timedelta(days=29)
    assert house.do("build", "validate", "publish")["publish", "warehouse"].detail["bytes"] == 0
    house.at += timedelta(days=1)
    assert house.do("build", "validate", "publish")["publish", "warehouse"].detail["bytes"] > 0
    assert house.published('SELECT count(*), count("row") FROM tailrace_meta.quarantine') == [(4, 0)]
    assert len(house.held("crm")) == 3
    assert house.do("build", "validate", "publish")["publish", "warehouse"].detail["bytes"] == 0


def test_a_plan_knows_that_a_verdict_holds_still(house):
    house.do("build", "validate", "publish")
    resolved = house.resolved()
    suite = next(suite for suite in resolved.project.suites if suite.name == "strict")
    with scratch(resolved.project) as warehouse:
        staged = stage(warehouse, resolved.graph.nodes["people"].table, "crm")
        assert standing(warehouse, suite, staged, house.now()).lasting
        assert warehouse.query(f"SELECT count(*) FROM ({quarantined_keys_sql(warehouse, 'strict')})") == [
            (3,)
        ]


def test_a_work_file_that_was_lost_goes_on_with_the_same_keys(house):
    house.do("build", "validate", "publish")
    (house.root / ".tailrace/dev/work.duckdb").unlink()
    assert house.held("crm") == ["A", "it's", 'x "y"']
