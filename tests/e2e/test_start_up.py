"""What quick commands import: modules are counted, never seconds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"dlt", "pandas", "great_expectations"}
CODE = """
import json, sys
from tailrace.cli.frame import invoke
from tailrace.cli.main import cli
code = invoke(cli, sys.argv[2:])
json.dump(sorted(sys.modules), open(sys.argv[1], "w"))
sys.exit(code)
"""


def modules(acme, *args: str) -> set[str]:
    trace = acme.root / "modules.json"
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(trace), *args],
        cwd=acme.root,
        env=acme.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(trace.read_text())}


@pytest.mark.parametrize("args", [("--help",), ("run", "--help"), ("--version",)])
def test_help_imports_click_and_little_else(acme, args):
    found = modules(acme, *args)
    assert not found & {
        *HEAVY,
        "duckdb",
        "sqlglot",
        "jinja2",
        "yaml",
        "httpx2",
        "pyarrow",
        "numpy",
        "orjson",
        "starlette",
    }


@pytest.mark.parametrize(
    "args", [("check",), ("ls",), ("compile", "stg_hubspot__contacts"), ("check", "--json")]
)
def test_reading_the_project_imports_nothing_heavy(acme, args):
    assert not modules(acme, *args) & {*HEAVY, "pyarrow", "httpx2", "starlette"}


@pytest.mark.parametrize("args", [("schema",), ("schema", "pipelines", "--out", "schemas")])
def test_schemas_import_nothing_heavy(acme, args):
    assert not modules(acme, *args) & {*HEAVY, "duckdb", "pyarrow", "httpx2", "starlette"}


def test_the_doctor_imports_neither_dlt_nor_gx_nor_pandas(acme):
    assert not modules(acme, "doctor") & {*HEAVY, "starlette"}


def test_looking_back_imports_nothing_heavy(acme):
    acme.run()
    for args in (("status",), ("runs",), ("show", "last"), ("query", "SELECT 1"), ("dead", "list")):
        assert not modules(acme, *args) & {*HEAVY, "httpx2", "starlette"}, args


def test_a_project_that_nobody_changed_is_read_without_a_parser(acme):
    """The reference project has env_var() in its profiles, a suite's `where:` and a sync's `where:` and `suppress:`."""
    acme.run()
    assert {"sqlglot"} <= modules(acme, "compile", "--dialect", "bigquery")  # the trace would show it
    for args in (("ls",), ("check",), ("check", "--json"), ("build",), ("status",)):
        assert not modules(acme, *args) & {*HEAVY, "sqlglot", "jinja2"}, args
    assert not modules(acme, "ls") & {"duckdb"}
