"""A person's dlt code: state across runs and kills, writes, frames, and every way in which it can be wrong."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal

import pytest
from tests.unit.connectors.site import Site

from tailrace.plan.resolve import choose

PIPELINE = "pipeline: mine\nsource: python\nfunction: mine:{function}\n"
INCREMENTAL = """
import json, pathlib
import dlt

@dlt.resource(primary_key="id", write_disposition="merge")
def orders(at=dlt.sources.incremental("at")):
    path = pathlib.Path(__file__).parent.parent / "orders.json"
    for row in json.loads(path.read_text()):
        if row.get("boom"):
            raise RuntimeError("the API hung up")
        yield row
"""


class Mine(Site):
    def code(self, text: str, function: str = "orders", more: str = "") -> None:
        self.write("pipelines/mine.py", text)
        self.write("pipelines/mine.yml", PIPELINE.format(function=function) + more)

    def orders(self, *rows: dict) -> None:
        import json

        self.write("orders.json", json.dumps(rows))


@pytest.fixture
def mine(tmp_path) -> Mine:
    return Mine(tmp_path)


def order(key: int, day: int, **more) -> dict:
    return {"id": key, "at": f"2024-01-{day:02d}T00:00:00Z", **more}


def test_an_incremental_goes_on_where_it_was(mine):
    mine.code(INCREMENTAL)
    mine.orders(order(1, 1, v="a"), order(2, 2, v="b"))
    assert mine.one().rows_in == 2
    before = mine.position()
    assert mine.one().rows_in == 0
    assert mine.position() == before
    mine.orders(order(1, 1, v="ignored"), order(2, 2, v="b"), order(3, 3, v="c"))
    assert mine.one().rows_in == 1
    assert mine.query("SELECT id, v FROM mine.orders ORDER BY id") == [(1, "a"), (2, "b"), (3, "c")]


def test_what_broke_half_way_is_read_again(mine):
    mine.code(INCREMENTAL)
    mine.orders(order(1, 1))
    mine.one()
    before = mine.position()
    mine.orders(order(1, 1), order(2, 2), {"boom": True}, order(3, 3))
    assert mine.error() == "pipelines/mine.py:10: RuntimeError: the API hung up. mend it and run again"
    assert mine.position() == before
    mine.orders(order(1, 1), order(2, 2), order(3, 3))
    assert mine.one().rows_in == 2
    assert mine.query("SELECT count(*) FROM mine.orders") == [(3,)]


def test_a_kill_between_rows_and_position_repeats_nothing(mine):
    """The process dies right before the transaction that holds both."""
    mine.code(INCREMENTAL)
    mine.orders(order(1, 1), order(2, 2))
    code = (
        "import os, sys; from pathlib import Path; from tailrace.land import run\n"
        "run._Landing._commit = lambda *_: os._exit(9)\n"
        "from tests.unit.connectors.site import Site; Site(Path(sys.argv[1])).land()"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(mine.root)], check=False)
    assert killed.returncode == 9
    assert mine.one().rows_in == 2
    assert mine.query("SELECT id FROM mine.orders ORDER BY id") == [(1,), (2,)]
    assert mine.query("SELECT count(*) FROM mine.orders__raw") == [(2,)]


def test_state_of_a_resource_is_its_own_and_keeps_its_types(mine):
    mine.code(
        """
import datetime, decimal
import dlt
@dlt.source
def both():
    @dlt.resource(write_disposition="append")
    def counted():
        state = dlt.current.resource_state()
        state["n"] = state.get("n", 0) + 1
        state.setdefault("when", datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc))
        state.setdefault("price", decimal.Decimal("1.50"))
        yield {"n": state["n"], "kinds": [type(state["when"]).__mro__[-3].__name__, type(state["price"]).__name__]}
    @dlt.resource(write_disposition="append")
    def other():
        yield {"n": dlt.current.resource_state().get("n", 0)}
    return counted, other
""",
        "both",
    )
    for _ in range(2):
        assert {step.status for step in mine.land().values()} == {"ok"}
    found = mine.query("SELECT row_key, n, kinds FROM mine.counted ORDER BY n")
    assert [row[:2] for row in found] == [("000000000001", 1), ("000000000002", 2)]
    assert found[0][2] == found[1][2]
    assert mine.query("SELECT n FROM mine.other") == [(0,), (0,)]


def test_types_are_found_over_all_items(mine):
    mine.code(
        """
import dataclasses, datetime, decimal, uuid
import dlt
@dataclasses.dataclass
class Row:
    id: int
    v: object
@dlt.resource(primary_key="id", write_disposition="merge", columns={"zip": {"data_type": "text"}})
def rows():
    day = datetime.date(2024, 1, 1)
    yield {"id": 1, "n": 1, "day": day, "money": decimal.Decimal("1.10"), "deep": {"b": 1, "a": [day]}, "zip": 1234, "nan": float("nan")}
    yield {"id": 2, "n": 1.5, "at": datetime.datetime(2024, 1, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2))), "mixed": 1}
    yield {"id": 3, "mixed": "x", "key": uuid.UUID(int=1), "raw": b"x", "big": 2**70, "a.b c": True, "nan": 1.0}
    yield Row(4, None)
""",
        "rows",
    )
    mine.one()
    assert mine.columns("mine.rows") == {
        "id": "BIGINT", "n": "DOUBLE", "day": "DATE", "money": "DECIMAL(38,9)", "deep": "VARCHAR", "zip": "VARCHAR",
        "nan": "DOUBLE", "at": "TIMESTAMP", "mixed": "VARCHAR", "key": "VARCHAR", "raw": "VARCHAR", "big": "VARCHAR",
        "a.b c": "BOOLEAN",
    }  # fmt: skip
    assert mine.query("SELECT day, money, deep, zip, nan FROM mine.rows WHERE id = 1") == [
        (date(2024, 1, 1), Decimal("1.1"), '{"a":["2024-01-01"],"b":1}', "1234", None)
    ]
    assert mine.query('SELECT "at", n, mixed FROM mine.rows WHERE id = 2') == [
        (datetime(2024, 1, 1), 1.5, "1")
    ]
    assert mine.query('SELECT raw, big, "a.b c" FROM mine.rows WHERE id = 3') == [("eA==", str(2**70), True)]


def test_frames_and_arrow_tables_are_rows_too(mine):
    mine.code(
        """
import dlt
@dlt.source
def frames():
    @dlt.resource(primary_key="a", write_disposition="merge")
    def pandas():
        import pandas as pd
        yield pd.DataFrame({"a": [1, 2], "b": ["x", None], "at": pd.to_datetime(["2024-01-01", None])})
    @dlt.resource(primary_key="a", write_disposition="merge")
    def mixed():
        import pandas as pd
        yield pd.DataFrame({"a": [1, 2], "b": ["x", 5]})
    @dlt.resource(primary_key="a", write_disposition="merge")
    def arrow(a=dlt.sources.incremental("a")):
        import pyarrow as pa
        yield pa.table({"a": [1, 2], "l": [[1], None]})
    return pandas, mixed, arrow
""",
        "frames",
    )
    assert {name: step.rows_in for name, step in mine.land().items()} == {
        "mine.pandas": 2, "mine.mixed": 2, "mine.arrow": 2,
    }  # fmt: skip
    assert mine.query("SELECT * FROM mine.pandas ORDER BY a") == [
        (1, "x", datetime(2024, 1, 1)),
        (2, None, None),
    ]
    assert mine.query("SELECT * FROM mine.mixed ORDER BY a") == [(1, "x"), (2, "5")]
    assert mine.query("SELECT * FROM mine.arrow ORDER BY a") == [(1, "[1]"), (2, None)]
    assert mine.land()["mine.arrow"].rows_in == 0


def test_frames_after_dlt_was_imported_without_pandas(mine):
    """A large landing imports dlt where pandas is hidden; a person's code sees it all the same."""
    code = (
        "import sys; from pathlib import Path; from tailrace.warehouse.lean import without_pandas\n"
        "with without_pandas():\n    import dlt; assert 'pandas' not in sys.modules\n"
        "from tests.unit.connectors.site import Site; site = Site(Path(sys.argv[1])); print(site.one().rows_in)"
    )
    mine.code(
        "import dlt\n@dlt.resource\ndef f():\n    import pandas as pd\n    yield pd.DataFrame({'a': [1, 2]})\n",
        "f",
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(mine.root)], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["2"], done.stderr


def test_replace_shows_all_there_is(mine):
    code = "import dlt\n@dlt.resource(write_disposition='replace')\ndef rows():\n    yield from {}\n"
    mine.code(code.format([{"v": "a"}, {"v": "b"}]), "rows")
    mine.one()
    assert mine.one().rows_in == 0
    mine.code(code.format([{"v": "b"}]), "rows")
    mine.one()
    assert mine.query("SELECT row_key, v FROM mine.rows") == [("000000000001", "b")]
    mine.code(code.format([]), "rows")
    mine.one()
    assert mine.query("SELECT count(*) FROM mine.rows") == [(0,)]


def test_append_counts_on(mine):
    mine.code("import dlt\n@dlt.resource\ndef rows():\n    yield [{'v': 1}, {'v': 1}]\n", "rows")
    mine.one()
    mine.one()
    assert mine.query("SELECT row_key, v FROM mine.rows ORDER BY row_key") == [
        (f"{n:012d}", 1) for n in (1, 2, 3, 4)
    ]


def test_a_hard_delete_ends_its_row_and_the_last_of_two_stays(mine):
    head = "import dlt\n@dlt.resource(primary_key='id', write_disposition='merge', columns={'gone': {'hard_delete': True}})\n"
    mine.code(
        head
        + "def rows():\n    yield [{'id': 1, 'v': 'a', 'gone': False}, {'id': 2, 'v': 'b'}, {'id': 2, 'v': 'c'}]\n",
        "rows",
    )
    mine.one()
    assert mine.query("SELECT id, v FROM mine.rows ORDER BY id") == [(1, "a"), (2, "c")]
    mine.code(
        head + "def rows():\n    yield [{'id': 1, 'gone': True}, {'id': 2, 'v': 'd'}, {'id': 2, 'v': 'e'}]\n",
        "rows",
    )
    mine.one()
    assert mine.query("SELECT id, v FROM mine.rows") == [(2, "e")]


def test_the_pipelines_words_come_before_dlts(mine):
    mine.code(
        "import dlt\n@dlt.resource(write_disposition='append')\ndef rows():\n    yield [{'id': 1, 'n': 5}, {'id': 1, 'n': 6}]\n",
        "rows",
        "resources: {rows: {primary_key: id, write: merge, columns: {n: text}}}\n",
    )
    mine.one()
    assert mine.query("SELECT id, n FROM mine.rows") == [(1, "6")]


def test_no_row_makes_no_table_yet(mine):
    mine.code("import dlt\n@dlt.resource(write_disposition='replace')\ndef rows():\n    yield []\n", "rows")
    assert mine.one().rows_in == 0
    assert any("no row came yet" in text for text in mine.notices)


def test_modules_import_each_other_and_leave_nothing_behind(mine):
    mine.write("pipelines/helper.py", "ROWS = [{'id': 1}]\n")
    mine.write("pipelines/json.py", "raise RuntimeError('not the json that was meant')\n")
    mine.code(
        "import dlt, helper\n@dlt.resource\ndef rows():\n    import helper as again\n    yield again.ROWS\n",
        "rows",
    )
    before = list(sys.path)
    mine.one()
    assert sys.path == before
    assert not [name for name in sys.modules if name == "helper" or name.startswith("tailrace_pipelines")]


def test_code_runs_when_it_lands_and_not_before(mine):
    mine.code(
        "import pathlib\npathlib.Path(__file__ + '.ran').write_text('x')\nimport dlt\n@dlt.resource\ndef rows():\n    yield {'a': 1}\n",
        "rows",
    )
    assert mine.check() == []
    assert not (mine.root / "pipelines/mine.py.ran").exists()
    mine.one()
    assert (mine.root / "pipelines/mine.py.ran").read_text() == "x"


def test_prints_go_to_stderr_without_the_secrets(mine, capsys, monkeypatch):
    monkeypatch.setenv("MINE_KEY", "canary-51e0")
    mine.code(
        "import dlt\n@dlt.resource\ndef rows(api_key):\n    print('key', api_key)\n    yield {'n': len(api_key)}\n",
        "rows",
        "args: {api_key: \"{{ secret('env:MINE_KEY') }}\"}\n",
    )
    mine.one()
    out, err = capsys.readouterr()
    assert out == "" and "key ***" in err and "canary" not in err
    assert mine.query("SELECT n FROM mine.rows") == [(11,)]


def test_a_secret_in_an_error_is_hidden(mine, monkeypatch):
    monkeypatch.setenv("MINE_KEY", "canary-51e0")
    mine.code(
        "import dlt\n@dlt.resource\ndef rows(api_key):\n    raise ValueError(f'refused {api_key}')\n    yield\n",
        "rows",
        "args: {api_key: \"{{ secret('env:MINE_KEY') }}\"}\n",
    )
    assert mine.error() == "pipelines/mine.py:4: ValueError: refused ***. mend it and run again"


R = "import dlt\n@dlt.resource\ndef rows():\n    yield {'id': 1}\n"
BAD_CODE = {
    "import": ("import dlt\nimport nothing_such\n" + R, "", "pipelines/mine.py:2: ModuleNotFoundError: No module named 'nothing_such'"),
    "at import": ("x = 1\ny = x / 0\n" + R, "", "pipelines/mine.py:2: ZeroDivisionError: division by zero"),
    "no source": ("def rows():\n    return [1]\n", "", "mine.yml:3:11: mine:rows gives no dlt source or resource, but list"),
    "a value": ("rows = 5\n", "", "gives no dlt source or resource, but int"),
    "wrong key": (R, "resources: {rows: {primary_key: idd, write: merge}}", "mine.yml:4:33: the primary key idd is no column of rows"),
    "no key": (R, "resources: {rows: {write: merge}}", "mine.yml:4:27: rows: merge needs a primary key"),
    "other resource": (R, "resources: {row: {}}", "mine.yml:4:13: the source has no resource row. did you mean rows?"),
    "no secret": (
        "import dlt\n@dlt.resource\ndef rows(api_key=dlt.secrets.value):\n    yield {'id': 1}\n", "",
        "mine: no value for api_key. give it under `args:`",
    ),
    "cursor": (
        "import dlt\n@dlt.resource\ndef rows(at=dlt.sources.incremental('att')):\n    yield {'id': 1, 'at': 2}\n", "",
        "a row has no value under the cursor att",
    ),
    "scd2": (
        "import dlt\nW = {'disposition': 'merge', 'strategy': 'scd2'}\n@dlt.resource(primary_key='id', write_disposition=W)\ndef rows():\n    yield {'id': 1}\n",
        "", "merge strategy scd2 is not done here",
    ),
    "merge_key": (
        "import dlt\n@dlt.resource(primary_key='id', merge_key='day', write_disposition='merge')\ndef rows():\n    yield {'id': 1}\n",
        "", "the hint merge_key of day is not followed here",
    ),
    "tables": (
        "import dlt\n@dlt.resource(table_name=lambda row: row['t'])\ndef rows():\n    yield {'t': 'x'}\n", "",
        "rows: its hints depend on each item",
    ),
    "marked": (
        "import dlt\n@dlt.resource\ndef rows():\n    yield dlt.mark.with_table_name({'a': 1}, 'other')\n",
        "",
        "rows are marked for the table other. one resource is one table here",
    ),
    "ours": ("import dlt\n@dlt.resource\ndef rows():\n    yield {'row_key': 1}\n", "", "rows has a column row_key of its own"),
    "a name": ("import dlt\n@dlt.resource(name='x__raw')\ndef rows():\n    yield {'a': 1}\n", "", "'x__raw' cannot name a table here"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_CODE)
def test_wrong_code_is_named_with_its_line(mine, name):
    text, more, said = BAD_CODE[name]
    mine.code(text, "rows", more)
    assert mine.check() == []
    assert said in mine.error()


def test_one_resource_that_fails_stops_no_other(mine):
    mine.code(
        "import dlt\n@dlt.source\ndef two():\n    @dlt.resource\n    def bad():\n        raise ValueError('x')\n        yield\n"
        "    @dlt.resource\n    def good():\n        yield {'a': 1}\n    return bad, good\n",
        "two",
    )
    assert {name: step.status for name, step in mine.land().items()} == {
        "mine.bad": "failed",
        "mine.good": "ok",
    }


BAD_PIPELINES = {
    "function: mine": "names no function. Write module:function",
    "function: mine:row": "mine.yml:3:11: pipelines/mine.py has no function row. did you mean rows?",
    "function: mien:rows": "there is no file pipelines/mien.py. did you mean mine?",
    "function: broken:rows": "pipelines/broken.py:2 is no Python",
    "function: mine:rows\nargs: {countri: DE}": "mine.yml:4:8: mine:rows takes no argument countri. did you mean country?",
    "function: mine:needy": "mine:needy needs the argument country. Give it under `args:`",
    "function: mine:rows\nargs: [1]": "option 'args': expected a mapping",
    "function: mine:rows\nfunc: x": "unknown option 'func'. did you mean function?",
    "function: mine:rows\nresources: {rows: {write: append, primary_key: id}}": "append looks for no key",
}


@pytest.mark.parametrize("rest", BAD_PIPELINES)
def test_a_bad_pipeline_is_told_without_running_it(mine, rest):
    mine.write("pipelines/mine.py", "raise SystemExit\ndef rows(country=1): ...\ndef needy(country): ...\n")
    mine.write("pipelines/broken.py", "\ndef rows(:\n")
    mine.write("pipelines/mine.yml", f"pipeline: mine\nsource: python\n{rest}\n")
    assert any(BAD_PIPELINES[rest] in said for said in mine.check()), mine.check()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("pyhton", "mine.yml:2:9: there is no source pyhton. did you mean python?"),
        ("hubspot", "hubspot is read through a connection. Land from a connection"),
    ],
)
def test_a_source_that_is_none_is_refused(mine, source, said):
    mine.write("pipelines/mine.yml", f"pipeline: mine\nsource: {source}\nresources: {{a: {{}}}}\n")
    assert any(said in one for one in mine.check()), mine.check()


def test_a_connection_of_such_a_type_is_refused(mine):
    mine.write(
        "profiles.yml",
        "acme: {outputs: {dev: {type: duckdb, path: w.duckdb, connections: {py: {type: python, function: a:b}}}}}\n",
    )
    assert "python is no connection. Name it in a pipeline: `source: python`" in mine.check()[0]


def test_models_read_what_a_pipeline_without_resources_lands(mine):
    mine.code(R, "rows")
    mine.write(
        "models/marts/m.sql", "SELECT id FROM {{ source('mine', 'rows') }} JOIN mine.rows__changes USING (id)"
    )
    resolved = mine.resolved()
    assert [str(table) for table in resolved.graph.nodes["m"].sources] == ["mine.rows"]
    chosen = choose(resolved, ["pipeline:mine+"])
    assert chosen.models == {"m"} and len(chosen.pipelines) == 1
    mine.write("models/marts/m.sql", "SELECT id FROM {{ source('mien', 'rows') }}")
    assert "no pipeline lands into mien. Did you mean mine?" in mine.check()[0]


def test_a_source_that_cannot_be_opened_flags_what_reads_of_it(mine):
    """Rows of the last run stay, and the model says that they are old."""
    from tailrace.runner.run import execute
    from tailrace.runner.session import Session
    from tailrace.runner.syncs import Sending

    mine.code(R, "rows")
    mine.write("models/marts/m.sql", "SELECT id FROM mine.rows")
    for code in (R, "raise ValueError('x')\n" + R):
        mine.code(code, "rows")
        resolved = mine.resolved()
        session = Session(resolved.project, "run", now=mine.now)
        execute(session, resolved, choose(resolved, ()), ("land", "build"), Sending())
        session.close()
    results = {(step.step, step.name): step for step in session.results}
    assert results["land", "mine.*"].status == "failed"
    assert results["build", "m"].detail["stale"] == ["mine.rows"]


def test_checking_such_a_project_imports_nothing_heavy(mine):
    mine.code(R, "rows")
    mine.write("pipelines/files.yml", "pipeline: f\nsource: filesystem\nresources: {a: {path: a.csv}}\n")
    code = (
        "import sys; from pathlib import Path; from tailrace.plan.resolve import resolve\n"
        "from tailrace.project.load import load_project; from datetime import UTC, datetime\n"
        "resolve(load_project(Path(sys.argv[1])), now=datetime.now(UTC))\n"
        "print([name for name in ('dlt', 'pandas', 'pyarrow', 'sqlalchemy', 'requests') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(mine.root)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
