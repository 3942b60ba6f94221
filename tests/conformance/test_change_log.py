"""The change log's promises, for any order, split, repetition and overlap of the same pages."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tailrace.land import changes, reading
from tailrace.records import Checkpoint, Column, Page, Schema, Scope
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tests.unit.land.far import FarLanding, open_far
from tests.unit.land.scripted import START, Landing, Scripted, assert_folds, gone, moment, page, row

KEYS = ("a", "b", "c")
PLAIN = Schema(
    (Column("id"), Column("email"), Column("grp"), Column("seen", "timestamp")), ("id",), ("seen",)
)
EXAMPLES = int(os.environ.get("TAILRACE_EXAMPLES", "100"))
"""Of the first property; the others take a third. Raise it for a long hunt."""
FAR = 25
"""One in so many examples on BigQuery, where each takes seconds."""


@pytest.fixture(
    scope="module",
    params=[("duckdb", 0), ("bigquery", 0), ("bigquery", 1000)],
    ids=["duckdb", "bigquery-far", "bigquery-near"],
)
def fresh(request, tmp_path_factory):
    """Makes an empty landing: on DuckDB, on BigQuery with nothing kept here, and with a copy of current rows and keys."""
    engine, near_rows = request.param
    if engine == "duckdb":
        yield lambda: Landing(source=Scripted(PLAIN))
        return
    client = request.getfixturevalue("bigquery")
    warehouse = open_far(client, tmp_path_factory.mktemp("far") / "work.duckdb", near_rows)
    yield lambda: FarLanding(warehouse, source=Scripted(PLAIN))
    warehouse.local.close()


def examples(fresh, number: int):
    """Fewer where the engine is far away."""
    count = number if isinstance(fresh().warehouse, DuckDBWarehouse) else max(2, number // FAR)
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))


versions = st.tuples(
    st.sampled_from(KEYS),
    st.integers(0, 4),
    st.booleans(),
    st.sampled_from((None, "", "x", "y", "|email=1:x")),
)
seen_times = st.integers(0, 9)


def digest(email: str | None) -> str:
    text = "" if email is None else f"email={len(email)}:{email}"
    return hashlib.md5(text.encode()).hexdigest()


def rank(version: tuple) -> tuple:
    _, at, deleted, email = version
    return (at, deleted, "" if deleted else digest(email))


def truth(arrived: list[tuple]) -> dict[str, str | None]:
    """By version alone: whatever the order of arrival was."""
    best: dict[str, tuple] = {}
    for version in arrived:
        if version[0] not in best or rank(version) > rank(best[version[0]]):
            best[version[0]] = version
    return {key: version[3] for key, version in best.items() if not version[2]}


def as_pages(arrived: list[tuple], seen: int) -> list[Page]:
    """One page a version; the cursor column differs each time that the same version is read."""
    return [
        gone(key, at=at) if deleted else page(row(key, email, seen=moment(seen)), at=at)
        for key, at, deleted, email in arrived
    ]


def assert_truth(landing: Landing, arrived: list[tuple]) -> None:
    assert {found["id"]: found["email"] for found in landing.rows()} == truth(arrived)
    assert landing.count("__keys") == len({version[0] for version in arrived})
    assert_folds(landing)


def test_any_order_split_and_repetition_gives_the_newest_versions(fresh):
    """`plain`: also small parts are looked at for keys that are all new."""

    @examples(fresh, EXAMPLES)
    @given(st.lists(st.lists(versions, max_size=7), min_size=1, max_size=4), st.integers(1, 3), st.booleans())
    def holds(reads, batch, plain):
        landing = fresh()
        arrived: list[tuple] = []
        with one_page_batches(batch, plain_rows=1 if plain else 50_000):
            for number, versions_read in enumerate(reads):
                arrived += versions_read
                landing.land(*as_pages(versions_read, number))
                assert_truth(landing, arrived)
            logged = landing.count("__changes")
            again = landing.land(*as_pages(arrived, 99))
        assert again.rows_out == 0 and landing.count("__changes") == logged
        assert_truth(landing, arrived)

    holds()


def test_two_orders_end_in_the_same_tables(fresh):

    @examples(fresh, EXAMPLES // 3)
    @given(st.lists(versions, min_size=1, max_size=10), st.randoms(use_true_random=False), st.integers(1, 4))
    def holds(arrived, random: Random, cuts):
        ends = []
        for shuffled in (list(arrived), random.sample(arrived, len(arrived))):
            landing = fresh()
            size = max(1, len(shuffled) // cuts)
            for start in range(0, len(shuffled), size):
                landing.land(*as_pages(shuffled[start : start + size], start))
            keys = [
                {name: found[name] for name in ("id", "_version_at", "_deleted", "_hash")}
                for found in landing.rows("__keys")
            ]
            current = [(found["id"], found["email"]) for found in landing.rows()]
            ends.append((current, keys))
        assert ends[0] == ends[1]

    holds()


edits = st.lists(
    st.tuples(
        st.sampled_from(("put", "drop")),
        st.sampled_from(KEYS),
        st.sampled_from("xyz"),
        st.sampled_from(("g", "h")),
    ),
    max_size=5,
)
polls = st.sampled_from(("changed", "late", "sweep", "group", "glitch"))


def test_polling_a_living_vendor_ends_in_what_it_holds(fresh):
    """Creates and deletes between polls, overlapping and late pages, sweeps of all and of one group, a clock of ours that
    steps forth and back.

    A sweep that misses a row which is there does harm only until the row's next edit, or the next sweep.
    """

    @examples(fresh, EXAMPLES // 3)
    @given(st.lists(st.tuples(edits, polls, st.integers(-9, 9)), min_size=1, max_size=6))
    def holds(rounds):
        landing, vendor, clock = fresh(), Vendor(), 0
        landing.step = timedelta(milliseconds=1)
        for made, poll, step in rounds:
            for change in made:
                clock += 1
                vendor.edit(clock, *change)
            pages, scopes = vendor.poll(poll, clock)
            landing.at = START + timedelta(seconds=clock + step + 0.5)
            landing.land(*pages, scopes=scopes)
            assert {found["id"]: (found["email"], found["grp"]) for found in landing.rows()} == vendor.shown()
            assert_folds(landing)

    holds()


class Vendor:
    """A table with modification times, a list of what was deleted, and every page that it ever gave."""

    def __init__(self) -> None:
        self.live: dict[str, tuple[int, str, str]] = {}
        self.dropped: dict[str, int] = {}
        self.given: list[Page] = []
        self.missed: dict[str, int] = {}
        self.landed: dict[str, int] = {}

    def edit(self, clock: int, kind: str, key: str, email: str, group: str) -> None:
        if kind == "put":
            self.live[key] = (clock, email, group)
        elif key in self.live:
            del self.live[key]
            self.dropped[key] = clock

    def poll(self, kind: str, clock: int) -> tuple[list[Page], tuple[Scope, ...]]:
        """`changed` and `late` tell of deletes; the sweeps leave them to the scopes, `group` only those of one group."""
        pages = self._live()
        first = min(self.live, default=None)
        self.missed = {
            key: at for key, at in self.missed.items() if key in self.live and self.live[key][0] <= at
        }
        if kind == "glitch" and first is not None:
            self.missed = {first: self.missed.get(first, self.landed.get(first, -1))}
            return [found for found in pages if found.rows[0]["id"] != first], (Scope(),)
        if kind in ("sweep", "glitch"):
            self.missed = {}
            return pages, (Scope(),)
        listed = [gone(key, at=at) for key, at in self.dropped.items()]
        if kind == "group":
            own = [found for found in pages if found.rows[0]["grp"] == "g"]
            other = [found for found in pages if found.rows[0]["grp"] != "g"]
            self.missed = {key: at for key, at in self.missed.items() if self.live[key][2] != "g"}
            return other + listed + own, (Scope(equals={"grp": ("g",)}),)
        late = self.given if kind == "late" else []
        return [*listed, *pages, *late], ()

    def _live(self) -> list[Page]:
        pages = [
            page(row(key, email, grp=group, seen=moment(at)), at=at)
            for key, (at, email, group) in self.live.items()
        ]
        self.given += pages
        return pages

    def shown(self) -> dict[str, tuple[str, str]]:
        found = {
            key: (email, group) for key, (_, email, group) in self.live.items() if key not in self.missed
        }
        self.landed = {key: self.live[key][0] for key in found}
        return found


listings = st.lists(
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(("x", "y")), max_size=3), min_size=1, max_size=6
)


def test_full_listings_without_versions_end_in_the_last_one(fresh):
    """Also where the clock stands still: what arrives later is newer."""

    @examples(fresh, EXAMPLES // 3)
    @given(listings, st.booleans())
    def holds(reads, still):
        landing = fresh()
        landing.step = timedelta(0) if still else timedelta(seconds=1)
        before: dict[str, str] = {}
        for listing in reads:
            result = landing.land(
                *(page(row(key, email)) for key, email in listing.items()), scopes=(Scope(),)
            )
            assert {found["id"]: found["email"] for found in landing.rows()} == listing
            assert result.rows_out == sum(before.get(key) != listing.get(key) for key in {*before, *listing})
            assert_folds(landing)
            before = listing

    holds()


def test_checkpoints_inside_a_read_may_fall_anywhere(fresh):

    @examples(fresh, EXAMPLES // 3)
    @given(st.lists(versions, min_size=2, max_size=12), st.sets(st.integers(1, 11)), st.integers(1, 4))
    def holds(arrived, cuts, commit):
        landing = fresh()
        items: list[Page | Checkpoint] = []
        for number, one in enumerate(as_pages(arrived, 1)):
            items += [Checkpoint({"cut": number})] * (number in cuts) + [one]
        with one_page_batches(1, commit):
            landing.land(*items)
        assert_truth(landing, arrived)

    holds()


class one_page_batches:
    """Makes batches and transactions as small as a few rows, so that a handful of rows meets every border."""

    def __init__(self, rows: int, commit: int = 1, plain_rows: int = 1) -> None:
        self.sizes = (rows, commit, plain_rows)

    def __enter__(self) -> None:
        self.before = (reading.batch_rows, reading.COMMIT_ROWS, changes.PLAIN_ROWS)
        reading.batch_rows = lambda columns: self.sizes[0]
        reading.COMMIT_ROWS, changes.PLAIN_ROWS = self.sizes[1:]

    def __exit__(self, *error: object) -> None:
        reading.batch_rows, reading.COMMIT_ROWS, changes.PLAIN_ROWS = self.before
