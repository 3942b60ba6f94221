"""The loop on what real accounts returned: recordings beside the project, served by the sandbox, played as rounds.

Nothing of them is written here: names come from the recordings at run time; a failure names columns, never values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest

from tailrace.cli.start import write_project
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.options import check_resource
from tailrace.land.raw import ArrowWriter
from tailrace.land.run import land_resource
from tailrace.plan.resolve import choose, resolve
from tailrace.project.load import load_project
from tailrace.runner import building
from tailrace.runner.session import Session, utc_now
from tailrace.sandbox.server import Sandbox
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tests.e2e.project import SENT, Acme, assert_crm_is_the_model, assert_log_folds
from tests.recordings import (
    CRM,
    Round,
    deals_contacts,
    definitions,
    ga4_events,
    ga4_reports,
    google_ads,
    hubspot_rounds,
    hubspot_types,
    needs_recordings,
    write_data,
)

pytestmark = needs_recordings
MODIFIED = {
    "contacts": "lastmodifieddate",
    "companies": "hs_lastmodifieddate",
    "deals": "hs_lastmodifieddate",
}
REPORTS = ("website_overview", "devices", "locations", "daily_active_users", "conversions_report")
EVENTS = {"screenPageViews": ("page_view", "screen_view"), "newUsers": ("first_visit",)}
HUBSPOT = """\
pipeline: hubspot
connection: hubspot
resources:
  contacts: {sweep: 0s, subject: email}
  companies: {sweep: 0s}
  deals: {sweep: 0s}
  deals_contacts: {}
"""


class Portal:
    """The sandbox's HubSpot, brought by the admin API to what each recording saw. What we wrote there stays there."""

    def __init__(self, acme: Acme) -> None:
        self._acme, self._types = acme, hubspot_types()
        self._known = {name: acme.admin("GET", f"records/hubspot/{name}.properties") for name in CRM}
        self._ours: dict[str, dict[str, str]] = {}
        self._left: set[str] = set()

    def play(self, played: Round) -> None:
        """PUT makes what is not in the recording vanish without a word, as a merge or a privacy delete does."""
        for name in CRM:
            held = self.records(name)
            if name == "contacts":
                ours = {
                    key: {field: found[field] for field in SENT if field in found}
                    for key, found in held.items()
                }
                self._ours |= ours
            records = [self._kept(name, record, held.get(record["id"])) for record in played[name]]
            self._left |= held.keys() - {record["id"] for record in records}
            self._acme.admin("PUT", f"records/hubspot/{name}", records)
            found = definitions(played[name], self._types[name], self._known[name])
            own = [known for known in self._known[name] if known["name"] in SENT]
            self._acme.admin("PUT", f"records/hubspot/{name}.properties", [*found, *own])

    def records(self, name: str) -> dict[str, dict[str, Any]]:
        """The live records' properties by id."""
        return {row["id"]: row["properties"] for row in self._acme.admin("GET", f"records/hubspot/{name}")}

    def types(self, name: str) -> dict[str, str]:
        return {
            row["name"]: row["type"] for row in self._acme.admin("GET", f"records/hubspot/{name}.properties")
        }

    def _kept(self, name: str, record: dict[str, Any], held: dict[str, Any] | None) -> dict[str, Any]:
        """The recorded record with our scores.

        Where it was written by us or ended by a sweep of ours, that is later than all recorded times: an edit is later still.
        """
        stamp, recorded = MODIFIED[name], record["properties"]
        ours = self._ours.get(record["id"], {}) if name == "contacts" else {}
        moment = recorded[stamp]
        if held is not None and (held[stamp] > moment or record["id"] in self._left):
            same = all(
                (recorded.get(field) or None) == held.get(field)
                for field in {*recorded, *held} - {stamp, *SENT}
            )
            moment = held[stamp] if same else _spelled(datetime.now(UTC))
        return {**record, "properties": {**recorded, **ours, stamp: moment}, "updatedAt": moment}


def _spelled(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture(scope="module")
def rounds() -> list[Round]:
    return hubspot_rounds()


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory, rounds: list[Round]) -> Iterator[Acme]:
    """The reference project on the recorded accounts."""
    root = tmp_path_factory.mktemp("real")
    write_project(root / "acme")
    (root / "acme/pipelines/hubspot.yml").write_text(HUBSPOT)
    (root / "acme/pipelines/ga4.yml").write_text(ga4_pipeline())
    with Sandbox.start(data=write_data(root / "data", rounds[0], REPORTS), limits=False) as sandbox:
        found = Acme(root / "acme", sandbox.url)
        # few rows, hundreds of columns: threads cost more here than they give
        found.edit("profiles.yml", "type: duckdb", "type: duckdb\n      settings: {threads: 1}")
        found.edit(
            "pipelines/google_ads.yml", "campaign_stats: {}", 'campaign_stats: {start_date: "2022-01-01"}'
        )
        found.admin("PUT", "records/hubspot/associations", deals_contacts())
        yield found


@pytest.fixture(scope="module")
def portal(acme: Acme, rounds: list[Round]) -> Portal:
    """Brought to the first recording, landed, scored and scored back by the command; a second run had nothing to send."""
    portal = Portal(acme)
    portal.play(rounds[0])
    first = acme.run()
    assert first.document["status"] == "ok"
    assert {
        name: step["rows_out"]
        for name, step in first.steps("land").items()
        if name in ("hubspot.contacts", "hubspot.deals")
    } == {f"hubspot.{name}": len(rounds[0][name]) for name in ("contacts", "deals")}
    sent = first.sync()
    assert sent["updated"] > 0 and sent["requests"] == 1
    assert assert_crm_is_the_model(acme) == sent["updated"] - sent["dead"]
    assert_nothing_to_send(acme)
    return portal


def assert_nothing_to_send(acme: Acme) -> None:
    writes = len(acme.write_requests())
    again = acme.run()
    assert again.sync()["requests"] == 0 and again.sync()["dead"] == 0
    assert len(acme.write_requests()) == writes
    assert_crm_is_the_model(acme)


def ga4_pipeline() -> str:
    """`sessions` from the exported events, and each recorded report under its own dimensions and metrics."""
    resources: dict[str, Any] = {"sessions": {"start_date": "2020-11-01"}}
    for name, (texts, numbers) in report_columns().items():
        resources[name] = {"dimensions": texts, "metrics": numbers, "start_date": "2020-11-01"}
    return json.dumps({"pipeline": "ga4", "connection": "ga4", "resources": resources})


def report_columns() -> dict[str, tuple[list[str], list[str]]]:
    """Dimensions and metrics of each report, as recorded."""
    found = {}
    for name, rows in ga4_reports().items():
        texts = [
            column for column, value in rows[0].items() if isinstance(value, str) and column != "property_id"
        ]
        found[name] = texts, [column for column, value in rows[0].items() if not isinstance(value, str)]
    return {name: found[name] for name in REPORTS}


class Working:
    """What `tailrace run` does with the CRM short of sending, without the price of a process and of dlt for each recording."""

    def __init__(self, acme: Acme) -> None:
        self._resolved = resolve(load_project(acme.root, None), now=utc_now())
        self._session = Session(self._resolved.project, "run")
        self._pipeline = next(found for found in self._resolved.project.pipelines if found.name == "hubspot")

    def land_and_build(self, warehouse: DuckDBWarehouse) -> None:
        session, pipeline = self._session, self._pipeline
        source, declaration = (
            session.connector(pipeline.connection).source(),
            session.declaration(pipeline.connection),
        )
        for resource in pipeline.resources:
            options, _ = check_resource(declaration, resource.name, resource.options)
            spec, now, writer = ResourceSpec(resource.name, options), session.now, ArrowWriter()
            land_resource(
                warehouse,
                source,
                pipeline,
                resource,
                spec,
                True,
                run_id=session.run_id,
                now=now,
                writer=writer,
            )
        building.build(session, warehouse, self._resolved, choose(self._resolved, ("path:models",), ()))
        assert session.status() == "ok", [f"{step.name}: {step.status}" for step in session.results]

    @contextmanager
    def open(self) -> Iterator[DuckDBWarehouse]:
        try:
            with self._session.warehouse() as warehouse:
                yield warehouse
        finally:
            self._session.close()


def assert_landed(acme: Acme | DuckDBWarehouse, portal: Portal, name: str) -> set[str]:
    """The current table is the portal's records: every value, in its type, in its own column. Returns the columns."""
    described = f"SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'hubspot' AND table_name = '{name}'"
    columns = dict(acme.query(described))
    variants = sorted(column for column in columns if "__v_" in column)
    assert not variants, f"{name}: values went to {variants}"
    assert portal.types(name).keys() <= columns.keys()
    wanted = portal.records(name)
    names = ", ".join(f'"{column}"' for column in columns)
    rows = [dict(zip(columns, row, strict=True)) for row in acme.query(f"SELECT {names} FROM hubspot.{name}")]
    landed = {row["id"]: row for row in rows}
    assert_same((len(rows), landed.keys()), (len(wanted), wanted.keys()), f"the ids of {name}")
    wrong = {
        column
        for key, properties in wanted.items()
        for column, kind in columns.items()
        if column != "id" and landed[key][column] != typed(properties.get(column), kind)
    }
    assert not wrong, f"{name}: {sorted(wrong)} are not what the portal holds"
    return set(columns)


def assert_folds(warehouse: DuckDBWarehouse, name: str) -> None:
    """As project.assert_log_folds, but quick for tables of few rows and hundreds of columns."""
    log = warehouse.arrow(f"SELECT * FROM hubspot.{name}__changes ORDER BY _seq").to_pylist()
    folded: dict[str, dict[str, Any]] = {}
    for change in log:
        operation = change["_op"]
        assert (operation == "insert") == (change["id"] not in folded), (
            f"{name}: {operation} at {change['_seq']}"
        )
        folded[change["id"]] = {
            column: value for column, value in change.items() if not column.startswith("_")
        }
        if operation == "delete":
            del folded[change["id"]]
    current = warehouse.arrow(f"SELECT * FROM hubspot.{name}").to_pylist()
    stamped = {
        row["id"]: {column: value for column, value in row.items() if column != MODIFIED[name]}
        for row in current
    }
    assert_same(folded, stamped, f"the changes of {name}, folded,")


def assert_same(found: Any, wanted: Any, what: str) -> None:
    """Without pytest's look into the values, which are other people's."""
    __tracebackhide__ = True
    if found != wanted:
        pytest.fail(f"{what} are not what was recorded", pytrace=False)


def typed(value: str | None, kind: str) -> Any:
    if value is None:
        return None
    if kind == "DOUBLE":
        return float(value)
    if kind == "BOOLEAN":
        return {"true": True, "false": False}[value]
    if kind == "TIMESTAMP":
        return datetime.fromisoformat(value).replace(tzinfo=None)
    return date.fromisoformat(value) if kind == "DATE" else value


def test_recordings_in_their_order_are_landed_whole(acme, portal, rounds, monkeypatch):
    """Each recording that differs from the one before through land and build; half way and at the end the whole command."""
    monkeypatch.setenv("TAILRACE_SANDBOX", acme.url)
    drift = Drift()
    played = [rounds[0], *(later for before, later in pairwise(rounds) if later != before)]
    middle = len(played) // 2
    for stretch in (played[:middle], played[middle:]):
        working = Working(acme)
        with working.open() as warehouse:
            for recording in stretch:
                portal.play(recording)
                working.land_and_build(warehouse)
                for name in CRM:
                    drift.add(name, assert_landed(warehouse, portal, name))
                    assert_folds(warehouse, name)
        assert acme.run().document["status"] == "ok"
        assert assert_crm_is_the_model(acme) > 0
    assert drift.times > 10
    assert_nothing_to_send(acme)
    for name in CRM:
        assert_log_folds(acme, "hubspot", name, cursors=(MODIFIED[name],))
    operations = {row[0] for row in acme.query("SELECT DISTINCT _op FROM hubspot.contacts__changes")}
    assert operations == {"insert", "update", "delete"}


class Drift:
    """New columns appear, and those that vanished stay."""

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}
        self.times = 0

    def add(self, name: str, columns: set[str]) -> None:
        lost = self._known.get(name, set()) - columns
        assert not lost, f"{name} lost {sorted(lost)}"
        self.times += columns != self._known.setdefault(name, columns)
        self._known[name] = columns


def test_spend_keeps_its_account_currency_and_calendar(acme, portal):
    recorded = google_ads()
    accounts = {int(row["customer"]["id"]): row["customer"] for row in recorded["customers"]}
    stats = {
        (
            int(row["customer"]["id"]),
            int(row["campaign"]["id"]),
            date.fromisoformat(row["segments"]["date"]),
        ): row
        for row in recorded["campaign_stats"]
    }
    landed = acme.query(
        "SELECT customer_id, campaign_id, segments_date, metrics_cost_micros, metrics_clicks FROM google_ads.campaign_stats"
    )
    metrics = {
        key: (int(row["metrics"]["costMicros"]), int(row["metrics"]["clicks"])) for key, row in stats.items()
    }
    assert_same({row[:3]: row[3:] for row in landed}, metrics, "campaign_stats")
    spend = acme.query(
        "SELECT account_id, campaign_id, day, cost, currency, time_zone FROM marts.daily_campaign_spend"
    )
    wanted = {
        key: (int(row["metrics"]["costMicros"]) / 1_000_000, accounts[key[0]]["currencyCode"], accounts[key[0]]["timeZone"])
        for key, row in stats.items()
    }  # fmt: skip
    assert_same({row[:3]: row[3:] for row in spend}, wanted, "cost, currency and time zone")


def test_sessions_count_the_exported_events(acme, portal):
    events = ga4_events()
    for metric, names in EVENTS.items():
        counted = acme.query(f'SELECT sum("{metric}") FROM ga4.sessions')
        assert_same(counted, [(sum(event["event_name"] in names for event in events),)], metric)
    days = {datetime.strptime(event["event_date"], "%Y%m%d").date() for event in events}
    assert_same(
        {row[0] for row in acme.query("SELECT DISTINCT day FROM marts.daily_sessions")}, days, "the days"
    )
    views = acme.query('SELECT sum("screenPageViews") FROM ga4.sessions')
    assert_same(
        acme.query("SELECT sum(page_views) FROM marts.daily_sessions"), views, "the page views of the mart"
    )


@pytest.mark.parametrize("report", REPORTS)
def test_a_recorded_report_is_landed_as_it_was_answered(acme, portal, report):
    texts, numbers = report_columns()[report]
    names = ", ".join(f'"{column}"' for column in [*texts, *numbers])
    landed = {row[: len(texts)]: row[len(texts) :] for row in acme.query(f"SELECT {names} FROM ga4.{report}")}
    wanted = {}
    for row in ga4_reports()[report]:
        key = tuple(datetime.strptime(row[c], "%Y%m%d").date() if c == "date" else row[c] for c in texts)
        if any(row[column] for column in numbers):  # GA4 leaves out what is 0 in all metrics
            wanted[key] = tuple(row[column] for column in numbers)
    assert_same(landed, wanted, f"the lines of {report}")


def test_what_a_person_types_reads_the_same_accounts(acme, portal):
    for words in (("status",), ("show", "last"), ("dead", "list")):
        told = acme.tailrace(*words)
        assert told.code == 0, told.err
    planned = acme.tailrace("plan", "--json").document
    assert {model["action"] for model in planned["models"]} == {"skip"}
    counted = acme.tailrace("query", "SELECT count(*) AS n FROM hubspot.contacts", "--format", "json")
    assert json.loads(counted.out) == [{"n": len(portal.records("contacts"))}]
