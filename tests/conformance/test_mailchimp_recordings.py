"""Mailchimp as real accounts answered: recorded streams landed whole, recorded requests answered with the same keys.

Names and values come from the recordings at run time; a failure names columns and keys, never values.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import pytest

from tailrace.connectors.mailchimp import DECLARATION
from tailrace.connectors.sdk.base import Connector
from tailrace.land.raw import ArrowWriter
from tailrace.land.run import land_resource
from tailrace.project.spec import Marks, Pipeline, Resource
from tailrace.records import Schema
from tailrace.sandbox.server import Sandbox
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tests.conformance.vendors import Desk, connect, spec
from tests.recordings import REAL, entries, needs_recordings
from tests.unit.sandbox.talk import ask

pytestmark = needs_recordings
STREAMS = {"list_members": "members", "email_activity": "activity"}
KINDS = {"ADDRESS": "address", "PHONE": "phone", "BIRTHDAY": "birthday"}
EVER = "20000d"
OPTIONS = {
    "members": {"sweep": "0s"},
    "activity": {"recent": EVER, "overlap": "3650d"},
    "unsubscribes": {"recent": EVER},
}
Round = dict[str, list[dict[str, Any]]]


def rounds() -> list[Round]:
    """One dict a recording: object -> records as Mailchimp returns them, with what they refer to."""
    found = []
    for recording in entries("mailchimp-recordings"):
        records: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        for entry in recording:
            data = spoken(entry["data"])
            records[STREAMS.get(entry["stream"], entry["stream"])][json.dumps(data, sort_keys=True)] = data
        found.append(referred({name: list(rows.values()) for name, rows in records.items()}))
    return found


def spoken(value: Any) -> Any:
    """The tool wrote null for Mailchimp's "" in some recordings, and left the links in some."""
    if isinstance(value, dict):
        return {name: spoken(item) for name, item in value.items() if name != "_links"}
    if isinstance(value, list):
        return [spoken(item) for item in value]
    return "" if value is None else value


def referred(found: Round) -> Round:
    """Only samples were recorded: the lists, segments and groups that other records name stand in by their ids."""
    one = {name: rows[0] for name, rows in found.items()}
    lists = {row["list_id"] for rows in found.values() for row in rows if "list_id" in row}
    known = {row["id"] for row in found["lists"]}
    found["lists"] += [{**one["lists"], "id": key} for key in sorted(lists - known)]
    segments = {str(row["id"]) for row in found["segments"]}
    for row in found.get("segment_members", []):
        if str(row["segment_id"]) not in segments:
            segments.add(str(row["segment_id"]))
            found["segments"].append({**one["segments"], "id": row["segment_id"], "list_id": row["list_id"]})
    categories = {row["id"] for row in found.get("interest_categories", [])}
    for row in found.get("interests", []):
        if row["category_id"] not in categories:
            found["interest_categories"].append({**one["interest_categories"], "id": row["category_id"]})
    reports = {row["id"] for row in found["reports"]}
    sent = {row["campaign_id"] for name in ("activity", "unsubscribes") for row in found[name]}
    found["reports"] += [{**one["reports"], "id": key} for key in sorted(sent - reports)]
    tags = {(row["list_id"], tag): None for row in found["members"] for tag in row["merge_fields"]}
    found["merge_fields"] = [
        {"list_id": list_id, "merge_id": number, "tag": tag, "name": tag, "type": KINDS.get(tag, "text")}
        for number, (list_id, tag) in enumerate(tags, start=1)
    ]
    return found


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=20, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    for name in desk.call("GET", "")["vendors"]["mailchimp"]:
        desk.replace("mailchimp", name, [])
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect("mailchimp", sandbox.base_url("mailchimp"), {"api_key": "sandbox"})
    yield connector
    connector.close()


def land(warehouse: DuckDBWarehouse, connector: Connector, name: str, run: int) -> Schema:
    marks, options = Marks("pipelines/mail.yml"), OPTIONS.get(name)
    resource = Resource(name, {}, marks)
    pipeline = Pipeline("mail", "mail", "mail", (resource,), marks, "pipelines/mail.yml")
    chosen, source = spec("mailchimp", name, options), connector.source()
    land_resource(
        warehouse,
        source,
        pipeline,
        resource,
        chosen,
        True,
        run_id=f"run{run}",
        now=lambda: datetime.now(UTC),
        writer=ArrowWriter(),
    )
    return source.schema(chosen)


def flat(record: dict[str, Any], names: set[str], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        column = f"{before}{name}"
        if column not in names and isinstance(value, dict):
            yield from flat(value, names, f"{column}_")
        else:
            yield column, value


def typed(value: Any, kind: str) -> Any:
    """As the column holds it."""
    if value is None or (value == "" and kind != "text"):
        return None
    if kind == "timestamp":
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "json":
        return json.loads(json.dumps(value))
    if kind == "bigint":
        return int(value)
    if kind == "double":
        return float(value)
    return value


def compare(warehouse: DuckDBWarehouse, name: str, schema: Schema, records: list[dict[str, Any]]) -> None:
    """The current table is the records: by key, every recorded value in its own column, none in a variant."""
    __tracebackhide__ = True
    kinds = {column.name: column.type for column in schema.columns}
    stored = warehouse.arrow(f'SELECT * FROM mail."{name}"')
    assert not [column for column in stored.column_names if "__v_" in column]
    found = {}
    for row in stored.to_pylist():
        for column, kind in kinds.items():
            if kind == "json" and row[column] is not None:
                row[column] = json.loads(row[column])
        found[tuple(str(row[part]) for part in schema.primary_key)] = row
    wanted = {}
    for record in records:
        values = {
            column: typed(value, kinds[column])
            for column, value in flat(record, set(kinds))
            if column in kinds
        }
        unknown = [
            column
            for column, value in flat(record, set(kinds))
            if column not in kinds and value not in ("", None)
        ]
        if unknown:
            pytest.fail(f"{name} has no column for {unknown}", pytrace=False)
        values |= {part: values.get(part) or "" for part in schema.primary_key}
        wanted[tuple(str(values[part]) for part in schema.primary_key)] = values
    if found.keys() != wanted.keys():
        pytest.fail(f"{name}: {len(found)} keys are not the {len(wanted)} recorded", pytrace=False)
    wrong = {
        column
        for key, values in wanted.items()
        for column, value in values.items()
        if (found[key][column] or None) != (value or None)
    }
    if wrong:
        pytest.fail(f"{name}: {sorted(wrong)} are not what was recorded", pytrace=False)


def test_every_recorded_stream_is_landed_whole(connector: Connector, desk: Desk) -> None:
    """Four recordings as four runs: what a later one does not show is gone, but for what happened."""
    warehouse, happened = DuckDBWarehouse(None), {}
    played = rounds()
    assert len(played) == 4
    for run, found in enumerate(played, start=1):
        for name in desk.call("GET", "")["vendors"]["mailchimp"]:
            desk.replace("mailchimp", name, found.get(name, []))
        for resource in DECLARATION.resources:
            schema = land(warehouse, connector, resource.name, run)
            records = found.get(resource.name, [])
            if resource.name == "activity":
                happened |= {json.dumps(row, sort_keys=True): row for row in records}
                records = list(happened.values())
            if resource.name == "unsubscribes":
                there = {row["id"] for row in found["reports"]}
                assert {row["campaign_id"] for row in records} <= there
                records = [*records, *_left_earlier(played[: run - 1], there)]
            if records:
                compare(warehouse, resource.name, schema, records)
    recorded = {name for found in played for name in found}
    assert len(recorded - {"merge_fields"}) == 11


def _left_earlier(earlier: list[Round], there: set[str]) -> list[dict[str, Any]]:
    """Of campaigns whose report is gone, what was known stays."""
    rows = [row for found in earlier for row in found["unsubscribes"] if row["campaign_id"] not in there]
    return list({(row["campaign_id"], row["email_id"]): row for row in rows}.values())


# ---- recorded requests ---------------------------------------------------------------------------------------


def exchanges() -> list[dict[str, Any]]:
    """The recorded pairs but OAuth's."""
    paths = sorted((REAL / "vendor-traffic" / "mailchimp").glob("*.jsonl"))
    pairs = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return [pair for pair in pairs if pair["path"].startswith("/3.0")]


def shape(value: Any, before: str = "") -> set[str]:
    """Every key inside, but the account's own: merge fields, interests, links."""
    if isinstance(value, list):
        return {name for item in value for name in shape(item, f"{before}[].")}
    if not isinstance(value, dict):
        return set()
    names = {f"{before}{name}" for name in value}
    inner = ("merge_fields", "interests", "_links", "options")
    return names | {
        name
        for key, item in value.items()
        if key not in inner or isinstance(item, list) and key == "merge_fields"
        for name in shape(item, f"{before}{key}.")
    }


def prepare(desk: Desk, pair: dict[str, Any], known: dict[str, dict[str, Any]]) -> None:
    """The account as it must have been for this answer: the member there, away, archived, or of the same e-mail."""
    parts, status = pair["path"].split("?")[0].split("/"), pair["status"]
    pattern = {**next(iter(known.values())), "status": "subscribed"}
    there = []
    if len(parts) > 5 and status != 404:
        found = {**pattern, **known.get(parts[5], {}), "id": parts[5], "list_id": parts[3]}
        state = (
            "archived" if status == 405 else ("subscribed" if pair["method"] == "DELETE" else found["status"])
        )
        found.pop("unsubscribe_reason", None)
        there.append({**found, "status": state})
    if (
        (pair["response"] or {})
        and isinstance(pair["response"], dict)
        and pair["response"].get("title") == "Member Exists"
    ):
        email = pair["body"]["email_address"]
        there.append(
            {
                **pattern,
                "id": hashlib.md5(email.lower().encode()).hexdigest(),
                "email_address": email,
                "list_id": parts[3],
            }
        )
    desk.replace("mailchimp", "members", there or [{**pattern, "id": "0" * 32}])


def kind_of(pair: dict[str, Any]) -> str:
    """Method, path without its ids, status."""
    parts = pair["path"].split("?")[0].split("/")
    named = [part if len(part) not in (10, 32) or part == "interests" else "*" for part in parts]
    return f"{pair['method']} {'/'.join(named)} {pair['status']}"


def test_recorded_requests_are_answered_alike(sandbox: Sandbox, desk: Desk) -> None:
    """Status, type of content, and keys; of errors the words, too."""
    pairs = exchanges()
    assert len(pairs) > 200
    listed = next(pair["response"]["lists"] for pair in pairs if pair["path"].split("?")[0] == "/3.0/lists")
    fields = next(pair["response"]["merge_fields"] for pair in pairs if "merge-fields" in pair["path"])
    list_id = fields[0]["list_id"]
    desk.replace(
        "mailchimp", "lists", [*[row for row in listed if row["id"] != list_id], {**listed[0], "id": list_id}]
    )
    desk.replace("mailchimp", "merge_fields", fields)
    answers = [
        pair["response"]
        for pair in pairs
        if pair["status"] == 200 and "email_address" in (pair["response"] or {})
    ]
    known = {row["id"]: spoken(row) for row in answers}
    always: dict[str, set[str]] = {}
    ever: set[str] = {"type"}  # recorded of all problems but one
    given: dict[str, list[set[str]]] = defaultdict(list)
    for pair in pairs:
        prepare(desk, pair, known)
        path = quote(pair["path"], safe="/?=&%,:+")
        body = pair["body"] if pair["method"] != "GET" else None
        answer = ask(sandbox.url, pair["method"], f"/mailchimp{path}", body)
        kind = kind_of(pair)
        assert answer.status == pair["status"], kind
        recorded_type = pair["headers"].get("Content-Type", "").split(";")[0]
        if answer.status != 204:
            assert answer.headers["content-type"].split(";")[0] == recorded_type, kind
            document = answer.json()
            theirs = shape(pair["response"])
            always[kind] = always.get(kind, theirs) & theirs
            ever |= {name.removeprefix("members.[].") for name in theirs}
            given[kind].append(shape(document))
            if answer.status >= 400:
                assert document["title"] == pair["response"]["title"], kind
                assert document["detail"] == pair["response"]["detail"], kind
                assert document.get("errors") == pair["response"].get("errors"), kind
    assert len(given) >= 8
    for kind, shapes in given.items():
        for ours in shapes:
            missing = always[kind] - ours
            assert not missing, (kind, sorted(missing))
            unheard = {name.removeprefix("members.[].") for name in ours} - ever
            assert not unheard, (kind, sorted(unheard))
