"""What each rule proposes for planted rows, and what it leaves alone."""

from __future__ import annotations

import pytest
from tests.unit.validate.suggest.proposing import NOW, about, one, proposed, read_back, table

from tailrace.validate.suggest.subject import Key, Parent
from tailrace.warehouse.base import TableRef

BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
UNIQUE = "expect_column_values_to_be_unique"
COMPOUND = "expect_compound_columns_to_be_unique"
IN_SET = "expect_column_values_to_be_in_set"
MATCH = "expect_column_values_to_match_regex"
LENGTHS = "expect_column_value_lengths_to_be_between"
PAIR = "expect_column_pair_values_a_to_be_greater_than_b"


def bounds(item) -> tuple:
    return item.kwargs.get("min_value"), item.kwargs.get("max_value")


def test_rows_and_key_block_and_sent_facts_quarantine_and_the_rest_warns(warehouse):
    rows = (
        "SELECT range AS contact_id, range % 98 AS score, range % 98 AS visits, 'A' AS grade FROM range(500)"
    )
    found = proposed(warehouse, rows, key="contact_id", sent=["contact_id", "score"])
    weights = {(p.type, p.columns): (p.severity, p.on_fail) for p in found.proposals}
    assert weights[("expect_table_row_count_to_be_between", ())] == ("critical", "block")
    assert weights[UNIQUE, ("contact_id",)] == weights[NOT_NULL, ("contact_id",)] == ("critical", "block")
    assert weights[BETWEEN, ("score",)] == weights[NOT_NULL, ("score",)] == ("critical", "quarantine")
    blocking = {key for key, weight in weights.items() if weight != ("warning", "warn")}
    assert {columns for _, columns in blocking} == {(), ("contact_id",), ("score",)}
    assert {p.on_fail for p in proposed(warehouse, rows, key="contact_id").proposals} == {"block", "warn"}


@pytest.mark.parametrize(
    ("column", "sql", "expected"),
    [
        ("score", "range % 98", (0, 100)),
        ("lead_score", "range % 300", (0, 1000)),
        ("win_percent", "range % 41", (0, 100)),
        ("open_rate", "range / 1000.0", (0, 1)),
        ("rate", "1 + range / 1000.0", (0, 5)),
        ("cost", "range % 321 / 10.0", (0, 100)),
        ("clicks", "range % 641", (0, 2000)),
        ("revenue", "CAST(range % 641 AS DECIMAL(18,2))", (0, 2000)),
        ("margin", "range % 400 - 97", (-200, 1000)),
        ("hour", "range % 24", (0, 23)),
        ("latitude", "range % 70 - 20.5", (-90, 90)),
    ],
)
def test_ranges_are_rounded_outward_or_natural(warehouse, column, sql, expected):
    found = proposed(warehouse, f"SELECT {sql} AS {column} FROM range(700)")
    assert bounds(one(found, BETWEEN, column)) == expected


@pytest.mark.parametrize("column", ["contact_id", "zip", "year", "id", "phone", "version"])
def test_ids_codes_and_years_have_no_range(warehouse, column):
    assert about(proposed(warehouse, f"SELECT 1000 + range % 50 AS {column} FROM range(200)"), BETWEEN) == []


def test_a_natural_bound_is_a_fact_and_how_far_it_goes_a_guess(warehouse):
    rows = "SELECT range AS id, range % 641 AS clicks FROM range(700)"
    lower, upper = about(proposed(warehouse, rows, key="id", sent=["clicks"]), BETWEEN, "clicks")
    assert (bounds(lower), lower.on_fail) == ((0, None), "quarantine")
    assert (bounds(upper), upper.on_fail) == ((None, 2000), "warn")


def test_dates_begin_with_a_year_and_sentinels_are_told(warehouse):
    rows = """SELECT DATE '2024-03-05' + CAST(range % 300 AS INTEGER) AS day, TIMESTAMP '2024-03-05' + INTERVAL (range) HOUR AS created_at,
      CASE WHEN range = 7 THEN DATE '1970-01-01' ELSE DATE '2024-03-05' END AS closed,
      CASE WHEN range = 7 THEN DATE '9999-12-31' ELSE DATE '2024-03-05' END AS valid_to FROM range(300)"""
    found = proposed(warehouse, rows)
    assert (
        bounds(one(found, BETWEEN, "day"))
        == bounds(one(found, BETWEEN, "created_at"))
        == ("2023-01-01", None)
    )
    assert about(found, BETWEEN, "closed") == []
    assert [text for text in found.remarks if "stand-in for no date" in text and text.startswith("closed")]
    assert [text for text in found.remarks if "stand-in for no end" in text and text.startswith("valid_to")]


def test_nulls_by_how_often_they_were_seen(warehouse):
    rows = """SELECT 1 AS never, CASE WHEN range >= 3 THEN 1 END AS rarely, CASE WHEN range % 2 = 0 THEN 1 END AS often,
      CAST(NULL AS VARCHAR) AS always FROM range(1000)"""
    found = proposed(warehouse, rows)
    assert one(found, NOT_NULL, "never").kwargs == {"column": "never"}
    assert one(found, NOT_NULL, "rarely").kwargs == {"column": "rarely", "mostly": 0.99}
    assert one(found, NOT_NULL, "rarely").reason == "3 NULL of 1,000 (0.30%)"
    assert about(found, NOT_NULL, "often") == about(found, NOT_NULL, "always") == []
    assert "always NULL: always" in found.remarks


def test_sets_of_what_comes_again_and_again_and_of_nothing_that_people_make_up(warehouse):
    rows = """SELECT ['A', 'B', 'C'][1 + range % 3] AS grade, 'value ' || range AS note, ['lead', 'won'][1 + range % 2] AS stage,
      ['Summer', 'Winter'][1 + range % 2] AS campaign_name, ['PAID', 'ORGANIC'][1 + range % 2] AS source,
      CASE WHEN range < 15 THEN 'rare ' || range ELSE 'usual' END AS status, 1 + range % 5 AS rating, false AS is_late FROM range(300)"""
    found = proposed(warehouse, rows)
    sets = {item.columns[0]: item.kwargs["value_set"] for item in about(found, IN_SET)}
    assert sets == {
        "grade": ["A", "B", "C"], "stage": ["lead", "won"], "source": ["ORGANIC", "PAID"], "rating": [1, 2, 3, 4, 5], "is_late": [False],
    }  # fmt: skip
    assert one(found, IN_SET, "stage").reason.startswith("seen: lead 150, won 150; 0 NULL of 300")
    assert {item.severity for item in about(found, IN_SET)} == {"warning"}


FORMS = {
    "email": "'u' || range || '@example.com'",
    "link": "'https://example.com/p/' || range",
    "domain": "'shop' || range || '.example.co.uk'",
    "ref": "CAST(uuid() AS VARCHAR)",
    "currency": "['USD', 'EUR'][1 + range % 2]",
    "country": "['US', 'DE'][1 + range % 2]",
    "phone": "'+49 30 ' || (100000 + range)",
    "day_text": "strftime(DATE '2026-01-01' + CAST(range AS INTEGER), '%Y-%m-%d')",
    "at_text": "strftime(TIMESTAMP '2026-01-01' + INTERVAL (range) HOUR, '%Y-%m-%dT%H:%M:%SZ')",
    "us_day": "strftime(DATE '2026-01-01' + CAST(range AS INTEGER), '%m/%d/%Y')",
    "time_zone": "['UTC', 'America/New_York'][1 + range % 2]",
    "customer_id": "'cus_' || md5(CAST(range AS VARCHAR))[1:14]",
    "deal_id": "CAST(9000000000 + range AS VARCHAR)",
}


@pytest.fixture
def forms(warehouse):
    table(warehouse, f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in FORMS.items())} FROM range(200)")
    return proposed(warehouse)


@pytest.mark.parametrize("column", FORMS)
def test_forms_are_found_and_match_in_both_engines(warehouse, forms, column):
    item = one(forms, MATCH, column)
    regex = item.kwargs["regex"]
    assert "mostly" not in item.kwargs
    assert "(?" not in regex
    assert warehouse.query(
        f"SELECT count(*) FROM marts.leads WHERE NOT regexp_matches({column}, ?)", [regex]
    ) == [(0,)]
    assert warehouse.query("SELECT regexp_matches(?, ?)", ["no such thing! ", regex]) == [(False,)]


@pytest.mark.parametrize(
    ("wrong", "mostly", "remark"), [(0, None, ""), (2, 0.99, ""), (30, "none", "97.0%"), (200, "none", "")]
)
def test_a_form_is_expected_from_99_percent_on(warehouse, wrong, mostly, remark):
    rows = f"SELECT CASE WHEN range < {wrong} THEN 'oops' ELSE 'https://x.io/' || range END AS link FROM range(1000)"
    found = proposed(warehouse, rows)
    items = about(found, MATCH, "link")
    assert [item.kwargs.get("mostly") for item in items] == ([] if mostly == "none" else [mostly])
    assert bool([text for text in found.remarks if remark and remark in text]) is bool(remark)


def test_lengths_of_ids_and_of_what_is_sent(warehouse):
    rows = """SELECT range AS id, 'Text of ' || range AS reasons, 'Other text ' || range AS other, md5(CAST(range AS VARCHAR))[1:9] || '!' AS code
      FROM range(100)"""
    found = proposed(warehouse, rows, key="id", sent=["reasons"])
    assert bounds(one(found, LENGTHS, "reasons")) == (1, 20)
    assert bounds(one(found, LENGTHS, "code")) == (10, 10)
    assert about(found, LENGTHS, "other") == []


def test_pairs_only_where_true_of_every_row(warehouse):
    rows = """SELECT TIMESTAMP '2026-01-01' + INTERVAL (range) HOUR AS created_at, TIMESTAMP '2026-01-02' + INTERVAL (range) HOUR AS updated_at,
      DATE '2026-01-05' AS start_date, DATE '2026-01-05' + CAST(range % 9 - 1 AS INTEGER) AS end_date, range AS clicks, range * 3 AS impressions,
      CASE WHEN range % 4 = 0 THEN NULL ELSE range * 2 END AS sessions, range AS engaged_sessions FROM range(100)"""
    found = proposed(warehouse, rows)
    pairs = {item.columns: item.kwargs.get("ignore_row_if") for item in about(found, PAIR)}
    assert pairs == {
        ("updated_at", "created_at"): None, ("impressions", "clicks"): None, ("sessions", "engaged_sessions"): "either_value_is_missing",
    }  # fmt: skip


def test_sums_that_hold_in_every_row(warehouse):
    rows = """SELECT range % 40 AS fit, range % 7 AS engagement, range % 11 AS recency, range % 40 + range % 7 + range % 11 AS score,
      CAST(range % 13 AS DOUBLE) / 3 AS net, CAST(range % 5 AS DOUBLE) / 7 AS tax,
      CAST(range % 13 AS DOUBLE) / 3 + CAST(range % 5 AS DOUBLE) / 7 + CASE WHEN range = 4321 THEN 1 ELSE 0 END AS gross FROM range(5000)"""
    found = proposed(warehouse, rows)
    (item,) = about(found, "unexpected_rows_expectation")
    assert item.description == "score is not fit + engagement + recency"
    wrong = item.kwargs["unexpected_rows_query"].replace("{batch}", "marts.leads")
    assert warehouse.query(f"SELECT count(*) FROM ({wrong})") == [(0,)]
    fixed = proposed(warehouse, rows.replace("= 4321", "= 99999"))
    assert [item.description for item in about(fixed, "unexpected_rows_expectation")] == [
        "score is not fit + engagement + recency", "gross is not net + tax",
    ]  # fmt: skip


def test_a_declared_key_that_is_none_is_told_and_another_found(warehouse):
    rows = "SELECT range % 90 AS contact_id, range AS id FROM range(100)"
    found = proposed(warehouse, rows, key="contact_id")
    assert found.key == "id"
    assert found.remarks[0].startswith("contact_id is the key, says sync crm, but 10 of 100 rows repeat it")
    lost = proposed(warehouse, "SELECT 1 AS a FROM range(100)", key="b")
    assert lost.key is None
    assert "no such column" in lost.remarks[0]


def test_only_what_is_called_a_key_is_taken_for_one(warehouse):
    sure = proposed(warehouse, "SELECT range AS lead_id, range % 7 AS owner_id FROM range(100)")
    assert (sure.key, one(sure, UNIQUE, "lead_id").on_fail) == ("lead_id", "block")
    guess = proposed(warehouse, "SELECT range AS contact_id, range % 7 AS owner_id FROM range(100)")
    assert (guess.key, one(guess, UNIQUE, "contact_id").on_fail) == (None, "warn")
    bridge = proposed(warehouse, "SELECT range AS deal_id, range + 5 AS contact_id FROM range(100)")
    item = one(bridge, COMPOUND)
    assert (bridge.key, item.columns, item.on_fail) == (None, ("deal_id", "contact_id"), "block")


def test_the_smallest_set_of_columns_that_tells_rows_apart(warehouse):
    rows = """SELECT DATE '2026-01-01' + CAST(range % 60 AS INTEGER) AS day, 1 + (range // 60) % 5 AS campaign_id, range % 3 AS clicks,
      'acc' AS account_id FROM range(300)"""
    item = one(proposed(warehouse, rows), COMPOUND)
    assert (item.columns, item.on_fail) == (("day", "campaign_id"), "block")
    rows = """SELECT DATE '2026-01-01' + CAST(range % 60 AS INTEGER) AS day, ['Email', 'Direct', 'Paid'][1 + (range // 60) % 3] AS channel
      FROM range(180)"""
    item = one(proposed(warehouse, rows), COMPOUND)
    assert (item.columns, item.on_fail) == (("day", "channel"), "warn")
    declared = proposed(warehouse, rows, keys=(Key(("channel", "day"), "unique_key"),))
    assert (one(declared, COMPOUND).kwargs, one(declared, COMPOUND).on_fail) == (
        {"column_list": ["channel", "day"]},
        "block",
    )


@pytest.mark.parametrize(
    ("ages", "allowed"),
    [
        ("INTERVAL (range) HOUR", "48h"),
        ("INTERVAL (range + 30) HOUR", "72h"),
        ("INTERVAL (40 + range) DAY", None),
    ],
)
def test_freshness_leaves_room_for_the_usual_pause(warehouse, ages, allowed):
    rows = f"SELECT TIMESTAMP '{NOW:%Y-%m-%d %H:%M}' - {ages} AS updated_at FROM range(100)"
    found = proposed(warehouse, rows)
    assert [item.kwargs for item in about(found, "fresh")] == (
        [{"column": "updated_at", "max_age": allowed}] if allowed else []
    )
    assert bool([text for text in found.remarks if "nothing is expected of how fresh" in text]) is (
        allowed is None
    )


def test_days_by_group_where_none_is_missing(warehouse):
    rows = """SELECT DATE '2026-11-20' - CAST(range % 60 AS INTEGER) AS day, ['google_ads', 'meta_ads'][1 + range // 60] AS platform,
      1.5 AS cost FROM range(120)"""
    item = one(proposed(warehouse, rows), "no_missing_days")
    assert item.kwargs == {"column": "day", "by": ["platform"], "last": "30d", "max_missing": 1}
    paused = f"{rows} WHERE NOT (range >= 60 AND range % 60 < 20)"
    assert one(proposed(warehouse, paused), "no_missing_days").kwargs == {
        "column": "day",
        "last": "30d",
        "max_missing": 1,
    }
    short = rows.replace("range % 60", "range % 20")
    assert one(proposed(warehouse, short), "no_missing_days").kwargs["last"] == "14d"
    old = rows.replace("2026-11-20", "2026-09-20")
    assert about(proposed(warehouse, old), "no_missing_days") == []


def test_references_into_models_that_have_every_value_once(warehouse):
    campaigns, twice = TableRef("marts", "campaigns"), TableRef("marts", "stats")
    table(warehouse, "SELECT range AS id, range AS campaign_id FROM range(10)", ref=campaigns)
    table(warehouse, "SELECT range % 10 AS campaign_id FROM range(100)", ref=twice)
    parents = (
        Parent("stats", twice, ("campaign_id",)),
        Parent("campaigns", campaigns, ("id", "campaign_id")),
    )
    rows = "SELECT range AS lead_id, range % 10 AS campaign_id, range % 11 AS company_id FROM range(100)"
    found = proposed(warehouse, rows, parents=parents)
    assert [item.kwargs for item in about(found, "exists_in")] == [
        {"column": "campaign_id", "table": "campaigns", "to_column": "campaign_id"}
    ]
    by_name = (Parent("stg_x__campaigns", campaigns, ("id",)),)
    assert one(proposed(warehouse, parents=by_name), "exists_in").kwargs["to_column"] == "id"
    orphan = proposed(warehouse, rows.replace("range % 10 AS", "range % 12 AS"), parents=parents)
    assert about(orphan, "exists_in") == []


def test_what_the_vendor_is_matched_by_is_unique_or_told(warehouse):
    rows = "SELECT range AS id, 'u' || range % {} || '@x.io' AS email FROM range(100)"
    found = proposed(warehouse, rows.format(100), key="id", sent=["email"], matched=["email"])
    assert one(found, UNIQUE, "email").on_fail == "warn"
    found = proposed(warehouse, rows.format(99), key="id", sent=["email"], matched=["email"])
    assert about(found, UNIQUE, "email") == []
    assert "email: the sync matches by it, and 1 of 100 values repeat" in found.remarks


def test_drift_is_watched_in_numbers_that_are_sent(warehouse):
    rows = "SELECT range AS id, range % 98 AS score, range % 50 AS fit FROM range(200)"
    assert [
        item.columns for item in about(proposed(warehouse, rows, key="id", sent=["id", "score"]), "no_drift")
    ] == [("score",)]
    assert about(proposed(warehouse, rows, key="id"), "no_drift") == []


def test_a_sample_says_so_and_counts_what_stops_in_all_rows(warehouse):
    rows = """SELECT range AS id, CASE WHEN range = 99999 THEN NULL ELSE 1 END AS filled, range AS clicks, ['a', 'b'][1 + range % 2] AS kind
      FROM range(100000)"""
    found = proposed(warehouse, rows, limit=500, key="id", sent=["filled"])
    assert (found.rows, found.looked_at, found.sampled) == (100_000, 500, True)
    assert one(found, NOT_NULL, "filled").kwargs["mostly"] == 0.999
    assert "100,000 different values in 100,000 rows" in one(found, UNIQUE, "id").reason
    assert one(found, BETWEEN, "clicks").reason.startswith("seen: 0 to 99,999")
    assert proposed(warehouse, limit=500, key="id", sent=["filled"]) == found
    repeated = proposed(warehouse, f"{rows} UNION ALL SELECT 5, 1, 1, 'a'", limit=500, key="id")
    assert repeated.key is None
    read_back(found)


def test_rows_that_are_all_alike_can_be_sampled(warehouse):
    found = proposed(warehouse, "SELECT 'EUR' AS currency, 'A' AS grade FROM range(100000)", limit=1500)
    assert (found.looked_at, one(found, IN_SET, "grade").kwargs["value_set"]) == (1500, ["A"])


def test_a_wide_table_is_asked_in_few_statements(warehouse):
    asked: list[str] = []
    ask = warehouse.query
    table(
        warehouse,
        f"SELECT range AS id, {', '.join(f'range AS clicks_{n}' for n in range(300))} FROM range(50)",
    )
    warehouse.query = lambda sql, params=(): (asked.append(sql), ask(sql, params))[1]
    assert len(about(proposed(warehouse), BETWEEN)) == 300
    assert len(asked) <= 20
