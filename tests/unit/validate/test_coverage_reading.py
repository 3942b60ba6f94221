"""What the engine does with bad input: it only reads, keeps values to itself, and one error stays one check's."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from tests.unit.validate.made import Clock, between, staged, suite

from tailrace import interrupts
from tailrace.validate.question import Answer, Question
from tailrace.validate.reading import one_query, wrong_with
from tailrace.validate.run import judge
from tailrace.validate.standing import standing
from tailrace.warehouse.duckdb import DuckDBWarehouse

KIND = "unexpected_rows_expectation"
BEGINS = "the query begins with {}: a check only reads"


@pytest.fixture(scope="module")
def warehouse():
    opened = DuckDBWarehouse(None)
    opened.execute(
        "CREATE TABLE t AS SELECT range AS id, 'p' || range || '@secret.io' AS email FROM range(1000)"
    )
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def examiner(warehouse):
    from tailrace.validate.assess import great_expectations

    return great_expectations(warehouse.native())


def ask(examiner, *queries: str) -> list[Answer]:
    return examiner.answers(
        [Question(n, "t", KIND, {"unexpected_rows_query": query}) for n, query in enumerate(queries)]
    )


REFUSED = [
    ("DELETE FROM {batch}", BEGINS.format("DELETE")),
    ("CREATE TABLE x AS SELECT * FROM {batch}", BEGINS.format("CREATE")),
    ("COPY (SELECT * FROM {batch}) TO 'out.csv'", BEGINS.format("COPY")),
    ("ATTACH 'x.duckdb' AS {batch}", BEGINS.format("ATTACH")),
    ("PRAGMA database_list -- {batch}", BEGINS.format("PRAGMA")),
    ("INSTALL httpfs -- {batch}", BEGINS.format("INSTALL")),
    ("EXPLAIN ANALYZE DELETE FROM {batch}", BEGINS.format("EXPLAIN")),
    ("SELEC * FROM {batch}", BEGINS.format("SELEC")),
    ("SELECT 1 FROM {batch}; DELETE FROM t", "the query is more than one statement"),
    ("SELECT * FROM t", "the query does not read {batch}, the rows to judge"),
    ("SELECT * FROM t -- {batch}", "the query does not read {batch}, the rows to judge"),
    ("SELECT 'a FROM {batch}", "the query has a quote or comment without an end"),
    (" ; -- {batch}", "the query is empty"),
]


def test_a_query_that_does_not_only_read_is_never_run(warehouse, examiner):
    found = ask(examiner, *(query for query, _ in REFUSED))
    assert [answer.raised for answer in found] == [reason for _, reason in REFUSED]
    assert [wrong_with(query)[0][0] for query, _ in REFUSED] == [reason for _, reason in REFUSED]
    assert warehouse.query("SELECT count(*) FROM t") == [(1000,)]
    assert warehouse.query("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'") == [("t",)]


@pytest.mark.parametrize(
    "sql", ["DELETE FROM t", "SELECT 1; DELETE FROM t", "WITH a AS (SELECT 1) INSERT INTO t SELECT 1, 'x' FROM a", "CHECKPOINT", ""]
)  # fmt: skip
def test_the_connection_itself_reads_one_select(warehouse, sql):
    """Whatever the package, or a query that slipped through, asks of it."""
    from tailrace.validate.gx.dialect import engine_over

    with (
        engine_over(warehouse.native()).connect() as connection,
        pytest.raises(
            Exception, match=r"one SELECT is read here, and nothing is written|A CTE needs a SELECT"
        ),
    ):
        connection.exec_driver_sql(sql)
    assert warehouse.query("SELECT count(*) FROM t") == [(1000,)]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT * FROM {batch} WHERE id < 3;", 3),
        ("SELECT * FROM {batch} WHERE id < 3 -- three; rows", 3),
        ("SELECT * FROM {batch} WHERE id < 3; -- three", 3),
        ("-- first\nSELECT * FROM {batch} WHERE email = 'p1@secret.io' /* one; */ ;\n", 1),
        ("WITH b AS (SELECT * FROM {batch}) SELECT * FROM b WHERE id = 5", 1),
        ("(SELECT * FROM {batch} WHERE id = 5)", 1),
        ("FROM {batch} WHERE id = 7", 1),
        ("SELECT * FROM {batch} AS b WHERE b.id = 3", 1),
        ("SELECT * FROM {batch} b WHERE b.id = 3", 1),
        ('SELECT * FROM {batch} "the rows" WHERE "the rows".id = 3', 1),
        ("SELECT x.* FROM {batch} x JOIN t y ON x.id = y.id WHERE y.id = 3", 1),
        ("SELECT x.* FROM {batch} AS x, {batch} AS y WHERE x.id = y.id + 998", 2),
        ("SELECT * FROM {batch} WHERE regexp_matches(email, '^p[0-9]{{1}}@')", 10),
        ("SELECT id, id FROM {batch} WHERE id = 1 ORDER BY 1 LIMIT 1", 1),
        ("SELECT * FROM {batch} WHERE false", 0),
    ],
)
def test_a_query_is_taken_as_people_write_it(examiner, query, rows):
    (answer,) = ask(examiner, query)
    assert (answer.raised, answer.unexpected, answer.success) == (None, rows, rows == 0)
    assert not wrong_with(query)


def test_a_query_of_another_dialect_keeps_its_own_quotes():
    assert (
        one_query(r"SELECT * FROM {batch} WHERE a = 'x\'; y' ; # z", "bigquery")
        == r"SELECT * FROM {batch} WHERE a = 'x\'; y'"
    )


def test_errors_say_what_is_wrong_and_show_nobody(examiner):
    found = ask(
        examiner,
        "SELECT * FROM {batch} WHERE CAST(email AS INTEGER) > 1",
        "SELECT error(email) FROM {batch}",
        "SELECT * FROM {batch} WHERE strptime(email, '%Y') > '2020-01-01'",
        "SELECT * FROM {batch} WHERE (id + 2) * 9223372036854775807 > 3",
        "SELECT * FROM {batch} WHERE email::JSON->>'$.a' = 'x'",
        "SELECT * FROM {batch} WHERE nowhere = 1",
        "SELECT {'a': 1} FROM {batch}",
    )
    said = [answer.raised for answer in found]
    assert said[:6] == [
        "Conversion Error: Could not convert string '***' to INT32 when casting from source column email",
        "Invalid Input Error: its text may hold values of rows and is not shown",
        'Invalid Input Error: Could not parse string "***"',
        "Out of Range Error: Overflow in multiplication of INT64 (*** * ***)!",
        'Conversion Error: Malformed JSON at byte *** of input: unexpected character.  Input: "***" when casting from source column email',
        'Binder Error: Referenced column "nowhere" not found in FROM clause!',
    ]
    assert "double it" in said[6]
    assert not any("secret" in text for text in said)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Conversion Error: Could not convert string 'O'Brien' to INT32", "Conversion Error: Could not convert string '***' to INT32"),
        ("Conversion Error: Could not convert string 'two\nlines' to INT32", "Conversion Error: Could not convert string '***'"),
        ('OperationalError: "(_duckdb.ConversionException) Conversion Error: date field \'1.1.70\'".', "Conversion Error: date field '***'"),
        ("Out of Range Error: Cannot subtract 123.45 from -7", "Out of Range Error: Cannot subtract *** from ***"),
        ("Invalid Input Error: missing ): (a{2}", "Invalid Input Error: missing ): (a{2}"),
        ("Invalid Input Error: Anna Meier, 42", "Invalid Input Error: its text may hold values of rows and is not shown"),
        ('Parser Error: syntax error at or near "AS"', 'Parser Error: syntax error at or near "AS"'),
        ("ValidationError: 5 validation errors for X", "ValidationError: 5 validation errors for X"),
    ],
)  # fmt: skip
def test_what_duckdb_says_is_masked_unless_it_is_about_the_query(line, shown):
    from tailrace.validate.gx.errors import plain_error

    assert plain_error(line) == shown


@pytest.mark.parametrize(
    ("regex", "reason"),
    [
        ("(", "missing ): ("), ("[a", "missing ]: [a"), ("a{2,1}", "invalid repetition size: {2,1}"), ("(?=x)", "invalid perl operator: (?="),
        (r"\1", r"invalid escape sequence: \1"), ("x**", "bad repetition operator: **"), ("(*)", "no argument for repetition operator: *"),
        ("\\", "trailing \\"), ("[[:foo:]]", "invalid character class range: [:foo:]"),
    ],
)  # fmt: skip
def test_a_pattern_that_does_not_compile_is_told(examiner, regex, reason):
    asked = [
        Question(0, "t", "expect_column_values_to_match_regex", {"column": "email", "regex": regex}),
        Question(1, "t", "expect_column_values_to_match_regex", {"column": "email", "regex": "@"}),
    ]
    wrong, right = examiner.answers(asked)
    assert (wrong.success, wrong.raised) == (False, f"Invalid Input Error: {reason}")
    assert (right.success, right.raised, right.unexpected) == (True, None, 0)


def test_what_was_found_is_plain_json_without_rows(examiner):
    asked = [
        Question(0, "t", "expect_column_values_to_match_regex", {"column": "email", "regex": "^p[0-8]"}),
        Question(1, "t", "expect_column_distinct_values_to_be_in_set", {"column": "email", "value_set": ["p1@secret.io"]}),
        Question(2, "t", "expect_column_quantile_values_to_be_between", {"column": "id", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 9]]}}),
        Question(3, "t", "expect_column_max_to_be_between", {"column": "id", "max_value": 5}),
        Question(4, "t", KIND, {"unexpected_rows_query": "SELECT * FROM {batch} WHERE id < 3"}),
        Question(5, "t", "expect_column_values_to_be_unique", {"column": "id"}),
    ]  # fmt: skip
    found = examiner.answers(asked)
    results = [answer.result for answer in found]
    assert json.loads(json.dumps(results)) == results
    assert results[0] == {
        "element_count": 1000,
        "unexpected_count": 111,
        "unexpected_percent": 11.1,
        "missing_count": 0,
        "missing_percent": 0.0,
        "unexpected_percent_total": 11.1,
        "unexpected_percent_nonmissing": 11.1,
    }
    assert results[1:5] == [
        {"unexpected_count": 999},
        {"observed_value": {"quantiles": [0.5], "values": [499]}, "details": {"success_details": [False]}},
        {"observed_value": 999},
        {"observed_value": 3},
    ]
    # of 999 values that are not in the set no row is meant
    assert [answer.unexpected for answer in found] == [111, None, None, None, 3, None]
    assert found[1].observed == "999 unexpected values"
    assert not any("secret" in str(answer) for answer in found)


def test_two_expectations_on_a_columns_quantiles_get_a_number_each(examiner):
    asked = [
        Question(
            number,
            "t",
            "expect_column_quantile_values_to_be_between",
            {"column": "id", "quantile_ranges": {"quantiles": [share], "value_ranges": [[None, None]]}},
        )
        for number, share in enumerate((0.1, 0.5, 0.9))
    ]
    seen = [answer.result["observed_value"]["values"] for answer in examiner.answers(asked)]
    assert seen == [examiner.answers([one])[0].result["observed_value"]["values"] for one in asked]
    assert len({str(values) for values in seen}) == 3


def test_a_colon_in_a_query_is_no_parameter(examiner):
    query = "SELECT * FROM {batch} WHERE ':x' <> ':y' AND TIME '10:00' < TIME '11:00' AND id::VARCHAR = '1'"
    kwargs = {"unexpected_rows_query": query}
    answer = examiner.answers([Question(0, "t", "unexpected_rows_expectation", kwargs)])[0]
    assert (answer.raised, answer.unexpected) == (None, 1)


def test_many_distinct_values_are_counted_in_parts(warehouse, examiner, monkeypatch):
    from tailrace.validate.gx import metrics

    warehouse.execute(
        "CREATE TEMP VIEW v AS SELECT *, CASE WHEN id = 0 THEN 'p7@secret.io' WHEN id < 9 THEN NULL ELSE email END AS mail FROM t"
    )
    asked = [
        Question(0, "v", "expect_column_unique_value_count_to_be_between", {"column": "email", "min_value": 1000}),
        Question(1, "v", "expect_column_unique_value_count_to_be_between", {"column": "mail", "max_value": 992}),
        Question(2, "v", "expect_column_values_to_be_unique", {"column": "mail"}),
        Question(3, "v", "expect_column_values_to_be_unique", {"column": "email"}),
    ]  # fmt: skip
    asked_of: list[str] = []
    monkeypatch.setattr(metrics, "IN_ONE_PASS", 90)
    run = type(examiner._source.get_engine().raw_connection().dbapi_connection).run
    monkeypatch.setattr(
        "tailrace.validate.gx.dialect._Connection.run",
        lambda self, cursor, sql, parameters: asked_of.append(sql) or run(self, cursor, sql, parameters),
    )
    found = examiner.answers(asked)
    assert [answer.observed for answer in found[:2]] == ["1000", "992"]
    assert [answer.success for answer in found] == [True, True, True, True]
    assert max(sql.count("count(DISTINCT") for sql in asked_of) >= 10
    # a parameter is signed, which would make the remainder one of 128 bits
    assert not any("% ?" in sql for sql in asked_of)


def test_only_the_rows_that_are_looked_at_are_fetched(warehouse, examiner):
    """The package reads 200 rows of a suite's query; the others never become Python's."""
    from tailrace.validate.gx.dialect import engine_over

    with engine_over(warehouse.native()).connect() as connection:
        result = connection.exec_driver_sql("SELECT a.id, b.email FROM t a, t b, t c")
        assert len(result.fetchmany(200)) == 200
        other = connection.exec_driver_sql("SELECT 1")
        with pytest.raises(Exception, match="another query has begun"):
            result.fetchmany(1)
        assert other.fetchall() == [(1,)]
    (answer,) = ask(examiner, "SELECT a.* FROM {batch} a, t b, range(5) c")
    assert answer.unexpected == 5_000_000


SCRIPT = """
import signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it starts in the background
from tailrace.validate.assess import great_expectations
from tailrace.validate.question import Question
from tailrace.warehouse.duckdb import DuckDBWarehouse
warehouse = DuckDBWarehouse(None)
warehouse.execute("CREATE TABLE t AS SELECT range AS id FROM range(100000)")
examiner = great_expectations(warehouse.native())
def ask(query):
    return examiner.answers([Question(0, "t", "unexpected_rows_expectation", {"unexpected_rows_query": query})])[0]
ask("SELECT nowhere FROM {batch}")
ask("SELECT * FROM t")
ask("SELECT * FROM {batch} WHERE id > 5")
if sys.argv[1:]:
    print("ready", flush=True)
    print(ask("SELECT 1 FROM range(1000000000000) r(n), {batch} b WHERE b.id = 1 AND r.n % 7 = 9"))
assert threading.enumerate() == [threading.main_thread()]
"""


def test_nothing_is_printed_and_no_thread_is_left():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


EVERYTHING = """
import threading
from tests.unit.validate.cases import CASES, TABLE
from tailrace.validate.assess import great_expectations
from tailrace.validate.question import Question
from tailrace.warehouse.duckdb import DuckDBWarehouse
warehouse = DuckDBWarehouse(None)
warehouse.execute(TABLE)
kl, moved = "expect_column_kl_divergence_to_be_less_than", {"bins": [0, 10, 1000], "weights": [0.9, 0.1]}
asked = [(kind, kwargs) for kind, kwargs, wanted in CASES]
asked += [(kl, {"column": "score", "threshold": 0.1, **more}) for more in ({}, {"partition_object": moved}, {"partition_object": {}})]
asked += [(kind, {"column": "email", "min_value": 1}) for kind, _ in asked if kind.endswith("_to_be_between")]
found = great_expectations(warehouse.native()).answers([Question(n, "t", *one) for n, one in enumerate(asked)])
assert not found[len(CASES) + 1].success and found[len(CASES) + 1].raised is None
assert threading.enumerate() == [threading.main_thread()]
"""


def test_no_expectation_prints_anything():
    done = subprocess.run([sys.executable, "-c", EVERYTHING], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_ctrl_c_ends_the_judgement_and_is_no_finding():
    """The engine looks for it between two tasks, so the query is one of many small ones."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "wait"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=20)
    finally:
        process.kill()
    assert out == ""
    assert error.rstrip().endswith("KeyboardInterrupt")


class _Interrupted:
    """The real examiner, and a Ctrl-C that arrives while the rows to hold back are named."""

    def __init__(self, native) -> None:
        from tailrace.validate.assess import great_expectations

        self._real = great_expectations(native)

    def answers(self, questions):
        return self._real.answers(questions)

    def failing_rows(self, question, columns=()):
        interrupts._ASKED.set()
        raise RuntimeError("Query interrupted")


def test_a_judgement_that_was_interrupted_is_not_written(warehouse):
    table = staged(warehouse, "SELECT range AS id, range AS score FROM range(1000)")
    wanted = suite(between("quarantine", max_value=990))
    try:
        with pytest.raises(KeyboardInterrupt):
            judge(warehouse, wanted, table, run_id="r", now=Clock(), examiner=_Interrupted)
    finally:
        interrupts._ASKED.clear()
    assert standing(warehouse, wanted, table, Clock()()).verdict is None
    verdict, _ = judge(warehouse, wanted, table, run_id="r", now=Clock())
    assert (verdict.reused, verdict.decision, verdict.quarantined) == (False, "pass", 9)
