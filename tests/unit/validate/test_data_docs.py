"""Great Expectations' Data Docs as pages: what they show, what they never load, what they never run."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.unit.validate.made import Clock, between, expect, staged, suite

from tailrace.errors import BadInput
from tailrace.validate.audience import Audience
from tailrace.validate.catalogue import entries
from tailrace.validate.gx import lean
from tailrace.validate.gx.data_docs import write_site
from tailrace.validate.gx.data_docs.stored import Judgement
from tailrace.validate.run import judge
from tailrace.warehouse.duckdb import DuckDBWarehouse

MODEL = (
    "SELECT range AS id, 'user' || range || '@example.com' AS email, range % 110 AS score FROM range(1000)"
)
HOSTILE = "<script>alert(1)</script>\"'&amp;<img src=https://x.test onerror=alert(2)>"
SCRIPT = '<script defer src="'

CHECKS = (
    between("warn", min_value=0, max_value=100, where="id > 5"),
    between("warn", min_value=0, max_value=1000),
    expect("expect_column_values_to_not_match_regex", "warn", column="email", regex="^user1"),
    expect("expect_table_row_count_to_be_between", "block", min_value=5),
    expect("expect_column_max_to_be_between", "block", column="gone", max_value=1),
    expect(
        "expect_column_quantile_values_to_be_between",
        "warn",
        column="id",
        quantile_ranges={"quantiles": [0.5], "value_ranges": [[0, 1]]},
    ),
    expect(
        "unexpected_rows_expectation",
        "warn",
        description="nobody scores 7",
        unexpected_rows_query="SELECT * FROM {batch} WHERE score = 7",
    ),
)


def judged(warehouse: DuckDBWarehouse, *items: dict, runs: int = 1, **more) -> None:
    """Judgements of these checks, one second after the other."""
    now = Clock()
    found = replace(suite(*items), owner="Ana", **more)
    for number in range(runs):
        stage = staged(warehouse, MODEL.replace("1000", str(1000 + number)))
        judge(
            warehouse,
            found,
            stage,
            run_id=f"run-{number}",
            now=now,
            audience=Audience(frozenset({"email"})),
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "docs"
    warehouse = DuckDBWarehouse(None)
    judged(warehouse, *CHECKS, runs=3)
    assert write_site(warehouse, folder, project="acme") == folder / "index.html"
    return folder


def texts(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


class Seen(HTMLParser):
    """Tags, attributes and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.rows: list[tuple[str | None, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "tr" and "data-status" in dict(attrs):
            self.rows.append((dict(attrs)["data-status"], ""))

    def handle_data(self, data):
        self.text += data
        if self.rows:
            status, text = self.rows[-1]
            self.rows[-1] = (status, re.sub(r"\s+", " ", text + data))


def newest(folder: Path) -> Seen:
    return Seen(sorted((folder / "validations" / "scores").glob("*.html"))[-1].read_text())


def test_a_page_for_every_judgement_and_suite_and_nothing_else(site):
    assert sorted(texts(site)) == [
        "expectations/scores.html",
        "index.html",
        "static/data-docs.css",
        "static/data-docs.js",
        *(
            f"validations/scores/20261121T09000{second}-run-{run}.html"
            for run, second in enumerate((2, 5, 8))
        ),
    ]
    assert sorted(path.name for path in site.parent.iterdir()) == ["docs"]
    assert sum(len(text.encode()) for text in texts(site).values()) < 100_000


def test_nothing_is_loaded_from_elsewhere(site):
    for name, text in texts(site).items():
        assert not re.search(
            r"https?:|//[a-z]|@import|url\(|<iframe|<object|<base",
            text.split("\n", 1)[-1] if name.endswith(".js") else text,
        ), name
        for attribute, value in Seen(text).attributes if name.endswith(".html") else ():
            if attribute in ("href", "src"):
                assert (
                    value == "data:,"
                    or value.startswith("#")
                    or (site / name).parent.joinpath(value).exists()
                ), value


def test_every_check_shows_status_sentence_decision_severity_and_owner(site):
    rows = newest(site).rows
    assert [status for status, _ in rows].count("pass") == 2
    assert len(rows) == len(CHECKS)
    by_text = {text: status for status, text in rows}
    failed = next(text for text in by_text if "less than or equal to 100" in text)
    assert by_text[failed] == "fail"
    for part in (
        "Failed",
        "where id > 5",
        "unexpected values found",
        "critical",
        "warn",
        "Ana",
        "To see what failed",
        "tailrace_stage",
    ):
        assert part in failed, part
    error = next(text for text in by_text if "raised an exception" in text)
    assert by_text[error] == "error"
    assert "there is no column gone" in error
    assert any("nobody scores 7" in text and status == "fail" for text, status in by_text.items())


def test_samples_show_values_unless_they_are_personal(site):
    page = newest(site)
    assert "Sampled Unexpected Values" in page.text
    assert re.search(r"101\s*102\s*103", page.text)
    assert not any("@example" in text for text in texts(site).values())


def test_a_column_marked_since_is_masked_too(tmp_path):
    warehouse = DuckDBWarehouse(None)
    judged(
        warehouse,
        between("warn", max_value=100),
        expect("expect_column_max_to_be_between", "warn", column="score", max_value=100),
    )
    write_site(warehouse, tmp_path / "open", project="acme", personal={"other": {"score"}})
    write_site(warehouse, tmp_path / "masked", project="acme", personal={"m": {"score"}})
    shown, hidden = (newest(tmp_path / name).text for name in ("open", "masked"))
    assert all(number in shown for number in ("101", "109"))
    assert not any(number in hidden for number in ("101", "109"))
    assert "81 unexpected values found" in hidden


def test_the_index_leads_to_every_page(site):
    index = Seen((site / "index.html").read_text())
    links = {value for name, value in index.attributes if name == "href"}
    assert {name for name in texts(site) if name.endswith(".html")} - {"index.html"} <= links
    assert [status for status, _ in index.rows] == ["fail"] * 3
    assert "5 of 7" in index.rows[0][1]


def test_the_suites_page_says_what_is_expected(site):
    text = Seen((site / "expectations" / "scores.html").read_text()).text
    assert "severity: critical · owner: Ana" in text
    assert "where: id > 5" in text
    assert "contains 7 total Expectations" in text


def test_names_and_values_stay_text(tmp_path):
    warehouse = DuckDBWarehouse(None)
    item = expect(
        "expect_column_values_to_not_be_in_set", "warn", column="email", value_set=[HOSTILE, "$x ${y} $$"]
    )
    judged(warehouse, item, between("warn", max_value=1, description=HOSTILE))
    for column in (
        "suite",
        "model",
        "owner",
        "run_id",
        "severity",
        "decision",
        '"where"',
        "reason",
        "observed",
        "description",
        "query",
    ):
        warehouse.execute(f"UPDATE tailrace_meta.validations SET {column} = ?", [HOSTILE + column.strip('"')])
    row = '{"id": 1, "score": "' + HOSTILE.replace('"', '\\"') + '"}'
    warehouse.execute(
        'UPDATE tailrace_meta.validation_samples SET suite = ?, run_id = ?, "row" = ?',
        [HOSTILE + "suite", HOSTILE + "run_id", row],
    )
    write_site(warehouse, tmp_path / "docs", project=HOSTILE)
    pages = {name: text for name, text in texts(tmp_path / "docs").items() if name.endswith(".html")}
    assert len(pages) == 3
    for page in pages.values():
        seen = Seen(page)
        assert page.count("<script") == page.count(SCRIPT) == 1
        assert not seen.tags & {"img", "iframe", "object"}
        assert not [name for name, _ in seen.attributes if name.startswith("on")]
        assert not [value for name, value in seen.attributes if name in ("href", "src") and "x.test" in value]
    run = next(Seen(text).text for name, text in pages.items() if name.startswith("validations"))
    assert f"{HOSTILE}owner" in run
    assert f"{HOSTILE}run_id" in run
    assert f"{HOSTILE}where" in run
    assert "$x ${y} $$" in run


def test_own_types_and_types_of_another_release_are_told_in_words(tmp_path):
    warehouse = DuckDBWarehouse(None)
    judged(
        warehouse, between("warn", max_value=1), between("warn", max_value=2), between("block", max_value=3)
    )
    update = (
        "UPDATE tailrace_meta.validations SET expectation = ?, description = ?, asked = ? WHERE position = ?"
    )
    asked = '{"type": "expect_column_max_to_be_between", "kwargs": {"column": "score", "min_value": 3}}'
    warehouse.execute(update, ["fresh", "score is younger than 24h", asked, 0])
    warehouse.execute(update, ["expect_the_unexpected", "a rule of another release", None, 1])
    warehouse.execute(
        update,
        [
            "expect_column_values_to_be_between",
            "odd kwargs",
            '{"type": "expect_column_values_to_be_between", "kwargs": {"columns": 7}}',
            2,
        ],
    )
    write_site(warehouse, tmp_path / "docs", project="acme")
    rows = [text for _, text in newest(tmp_path / "docs").rows]
    assert len(rows) == 3
    assert any("score is younger than 24h" in text and "fresh" in text for text in rows)
    assert any("a rule of another release" in text and "expect_the_unexpected" in text for text in rows)
    assert any("odd kwargs" in text for text in rows)


def test_results_of_an_earlier_release_have_a_page_too(tmp_path):
    warehouse = DuckDBWarehouse(None)
    warehouse.ensure_schema("tailrace_meta")
    warehouse.execute(
        """CREATE TABLE tailrace_meta.validations AS SELECT 'r' AS run_id, 'scores' AS suite, 'm' AS model,
        'expect_column_values_to_not_be_null' AS expectation, 'id' AS "column", 'critical' AS severity, false AS success,
        '5% unexpected' AS observed, 5 AS unexpected_count, 'warn' AS decision, NULL AS "where", 'id is missing' AS reason,
        100 AS "rows", 0 AS position, TIMESTAMP '2026-01-01' AS "at" """
    )
    write_site(warehouse, tmp_path / "docs", project="acme")
    [(status, text)] = newest(tmp_path / "docs").rows
    assert status == "fail"
    assert "5 unexpected values found" in text


def test_nothing_judged_is_a_page_that_says_so(tmp_path):
    index = write_site(DuckDBWarehouse(None), tmp_path / "docs", project="acme")
    assert "No suite was judged yet" in index.read_text()


def test_the_last_runs_of_each_suite_are_kept_and_old_pages_go(tmp_path):
    warehouse = DuckDBWarehouse(None)
    judged(warehouse, between("warn", max_value=1), runs=3)
    judged(warehouse, between("warn", max_value=1), runs=2, name="other")
    folder = tmp_path / "docs"
    write_site(warehouse, folder, project="acme")
    assert len(list(folder.glob("validations/*/*.html"))) == 5
    write_site(warehouse, folder, project="acme", runs=1)
    assert [path.name for path in sorted(folder.glob("validations/*/*.html"))] == [
        "20261121T090005-run-1.html",
        "20261121T090008-run-2.html",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["docs"]


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path):
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(BadInput, match="has other files in it"):
        write_site(DuckDBWarehouse(None), tmp_path, project="acme")
    with pytest.raises(BadInput, match="is a file"):
        write_site(DuckDBWarehouse(None), tmp_path / "index.html", project="acme")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("index.html", "mine")]


def test_secrets_are_redacted(tmp_path):
    warehouse = DuckDBWarehouse(None)
    judged(
        warehouse,
        expect("expect_column_values_to_not_be_in_set", "warn", column="score", value_set=["s3cr3t"]),
    )
    write_site(
        warehouse, tmp_path / "docs", project="s3cr3t", redact=lambda text: text.replace("s3cr3t", "***")
    )
    assert not [name for name, text in texts(tmp_path / "docs").items() if "s3cr3t" in text]


def test_importing_the_writer_imports_no_package():
    code = (
        "import sys; import tailrace.validate.gx.data_docs;"
        "print(sorted({'great_expectations', 'pandas', 'jinja2', 'sqlglot'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_type_has_a_row_whatever_is_known_of_it(tmp_path):
    warehouse = DuckDBWarehouse(None)
    judged(warehouse, between("warn", max_value=1))
    types = sorted(entries())
    for number, kind in enumerate(types, 1):
        warehouse.execute(
            "INSERT INTO tailrace_meta.validations SELECT * REPLACE (? AS expectation, ? AS position, NULL AS kwargs, ? AS asked,"
            " NULL AS result, NULL AS observed, NULL AS unexpected_count) FROM tailrace_meta.validations WHERE position = 0",
            [kind, number, json.dumps({"type": kind, "kwargs": {"column": "score"}})],
        )
    write_site(warehouse, tmp_path / "docs", project="acme")
    assert len(newest(tmp_path / "docs").rows) == len(types) + 1


def test_a_result_that_no_renderer_expects_costs_no_page(tmp_path):
    warehouse = DuckDBWarehouse(None)
    judged(
        warehouse,
        expect("expect_table_columns_to_match_ordered_list", "warn", column_list=["x"]),
        between("warn", max_value=1),
    )
    warehouse.execute("""UPDATE tailrace_meta.validations SET result = '{"odd": 1}' WHERE position = 0""")
    write_site(warehouse, tmp_path / "docs", project="acme")
    assert [status for status, _ in newest(tmp_path / "docs").rows] == ["fail", "fail"]


@pytest.mark.parametrize("suffix", ["7568", "0000", "2359", "dead", "12e3", "9999"])
def test_a_run_whose_name_reads_like_a_date_has_a_page(tmp_path, suffix):
    warehouse = DuckDBWarehouse(None)
    judged(warehouse, between("warn", max_value=1))
    run = f"20261121T194409-{suffix}"
    warehouse.execute("UPDATE tailrace_meta.validations SET run_id = ?", [run])
    write_site(warehouse, tmp_path / "docs", project="acme")
    assert run in newest(tmp_path / "docs").text


def test_no_run_name_fails_a_page():
    lean.load()
    from tailrace.validate.gx.data_docs.document import judgement_document

    chance = random.Random(5)
    names = [f"20261121T194409-{chance.randrange(65536):04x}" for _ in range(150)]
    names += [f"{chance.choice(('', '2026-11-21T19:44:09', '20261121'))}{chance.choice('+-Tz :')}"
              f"{chance.randrange(10**chance.randrange(1, 12))}" for _ in range(150)]  # fmt: skip
    for name in names:
        told = judgement_document(Judgement("s", name, "m", datetime(2026, 11, 21), 1, ()))
        assert told["page_title"] == "Validations", name
        assert name in json.dumps(told)


def test_queries_and_unique_columns_show_rows_and_no_share(tmp_path):
    warehouse = DuckDBWarehouse(None)
    query = {"unexpected_rows_query": "SELECT * FROM {batch} WHERE (score = 7)"}
    judged(
        warehouse,
        expect("unexpected_rows_expectation", "warn", description="nobody scores 7", **query),
        expect(
            "unexpected_rows_expectation",
            "warn",
            **{key: text.replace("7", "700") for key, text in query.items()},
        ),
        expect("expect_column_values_to_be_unique", column="id"),
        expect("row_count_near_history"),
    )
    write_site(warehouse, tmp_path / "docs", project="acme")
    rows = [text for _, text in newest(tmp_path / "docs").rows]
    for seen in ("10 rows", "0 rows", "all distinct", "1,000 rows, no history yet (0 of 3 runs)"):
        found = [text for text in rows if re.search(rf"(?<!\d){re.escape(seen)}critical", text)]
        assert len(found) == 1, (seen, rows)
