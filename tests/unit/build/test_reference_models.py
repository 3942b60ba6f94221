"""The reference project's models over a warehouse filled by hand: every number here was worked out on paper."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tailrace.build.compile import compile_project
from tailrace.build.run import build
from tailrace.project.load import load_project
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OURS = ("lead_score", "lead_grade", "lead_score_reasons")

TABLES = {
    "hubspot.contacts": "id VARCHAR, email VARCHAR, firstname VARCHAR, lastname VARCHAR, jobtitle VARCHAR, company VARCHAR, country VARCHAR,"
    " lifecyclestage VARCHAR, createdate TIMESTAMP, lastmodifieddate TIMESTAMP, hs_analytics_source VARCHAR, hs_analytics_source_data_1 VARCHAR,"
    " hs_analytics_first_touch_converting_campaign VARCHAR, hs_analytics_num_page_views DOUBLE, hs_analytics_num_visits DOUBLE,"
    " hs_analytics_last_timestamp TIMESTAMP, hs_email_open DOUBLE, hs_email_click DOUBLE, hs_email_optout BOOLEAN, num_conversion_events DOUBLE,"
    " notes_last_contacted TIMESTAMP, associatedcompanyid VARCHAR, annualrevenue DOUBLE, numemployees VARCHAR",
    "hubspot.companies": "id VARCHAR, name VARCHAR, domain VARCHAR, industry VARCHAR, numberofemployees DOUBLE, annualrevenue DOUBLE,"
    " country VARCHAR, createdate TIMESTAMP",
    "hubspot.deals": "id VARCHAR, dealname VARCHAR, amount DOUBLE, deal_currency_code VARCHAR, dealstage VARCHAR, pipeline VARCHAR,"
    " closedate TIMESTAMP, createdate TIMESTAMP, hs_is_closed_won BOOLEAN",
    "hubspot.deals_contacts": "from_id VARCHAR, to_id VARCHAR, type_id VARCHAR",
    "google_ads.campaigns": "customer_id VARCHAR, campaign_id VARCHAR, campaign_name VARCHAR, campaign_status VARCHAR,"
    " campaign_advertising_channel_type VARCHAR",
    "google_ads.campaign_stats": "customer_id VARCHAR, customer_currency_code VARCHAR, customer_time_zone VARCHAR, campaign_id VARCHAR,"
    " segments_date DATE, metrics_cost_micros BIGINT, metrics_impressions BIGINT, metrics_clicks BIGINT, metrics_conversions DOUBLE,"
    " metrics_conversions_value DOUBLE",
    "meta_ads.campaigns": "id VARCHAR, name VARCHAR",
    "meta_ads.campaign_insights": "account_id VARCHAR, account_currency VARCHAR, account_timezone_name VARCHAR, campaign_id VARCHAR,"
    " date_start DATE, spend DOUBLE, impressions BIGINT, clicks BIGINT",
    "linkedin_ads.campaigns": "id VARCHAR, name VARCHAR",
    "linkedin_ads.campaign_analytics": "account_id VARCHAR, account_currency VARCHAR, account_time_zone VARCHAR, campaign_id VARCHAR,"
    ' date DATE, "costInLocalCurrency" DOUBLE, impressions BIGINT, clicks BIGINT',
    "ga4.sessions": "property_id VARCHAR, date DATE, sessionSource VARCHAR, sessionMedium VARCHAR, sessionCampaignName VARCHAR,"
    " sessionDefaultChannelGroup VARCHAR, sessions BIGINT, engagedSessions BIGINT, newUsers BIGINT, keyEvents DOUBLE, screenPageViews BIGINT",
}  # fmt: skip


class Filled:
    def __init__(self):
        self.project = load_project(ROOT)
        self.warehouse = DuckDBWarehouse(None)
        for table, columns in TABLES.items():
            self.warehouse.ensure_schema(table.partition(".")[0])
            self.warehouse.execute(f"CREATE TABLE {table} ({columns})")

    def add(self, table, **values):
        names = ", ".join(values)
        self.warehouse.execute(
            f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})", list(values.values())
        )

    def contact(self, key, **values):
        self.add("hubspot.contacts", id=key, **{"createdate": datetime(2026, 11, 1, 12), **values})

    def won(self, key, amount, currency, closed, *contacts):
        self.add(
            "hubspot.deals",
            id=key,
            amount=amount,
            deal_currency_code=currency,
            closedate=closed,
            hs_is_closed_won=True,
        )
        for contact in contacts:
            for label in ("3", "17"):
                self.add("hubspot.deals_contacts", from_id=key, to_id=contact, type_id=label)

    def spent(self, day, micros, currency="USD", customer="1", campaign="c"):
        self.add(
            "google_ads.campaign_stats", customer_id=customer, customer_currency_code=currency, customer_time_zone="UTC",
            campaign_id=campaign, segments_date=day, metrics_cost_micros=micros, metrics_clicks=3, metrics_impressions=9,
        )  # fmt: skip

    def edit(self, model, old, new):
        """As a person would edit the file; the file stays as it is."""
        [found] = [other for other in self.project.models if other.name == model]
        assert old in found.sql
        edited = replace(found, sql=found.sql.replace(old, new))
        models = tuple(edited if other is found else other for other in self.project.models)
        self.project = replace(self.project, models=models)

    def build(self):
        self.graph = graph = compile_project(self.project, now=NOW, cache_dir=None)
        found = build(self.warehouse, graph, set(graph.nodes), root=ROOT, run_id="r", now=lambda: NOW)
        assert {result.status for result in found} == {"ok"}, [result.error for result in found]

    def rows(self, sql):
        return self.warehouse.query(sql)


@pytest.fixture
def filled():
    found = Filled()
    yield found
    found.warehouse.close()


def test_every_model_and_column_is_described_and_the_personal_ones_are_marked(filled):
    filled.build()
    graph = compile_project(filled.project, now=NOW, cache_dir=None)
    for model in filled.project.models:
        described = {column.name: column for column in model.columns}
        columns = filled.warehouse.columns(graph.nodes[model.name].table)
        assert model.description, model.name
        assert list(columns) == list(graph.nodes[model.name].columns or ()), (
            f"{model.name}: what check knows is what is built"
        )
        assert set(described) == set(columns), model.name
        assert all(column.description for column in described.values()), model.name
        for name in {"email", "full_name", "job_title", "reasons"} & set(columns):
            assert described[name].pii, f"{model.name}.{name}"


def test_no_model_reads_what_our_sync_writes(filled):
    for model in filled.project.models:
        code = "\n".join(line.partition("--")[0] for line in model.sql.splitlines())
        assert not any(name in code for name in OURS), model.name


def test_a_score_is_the_sum_of_its_explained_parts(filled):
    filled.add("hubspot.companies", id="9", industry="COMPUTER_SOFTWARE")
    filled.contact(
        "1", email=" Ann@Example.COM ", jobtitle="VP Operations", lifecyclestage="customer", numemployees="1000+", annualrevenue=6e6,
        associatedcompanyid="9", hs_analytics_num_visits=9.0, hs_email_open=30.0, hs_email_click=1.0, num_conversion_events=1.0,
        hs_analytics_last_timestamp=datetime(2026, 11, 19), hs_analytics_source="PAID_SEARCH",
        hs_analytics_first_touch_converting_campaign="Brand",
    )  # fmt: skip
    filled.contact("2", jobtitle="Analyst", hs_email_optout=True, notes_last_contacted=datetime(2026, 10, 25))
    filled.contact("3", email="", hs_analytics_num_visits=1.0)
    filled.build()
    names = (
        "contact_id, email, is_customer, consent_marketing, fit, engagement, recency, score, grade, reasons"
    )
    assert filled.rows(f"SELECT {names} FROM marts.lead_scores ORDER BY 1") == [
        ("1", "ann@example.com", True, True, 40, 31, 20, 91, "A",
         "decides: VP Operations; 1000+ employees; filled 1 form; 9 visits; opened 30 e-mails; seen in the last week"),
        ("2", None, False, False, 5, 0, 14, 19, "D", "seen in the last month"),
        ("3", None, False, True, 0, 2, 0, 2, "D", "1 visit; never seen"),
    ]  # fmt: skip
    assert filled.rows(
        "SELECT first_touch_source, first_touch_campaign FROM marts.lead_scores WHERE contact_id = '1'"
    ) == [("PAID_SEARCH", "Brand")]


def test_titles_that_decide_are_words_and_not_letters(filled):
    titles = [
        "CEO",
        "Chief of Staff",
        "VP",
        "Head of Sales",
        "IT Director",
        "Co-Founder",
        "Product Owner",
        "Provost",
        "Homeowner",
        "Scoot",
    ]
    for index, title in enumerate(titles):
        filled.contact(str(index), jobtitle=title)
    filled.build()
    deciding = filled.rows(
        "SELECT contact_id FROM marts.lead_scores WHERE reasons LIKE '%decides%' ORDER BY 1"
    )
    assert [titles[int(key)] for (key,) in deciding] == titles[:7]


def test_dirty_emails_stay_visible(filled):
    for index, email in enumerate(("jane@@x", "  UP@x.de", "=cmd|x", "ümlaut@x.de")):
        filled.contact(str(index), email=email)
    filled.build()
    assert filled.rows("SELECT email FROM marts.lead_scores ORDER BY contact_id") == [
        ("jane@@x",),
        ("up@x.de",),
        ("=cmd|x",),
        ("ümlaut@x.de",),
    ]


def test_the_score_keeps_within_its_bounds(filled):
    for index in range(60):
        filled.contact(
            str(index), jobtitle="CEO" if index % 2 else None, numemployees="1000+", annualrevenue=1e9 * (index % 3),
            hs_analytics_num_visits=float(index * 5), hs_email_open=float(index), hs_email_click=float(index), num_conversion_events=float(index),
            hs_analytics_last_timestamp=datetime(2026, 11, 30 - index % 30),
        )  # fmt: skip
    filled.build()
    assert filled.rows(
        "SELECT max(fit) <= 40, max(engagement) = 40, max(recency) = 20, max(score) <= 100, min(score) >= 0, min(length(reasons)) > 0,"
        " bool_and(score = fit + engagement + recency), count(*) FROM marts.lead_scores"
    ) == [(True, True, True, True, True, True, True, 60)]


def test_spend_is_converted_at_its_months_rate_and_a_missing_rate_is_not_zero(filled):
    rates = dict(filled.warehouse.query(
        f"SELECT currency, usd_per_unit FROM read_csv('{ROOT}/seeds/exchange_rates.csv') WHERE month = DATE '2026-10-01'"
    ))  # fmt: skip
    for customer, currency in (("1", "USD"), ("2", "EUR"), ("3", "SEK")):
        filled.spent(date(2026, 10, 31), 2_500_000, currency, customer)
    filled.add("google_ads.campaigns", customer_id="2", campaign_id="c", campaign_name="Marke")
    filled.build()
    found = filled.rows(
        "SELECT account_id, campaign_name, CAST(cost AS DOUBLE), cost_reporting, rate_missing FROM marts.daily_campaign_spend ORDER BY 1"
    )
    assert found == [
        ("1", None, 2.5, 2.5, False),
        ("2", "Marke", 2.5, pytest.approx(2.5 * rates["EUR"]), False),
        ("3", None, 2.5, None, True),
    ]


def test_channel_performance_counts_everything_once(filled):
    paid = {"hs_analytics_source": "PAID_SEARCH", "hs_analytics_first_touch_converting_campaign": "Brand"}
    filled.contact("a", createdate=datetime(2026, 11, 1, 3), **paid)  # 31 October in New York
    filled.contact("b", createdate=datetime(2026, 11, 1, 5), **paid)
    filled.contact("c", createdate=datetime(2026, 10, 9), hs_analytics_source="DIRECT_TRAFFIC")
    for campaign in ("c1", "c2"):  # two campaigns of one name, in two accounts
        filled.add("google_ads.campaigns", customer_id=campaign, campaign_id=campaign, campaign_name="Brand")
        for day in (date(2026, 11, 1), date(2026, 11, 2)):
            filled.spent(day, 50_000_000, "USD", campaign, campaign)
    filled.won(
        "d1", 1000.0, "usd", datetime(2026, 11, 10), "b", "a"
    )  # the contact created first: a; both labels, counted once
    filled.won(
        "d2", 500.0, None, datetime(2026, 12, 1, 2), "b"
    )  # 30 November in New York, no currency: the portal's only one
    filled.won("d3", 70.0, "USD", datetime(2026, 11, 5))  # nobody's
    filled.build()
    found = filled.rows(
        "SELECT month, channel, campaign, spend, clicks, leads, deals_won, revenue, cac, roas, rate_missing"
        " FROM marts.channel_performance ORDER BY ALL"
    )
    october, november = date(2026, 10, 1), date(2026, 11, 1)
    assert found == [
        (october, "DIRECT_TRAFFIC", None, None, None, 1, 0, None, None, None, False),
        (october, "PAID_SEARCH", "Brand", None, None, 1, 0, None, None, None, False),
        (november, "PAID_SEARCH", "Brand", 200.0, 12, 1, 2, 1500.0, 100.0, 7.5, False),
        (november, "UNKNOWN", None, None, None, 0, 1, 70.0, None, None, False),
    ]


def test_a_sum_with_a_missing_rate_is_null_and_flagged(filled):
    filled.contact("a", hs_analytics_source="DIRECT_TRAFFIC")
    filled.won("d1", 1000.0, "USD", datetime(2026, 11, 10), "a")
    filled.won("d2", 1000.0, "JPY", datetime(2026, 11, 11), "a")
    filled.won("d3", None, "JPY", datetime(2026, 10, 11), "a")
    filled.build()
    assert filled.rows(
        "SELECT month, deals_won, revenue, rate_missing FROM marts.channel_performance ORDER BY 1"
    ) == [
        (date(2026, 10, 1), 1, None, False),
        (date(2026, 11, 1), 2, None, True),
    ]


def test_rates_never_multiply_rows(filled):
    found = filled
    found.build()
    found.warehouse.execute(
        "INSERT INTO main.exchange_rates SELECT * FROM main.exchange_rates WHERE currency = 'EUR'"
    )
    found.warehouse.execute(
        "INSERT INTO main.exchange_rates SELECT month, currency, usd_per_unit * 2, source FROM main.exchange_rates WHERE currency = 'GBP'"
    )
    assert found.rows(
        "SELECT count(*) > 70, count(*) = count(DISTINCT (month, currency)) FROM staging.stg_exchange_rates"
    ) == [(True, True)]
    assert found.rows("SELECT DISTINCT currency, rate IS NULL FROM staging.stg_exchange_rates ORDER BY 1") == [
        ("EUR", False), ("GBP", True), ("USD", False)
    ]  # fmt: skip


def test_sessions_add_up(filled):
    for source, sessions in (("google", 4), ("bing", 6)):
        filled.add(
            "ga4.sessions", property_id="1", date=date(2026, 11, 1), sessionSource=source, sessionMedium="cpc", sessionCampaignName="(not set)",
            sessionDefaultChannelGroup="Paid Search", sessions=sessions, engagedSessions=3, newUsers=1, keyEvents=1.0, screenPageViews=9,
        )  # fmt: skip
    filled.build()
    assert filled.rows("SELECT * FROM marts.daily_sessions") == [
        (date(2026, 11, 1), "Paid Search", None, 10, 6, 2, 2.0, 18, 0.6)
    ]
