"""`no_missing_days`: planted gaps are found exactly, group by group; pandas counts the days on its own."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.validate.made import expect
from tests.unit.validate.own.gate import Gate

from tailrace.validate.own.no_missing_days import query, window
from tailrace.warehouse.duckdb import DuckDBWarehouse

TODAY = date(2026, 11, 21)


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def table(*groups: tuple[object, str, str, tuple[str, ...]]) -> str:
    """(account, first day, last day, days left out) as a SELECT."""
    parts = []
    for account, first, last, without in groups:
        wanted = pd.date_range(day(first), day(last)).difference(
            pd.to_datetime([day(text) for text in without])
        )
        parts += [f"SELECT {account} AS account, DATE '{moment:%Y-%m-%d}' AS day" for moment in wanted]
    return "SELECT row_number() OVER () AS id, * FROM (" + " UNION ALL ".join(parts) + ")"


def check(**kwargs) -> dict:
    return expect("no_missing_days", column="day", **kwargs)


WHOLE = ("42", "10-01", "11-21", ())
CASES = [
    ("nothing missing", [WHOLE], {"by": ["account"]}, "no days missing"),
    ("one day is allowed", [("42", "10-01", "11-21", ("11-03",))], {}, "no days missing"),
    ("one day, twice", [("42", "10-01", "11-21", ("11-03", "11-05"))], {}, "no days missing"),
    ("two in a row", [("42", "10-01", "11-21", ("11-03", "11-04"))], {}, "2 days missing: 2026-11-03 to 2026-11-04"),
    ("none is allowed", [("42", "10-01", "11-21", ("11-03",))], {"max_missing": 0}, "1 day missing: 2026-11-03"),
    ("of one account", [WHOLE, ("7", "10-01", "11-21", ("11-02", "11-03", "11-04"))], {"by": ["account"]},
     "3 days missing: 2026-11-02 to 2026-11-04 (account 7)"),
    ("hidden by the other", [WHOLE, ("7", "10-01", "11-21", ("11-02", "11-03"))], {}, "no days missing"),
    ("of nobody's account", [WHOLE, ("NULL", "10-01", "11-21", ("11-02", "11-03"))], {"by": ["account"]},
     "2 days missing: 2026-11-02 to 2026-11-03 (account NULL)"),
    ("at the window's first days", [("42", "10-01", "11-21", ("10-21", "10-22", "10-23"))], {},
     "2 days missing: 2026-10-22 to 2026-10-23"),
    ("before the window", [("42", "10-01", "11-21", ("10-19", "10-20", "10-21"))], {}, "no days missing"),
    ("yesterday and the day before", [("42", "10-01", "11-18", ())], {}, "2 days missing: 2026-11-19 to 2026-11-20"),
    ("yesterday alone", [("42", "10-01", "11-19", ())], {}, "no days missing"),
    ("today counts", [("42", "10-01", "11-19", ())], {"until": "0d"}, "2 days missing: 2026-11-20 to 2026-11-21"),
    ("three days are not known yet", [("42", "10-01", "11-17", ())], {"until": "3d"}, "no days missing"),
    ("a shorter window", [("42", "10-01", "11-21", ("11-03", "11-04"))], {"last": "2w"}, "no days missing"),
    ("an account that starts late", [WHOLE, ("7", "11-10", "11-21", ())], {"by": ["account"]}, "no days missing"),
    ("a new model", [("42", "11-19", "11-21", ())], {}, "no days missing"),
    ("an account that ended", [WHOLE, ("7", "10-01", "11-10", ())], {"by": ["account"]},
     "10 days missing: 2026-11-11 to 2026-11-20 (account 7)"),
    ("ended before the window", [WHOLE, ("7", "09-01", "10-21", ())], {"by": ["account"]}, "no days missing"),
    ("ended_after: no more", [WHOLE, ("7", "10-01", "11-10", ())], {"by": ["account"], "ended_after": "7d"}, "no days missing"),
    ("ended_after: not yet", [WHOLE, ("7", "10-01", "11-14", ())], {"by": ["account"], "ended_after": "7d"},
     "6 days missing: 2026-11-15 to 2026-11-20 (account 7)"),
    ("ended_after: its own gap", [WHOLE, ("7", "10-01", "11-10", ("11-02", "11-03"))], {"by": ["account"], "ended_after": "7d"},
     "2 days missing: 2026-11-02 to 2026-11-03 (account 7)"),
    ("everything ended", [("42", "10-01", "10-20", ())], {}, "30 days missing: 2026-10-22 to 2026-11-20"),
    ("every account ended", [("42", "10-01", "10-20", ())], {"by": ["account"], "ended_after": "7d"},
     "30 days missing: 2026-10-22 to 2026-11-20"),
    ("all but one shown", [(str(number), "10-01", "11-21", ("11-02", "11-03")) for number in range(5)], {"by": ["account"]},
     "10 days missing: " + ", ".join(f"2026-11-02 to 2026-11-03 (account {number})" for number in range(3)) + ", and 2 more"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("groups", "kwargs", "observed"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_gaps_are_found(warehouse, groups, kwargs, observed):
    seen = Gate(warehouse, check(**kwargs))(table(*groups))
    clean = observed == "no days missing"
    assert (seen.success, seen.observed) == (clean, observed)
    assert seen.number == (0 if clean else int(observed.split()[0]))
    assert seen.reason == (None if clean else f"day has gaps: {observed}")


@pytest.mark.parametrize("rows", ["LIMIT 0", "WHERE day IS NULL"])
def test_no_day_at_all_is_the_whole_window(warehouse, rows):
    gate = Gate(warehouse, check())
    seen = gate(f"SELECT * FROM (SELECT 1 AS id, CAST(NULL AS DATE) AS day) {rows}")
    assert seen.observed == "30 days missing: 2026-10-22 to 2026-11-20"
    assert gate.until == datetime(2026, 11, 22)


def test_instants_count_by_their_day_in_utc(warehouse):
    whole = table(WHOLE)
    at = "SELECT id, CAST(day AS TIMESTAMP) + INTERVAL '23 hours 59 minutes' AS day FROM"
    assert Gate(warehouse, check(max_missing=0))(f"{at} ({whole})").success
    late = f"SELECT id, timezone('America/New_York', CAST(day AS TIMESTAMP) + INTERVAL '21 hours') AS day FROM ({whole})"
    seen = Gate(warehouse, check(max_missing=0))(
        f"SELECT * FROM ({late}) WHERE day < TIMESTAMPTZ '2026-11-20 00:00:00+00'"
    )
    assert seen.observed == "1 day missing: 2026-11-20"


def test_rows_of_the_future_fill_no_gap(warehouse):
    seen = Gate(warehouse, check())(table(("42", "10-01", "11-17", ()), ("42", "11-21", "12-24", ())))
    assert seen.observed == "3 days missing: 2026-11-18 to 2026-11-20"


def test_a_personal_group_is_not_shown(warehouse):
    gate = Gate(warehouse, check(by=["account"]), personal=frozenset({"account"}))
    seen = gate(
        table(WHOLE, ("'ann@x.io'", "10-01", "11-21", ("11-02", "11-03"))).replace("42 AS", "'bob@x.io' AS")
    )
    assert seen.decision == "block"
    assert "ann" not in str(seen)
    assert "ann" not in str(gate.verdict)


def test_another_type_cannot_be_judged(warehouse):
    seen = Gate(warehouse, check())("SELECT 1 AS id, '2026-11-20' AS day")
    assert (
        seen.reason
        == "no_missing_days(day) could not be judged: no_missing_days needs a DATE or a TIMESTAMP, day is VARCHAR"
    )


def test_the_verdict_ends_with_the_day(warehouse):
    gate = Gate(warehouse, check())
    rows = table(("42", "10-01", "11-19", ()))
    assert gate(rows).success
    gate.now += timedelta(hours=14)
    gate(rows)
    assert gate.verdict.reused
    gate.now += timedelta(hours=1)
    assert gate(rows).observed == "2 days missing: 2026-11-20 to 2026-11-21"


_SPAN = st.lists(st.booleans(), min_size=1, max_size=40)
_GROUPS = st.lists(st.tuples(st.sampled_from(["a", "b", None]), _SPAN, st.integers(0, 20)), max_size=3)


def _oracle(groups, last: int, until: int, most: int, ended: int | None) -> set[tuple]:
    """Day by day, with pandas' calendar: no SQL, no windows."""
    end = pd.Timestamp(TODAY) - pd.Timedelta(days=until)
    start = end - pd.Timedelta(days=last - 1)
    present: dict = {}
    for name, flags, ago in groups:
        first = pd.Timestamp(TODAY) - pd.Timedelta(days=ago + len(flags))
        days = {first + pd.Timedelta(days=place) for place, there in enumerate(flags) if there}
        present.setdefault(name, set()).update(moment for moment in days if moment <= end)
    found = set()
    if not any(moment >= start for days in present.values() for moment in days):
        return {(None, start.date(), end.date(), last)}
    for name, days in present.items():
        if not any(moment >= start for moment in days):
            continue
        stop = end if ended is None or max(days) > end - pd.Timedelta(days=ended) else max(days)
        run: list = []
        for moment in [*pd.date_range(max(start, min(days)), stop), None]:
            if moment is not None and moment not in days:
                run.append(moment)
                continue
            if len(run) > most:
                found.add((name, run[0].date(), run[-1].date(), len(run)))
            run = []
    return found


@settings(max_examples=150, deadline=None)
@given(
    _GROUPS,
    st.integers(4, 40),
    st.integers(0, 5),
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(1, 40)),
)
def test_the_query_agrees_with_a_calendar(groups, last, until, most, ended):
    kwargs = {"column": "day", "by": ["g"], "last": f"{last}d", "until": f"{until}d", "max_missing": most}
    if ended is not None:
        kwargs["ended_after"] = f"{ended}d"
    rows = [
        (name, TODAY - timedelta(days=ago + len(flags)) + timedelta(days=place))
        for name, flags, ago in groups
        for place, there in enumerate(flags)
        if there
    ]
    _ORACLE.execute("CREATE OR REPLACE TABLE t (g VARCHAR, day DATE)")
    for row in rows:
        _ORACLE.execute("INSERT INTO t VALUES (?, ?)", row)
    sql = query(kwargs, window(kwargs, TODAY)).replace("{batch}", "t")
    found = _ORACLE.query(sql)
    assert len(found) == len(set(found))
    assert set(found) == _oracle(groups, last, until, most, None if ended is None else min(ended, last))


_ORACLE = DuckDBWarehouse(None)
