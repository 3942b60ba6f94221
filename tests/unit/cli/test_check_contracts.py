"""`check` knows a type in a contract that the engine does not have, and asks the engine only where it must."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.unit.build.layout import lay_out

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli

MODEL = """models:
  - name: people
    config:
      contract: {enforced: true}
    columns:
      - {name: id, data_type: varchar}
      - name: email
        data_type: %s
"""
SQL = "SELECT id, email FROM stg_contacts"


def checked(root, kind, sql=SQL, capsys=None):
    lay_out(root, {"models/marts/people.sql": sql, "models/marts/people.yml": MODEL % kind})
    code = invoke(cli, ["check", "--project", str(root)])
    return code, capsys.readouterr().err.strip()


@pytest.mark.parametrize("kind", ["strnig", "varchar(", "struct(a strnig)"])
def test_what_is_no_type_has_a_place(tmp_path, capsys, kind):
    code, said = checked(tmp_path, f"'{kind}'", capsys=capsys)
    assert code != 0
    assert said == (
        f"models/marts/people.yml:7:15: {kind} of email is no type. Write one of DuckDB's, such as varchar"
    )


@pytest.mark.parametrize("kind", ["decimal(9, 2)", "struct(a int)", "text[]", "VARCHAR"])
def test_types_of_the_engine_pass(tmp_path, capsys, kind):
    assert checked(tmp_path, f"'{kind}'", capsys=capsys) == (0, "")


def test_a_hook_may_make_types(tmp_path, capsys):
    sql = "{{ config(pre_hook=\"CREATE TYPE mood AS ENUM ('sad')\") }} " + SQL
    assert checked(tmp_path, "mood", sql, capsys)[0] == 0


def test_the_engine_is_not_loaded_for_plain_types(tmp_path, capsys):
    assert checked(tmp_path, "varchar", capsys=capsys)[0] == 0
    code = (
        "import sys; from tailrace.cli.frame import invoke; from tailrace.cli.main import cli;"
        f"invoke(cli, ['check', '--project', {str(tmp_path)!r}]); print('duckdb' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
