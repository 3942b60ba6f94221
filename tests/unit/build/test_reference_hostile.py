"""The reference models on data that nobody would make up by hand, against sums worked out in Python."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.unit.build.test_reference_models import ROOT, Filled

NEW_YORK = ZoneInfo("America/New_York")
START = datetime(2026, 2, 26)


@pytest.fixture
def filled():
    found = Filled()
    yield found
    found.warehouse.close()


NUMBERS = [float("nan"), float("inf"), float("-inf"), -7.0, 0.4, 2.5, 1e18, 1e300, None]


def test_no_number_of_a_contact_makes_a_score_null_fractional_or_out_of_bounds(filled):
    fields = (
        "hs_analytics_num_visits", "hs_analytics_num_page_views", "hs_email_open", "hs_email_click", "num_conversion_events",
        "annualrevenue",
    )  # fmt: skip
    for index, number in enumerate(NUMBERS):
        for field in fields:
            filled.contact(f"{index}-{field}", **{field: number})
        filled.contact(f"{index}-all", **dict.fromkeys(fields, number))
    filled.contact("future", hs_analytics_last_timestamp=datetime(2031, 1, 1))
    filled.contact("past", notes_last_contacted=datetime(1970, 1, 1))
    filled.build()
    types = filled.warehouse.columns(filled.graph.nodes["lead_scores"].table)
    assert {types[name] for name in ("fit", "engagement", "recency", "score")} == {"INTEGER"}
    assert filled.rows(
        "SELECT count(*), count(score), bool_and(score = fit + engagement + recency), min(fit) >= 0, max(fit) <= 40,"
        " min(engagement), max(engagement), min(recency), max(recency), count(reasons), count(*) FILTER (grade NOT IN ('A', 'B', 'C', 'D'))"
        " FROM marts.lead_scores"
    ) == [(len(NUMBERS) * 7 + 2,) * 2 + (True, True, True, 0, 40, 0, 20, len(NUMBERS) * 7 + 2, 0)]


def test_weights_that_are_no_whole_numbers_still_add_up(filled):
    """The README has people edit the weights."""
    filled.edit("lead_scores", "2 * visits", "1.25 * visits")
    for visits in range(12):
        filled.contact(str(visits), jobtitle="Analyst", hs_analytics_num_visits=float(visits))
    filled.build()
    assert filled.rows(
        "SELECT count(*), bool_and(score = fit + engagement + recency) FROM marts.lead_scores"
    ) == [(12, True)]


def test_revenue_that_people_typed_is_no_error(filled):
    filled.warehouse.execute("ALTER TABLE hubspot.contacts ALTER annualrevenue TYPE VARCHAR")
    for key, text in (("a", "10000000"), ("b", "about 5M"), ("c", ""), ("d", "4.9")):
        filled.contact(key, annualrevenue=text)
    filled.build()
    assert filled.rows("SELECT contact_id, fit FROM marts.lead_scores ORDER BY 1") == [
        ("a", 10), ("b", 0), ("c", 0), ("d", 5),
    ]  # fmt: skip


class World:
    """Ten weeks over two changes of the clock's hour, from one seed; and what its months must come to."""

    def __init__(self, filled, seed):
        self.filled, self.dice = filled, random.Random(seed)
        self.spend, self.clicks = defaultdict(float), defaultdict(int)
        self.leads, self.won, self.revenue = defaultdict(int), defaultdict(int), defaultdict(float)
        self.missing = set()
        self.rates = {
            (month, currency): rate
            for month, currency, rate in filled.rows(
                f"SELECT month, currency, usd_per_unit FROM read_csv('{ROOT}/seeds/exchange_rates.csv')"
            )
        }

    def rate(self, day, currency):
        return self.rates.get((day.replace(day=1), currency))

    def spend_money(self):
        accounts = (
            ("1", "USD", ("Brand", "Search")),
            ("2", "EUR", ("Brand", "Marke")),
            ("3", "SEK", ("Nord",)),
        )
        for customer, currency, campaigns in accounts:
            for campaign in campaigns:
                self.filled.add(
                    "google_ads.campaigns", customer_id=customer, campaign_id=campaign, campaign_name=campaign
                )
                for _ in range(12):
                    day = START.date() + timedelta(days=self.dice.randrange(70))
                    micros = self.dice.randrange(10**9)
                    self.filled.spent(day, micros, currency, customer, campaign)
                    place = (day.replace(day=1), "PAID_SEARCH", campaign)
                    self.clicks[place] += 3
                    if (rate := self.rate(day, currency)) is None:
                        self.missing.add(place)
                    else:
                        self.spend[place] += micros / 1e6 * rate

    def meet_people(self):
        self.people = {}
        for index in range(80):
            made = START + timedelta(seconds=self.dice.randrange(70 * 86400))
            source = self.dice.choice(("PAID_SEARCH", "EMAIL_MARKETING", None))
            campaign = self.dice.choice(("Brand", "Marke", None))
            self.filled.contact(
                f"c{index:03}", createdate=made, hs_analytics_source=source,
                hs_analytics_first_touch_converting_campaign=campaign,
            )  # fmt: skip
            self.people[f"c{index:03}"] = (
                made,
                source or "UNKNOWN",
                campaign if source == "PAID_SEARCH" else None,
            )
            self.leads[
                self.month(made), source or "UNKNOWN", campaign if source == "PAID_SEARCH" else None
            ] += 1

    def win_deals(self):
        for index in range(60):
            closed = START + timedelta(seconds=self.dice.randrange(70 * 86400))
            currency, amount = (
                self.dice.choice(("USD", "EUR", "GBP", "JPY")),
                float(self.dice.randrange(1, 10**5)),
            )
            contacts = self.dice.sample(sorted(self.people), self.dice.randrange(4))
            self.filled.won(f"d{index}", amount, currency, closed, *contacts, "nobody")
            first = min(contacts, key=lambda key: (self.people[key][0], key), default=None)
            channel, campaign = self.people[first][1:] if first else ("UNKNOWN", None)
            place = (self.month(closed), channel, campaign)
            self.won[place] += 1
            rate = self.rate(place[0], currency)
            if rate is None:
                self.missing.add((*place, "revenue"))
            else:
                self.revenue[place] += amount * rate

    def month(self, instant):
        return instant.replace(tzinfo=UTC).astimezone(NEW_YORK).date().replace(day=1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_month_comes_to_what_python_says_and_nothing_is_counted_twice(seed, filled):
    world = World(filled, seed)
    world.spend_money()
    world.meet_people()
    world.win_deals()
    filled.build()
    rows = {
        row[:3]: row[3:]
        for row in filled.rows(
            "SELECT month, channel, campaign, spend, clicks, leads, deals_won, revenue, cac, roas, rate_missing"
            " FROM marts.channel_performance"
        )
    }
    places = {*world.clicks, *world.leads, *world.won}
    assert set(rows) == places
    assert len(filled.rows("SELECT 1 FROM marts.channel_performance")) == len(places)
    for place, (spend, clicks, leads, won, revenue, cac, roas, flag) in rows.items():
        spent = None if place in world.missing or place not in world.clicks else world.spend[place]
        earned = (
            None if (*place, "revenue") in world.missing or place not in world.won else world.revenue[place]
        )
        assert (clicks, leads, won) == (
            world.clicks.get(place),
            world.leads.get(place, 0),
            world.won.get(place, 0),
        )
        assert spend == (None if spent is None else pytest.approx(spent))
        assert revenue == (None if earned is None else pytest.approx(earned))
        assert flag is bool({place, (*place, "revenue")} & world.missing)
        assert cac == (pytest.approx(spent / won) if spent is not None and won else None)
        assert roas == (pytest.approx(earned / spent) if earned is not None and spent else None)
    assert sum(row[2] for row in rows.values()) == 80
    assert sum(row[3] for row in rows.values()) == 60
    assert {date(2026, 2, 1), date(2026, 3, 1), date(2026, 5, 1)} <= {place[0] for place in rows}
