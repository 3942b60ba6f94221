"""What only a build shows to be wrong is said at the place where a person wrote it."""

from __future__ import annotations

import pytest
from tests.unit.build.layout import NOW, compiled, lay_out

from tailrace.build.run import build
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROWS = "SELECT 1 AS id, TIMESTAMP '2026-11-20' AS seen_at, 'x' AS email"
DAILY = "materialized='incremental', incremental_strategy='microbatch', batch_size='day', begin='2026-11-20'"
SOURCE = """
sources:
  - name: hubspot
    tables:
      - name: contacts
        config:
          event_time: sen_at
"""
CASES = {
    "unique_key": (
        {"models/marts/m.sql": "{{ config(materialized='incremental',\n  unique_key='idd') }}\n" + ROWS},
        "models/marts/m.sql:2:3: unique_key idd is no column of marts.m. did you mean id?",
    ),
    "unique_key in YAML": (
        {
            "models/marts/m.sql": ROWS,
            "models/marts/m.yml": "models:\n  - name: m\n    config: {materialized: incremental, unique_key: idd}\n",
        },
        "models/marts/m.yml:3:41: unique_key idd is no column of marts.m. did you mean id?",
    ),
    "event_time": (
        {"models/marts/m.sql": f"{{{{ config({DAILY},\n  event_time='sen_at') }}}}\n" + ROWS},
        "models/marts/m.sql:2:3: event_time sen_at is no column of marts.m. did you mean seen_at?",
    ),
    "event_time of an input": (
        {
            "models/staging/up.sql": "{{ config(\n event_time='sen_at') }} " + ROWS,
            "models/marts/m.sql": f"{{{{ config({DAILY}, event_time='seen_at') }}}} SELECT * FROM {{{{ ref('up') }}}}",
        },
        "models/staging/up.sql:2:2: event_time sen_at is no column of staging.up. did you mean seen_at?",
    ),
    "event_time of a source": (
        {
            "models/staging/sources.yml": SOURCE,
            "models/marts/m.sql": f"{{{{ config({DAILY}, event_time='seen_at') }}}}"
            " SELECT * FROM {{ source('hubspot', 'contacts') }}",
        },
        "models/staging/sources.yml:7:11: event_time sen_at is no column of hubspot.contacts. did you mean seen_at?",
    ),
    "contract": (
        {
            "models/marts/m.sql": ROWS,
            "models/marts/m.yml": "models:\n  - name: m\n    config: {materialized: table, contract: {enforced: true}}\n"
            "    columns:\n      - {name: id, data_type: integer}\n      - {name: seen_at, data_type: timestamp}\n"
            "      - {name: email, data_type: integer}\n",
        },
        "models/marts/m.yml:7:16: the contract is broken: email is VARCHAR and not INTEGER. mend the SQL or the contract",
    ),
    "a column that the contract lacks": (
        {
            "models/marts/m.sql": "SELECT 1 AS id, 2 AS two",
            "models/marts/m.yml": "models:\n  - name: m\n    columns: [{name: id, data_type: integer}]\n"
            "    config:\n      contract: {enforced: true}\n",
        },
        "models/marts/m.yml:5:7: the contract is broken: two is not in the contract. mend the SQL or the contract",
    ),
    "hook": (
        {"models/marts/m.sql": "{{ config(materialized='table',\n  post_hook='SELECT nope') }}\n" + ROWS},
        "models/marts/m.sql:2:3: its post_hook failed: ",
    ),
    "check_cols": (
        {
            "snapshots/m.sql": "{% snapshot m %}\n{{ config(strategy='check', unique_key='id',\n"
            f"  check_cols=['emial']) }}}}\n{ROWS}\n{{% endsnapshot %}}\n"
        },
        "snapshots/m.sql:3:3: check_cols names emial, which is no column of the snapshot's query. did you mean email?",
    ),
    "updated_at": (
        {
            "snapshots/m.sql": "{% snapshot m %}\n{{ config(strategy='timestamp', unique_key='id',\n"
            f"  updated_at='sen_at') }}}}\n{ROWS}\n{{% endsnapshot %}}\n"
        },
        "snapshots/m.sql:3:3: updated_at sen_at is no column of the snapshot's query. did you mean seen_at?",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_setting_is_refused_where_it_stands(name, tmp_path):
    files, said = CASES[name]
    graph = compiled(lay_out(tmp_path, files))
    warehouse = DuckDBWarehouse(None)
    warehouse.ensure_schema("hubspot")
    warehouse.execute(f"CREATE TABLE hubspot.contacts AS {ROWS}")
    warehouse.execute(
        "CREATE TABLE IF NOT EXISTS tailrace_meta.cursors (resource VARCHAR, data_version BIGINT, raw_done BIGINT)"
    )
    warehouse.execute("INSERT INTO tailrace_meta.cursors VALUES ('hubspot.contacts', 1, 1)")
    wanted = {"m", "up"} & set(graph.nodes)
    found = {
        step.name: step.error
        for step in build(warehouse, graph, wanted, root=tmp_path, run_id="r", now=lambda: NOW)
    }
    warehouse.close()
    assert (found["m"] or "").startswith(said), found
