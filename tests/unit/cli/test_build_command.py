"""`tailrace build` as a person runs it: an idle one opens nothing, and its options say what they do."""

from __future__ import annotations

import json
import subprocess
import sys

import duckdb
import pytest

FILES = {
    "pyproject.toml": '[tool.tailrace]\nname = "p"\nprofile = "p"\n',
    "profiles.yml": "p:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: warehouse.duckdb}\n",
    "seeds/visits.csv": "id,ts\n1,2026-11-01 10:00:00\n2,2026-11-02 11:00:00\n",
    "seeds/visits.yml": "version: 2\nseeds:\n  - name: visits\n    config: {event_time: ts, column_types: {ts: TIMESTAMP}}\n",
    "models/marts/daily.sql": "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='ts',"
    " batch_size='day', begin='2026-11-01', lookback=0) }}\nSELECT CAST(ts AS DATE) AS ts, count(*) AS n FROM {{ ref('visits') }} GROUP BY ALL",
    "models/marts/seen.sql": "{{ config(materialized='ephemeral') }}\nSELECT * FROM {{ ref('visits') }}",
    "models/marts/total.sql": "{{ config(materialized='table') }}\nSELECT count(*) AS n FROM {{ ref('seen') }}",
}
CODE = """
import json, sys
from tailrace.cli.frame import invoke
from tailrace.cli.main import cli
code = invoke(cli, sys.argv[1:])
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


class Site:
    def __init__(self, root):
        self.root = root
        for name, text in FILES.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)

    def run(self, *args):
        """Exit code, the document, the modules and what was said."""
        done = subprocess.run(
            [sys.executable, "-c", CODE, *args], cwd=self.root, capture_output=True, text=True, check=False
        )
        *said, modules = done.stderr.splitlines()
        document = json.loads(done.stdout) if "--json" in args else done.stdout
        return done.returncode, document, set(json.loads(modules)), "\n".join(said)

    def statuses(self, *args):
        code, document, _, said = self.run("build", "--json", *args)
        assert code == 0, said
        return {step["name"]: step["status"] for step in document["steps"]}

    def built(self, *args):
        return sorted(name for name, status in self.statuses(*args).items() if status == "ok")


@pytest.fixture
def site(tmp_path):
    found = Site(tmp_path)
    assert found.built() == ["daily", "total", "visits"]
    return found


def test_an_idle_build_opens_nothing_and_says_one_line(site):
    code, said, modules, _ = site.run("build")
    assert (code, said.splitlines()[0]) == (0, "  build    3 models up to date")
    assert not modules & {"duckdb", "sqlglot", "jinja2", "dlt", "pandas", "great_expectations"}
    assert set(site.statuses().values()) == {"skipped"}


@pytest.mark.parametrize(
    "change",
    [
        ("seeds/visits.csv", "id,ts\n1,2026-11-01 10:00:00\n", ["daily", "total", "visits"]),
        ("models/marts/total.sql", FILES["models/marts/total.sql"] + " WHERE id > 1", ["total"]),
        ("models/marts/seen.sql", FILES["models/marts/seen.sql"] + " WHERE id > 1", ["total"]),
        ("models/marts/total.sql", "-- said\n" + FILES["models/marts/total.sql"], []),
        ("models/marts/more.sql", "SELECT 1 AS x", ["more"]),
    ],
    ids=lambda change: change[0],
)
def test_whatever_changes_is_seen(site, change):
    name, text, built = change
    (site.root / name).write_text(text)
    assert site.built() == built


def test_somebody_elses_hand_on_the_work_file_is_seen(site):
    with duckdb.connect(str(site.root / ".tailrace/dev/work.duckdb")) as opened:
        opened.execute("DROP TABLE marts.total")
    assert site.built() == ["total"]


def test_a_deleted_cache_costs_time_only(site):
    for path in (site.root / ".tailrace/dev/cache").iterdir():
        path.unlink()
    assert site.built() == []


def test_a_model_that_is_gone_is_named_each_time(site):
    (site.root / "models/marts/total.sql").unlink()
    for _ in range(2):
        assert "marts.total has no model any more" in site.run("build")[3]


def test_why_says_it_for_every_model(site):
    _, said, _, _ = site.run("build", "--why")
    assert [line.split(None, 3)[1:] for line in said.splitlines()[:4]] == [
        ["visits", "skipped", "up to date"],
        ["daily", "skipped", "up to date"],
        ["seen", "skipped", "ephemeral: its SQL stands in its readers"],
        ["total", "skipped", "up to date"],
    ]
    _, document, _, _ = site.run("build", "--why", "--json", "--full-refresh", "total")
    assert document["models"] == [{"model": "total", "action": "build", "why": "full refresh asked for"}]


def test_restated_days(site):
    _, document, _, _ = site.run("build", "--json", "--why", "--restate", "2026-11-01", "2026-11-02")
    found = {one["model"]: one["why"] for one in document["models"]}
    assert found["daily"].startswith("restated from 2026-11-01 to 2026-11-02; 2 of ")
    assert found["total"] == "up to date"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--restate", "2026-11-02", "2026-11-01"], "--restate 2026-11-02 2026-11-01 ends before it begins"),
        (["total", "--restate", "2026-11-01", "2026-11-02"], "total has no intervals to restate"),
        (
            ["--restate", "2026-11-01", "2026-11-02", "--full-refresh"],
            "--full-refresh and --restate exclude each other",
        ),
        (["--restate", "2026-11-01", "soon"], "'soon' does not match the format"),
    ],
)
def test_wrong_arguments_touch_nothing(site, args, said):
    code, _, _, told = site.run("build", *args)
    assert (code, said in told) == (2, True)
    assert site.built() == []
