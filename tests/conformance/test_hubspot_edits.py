"""When HubSpot's properties were edited and by whom, read from their histories; fields that syncs write are landed along."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tailrace.connectors.hubspot.edits import read_edits
from tailrace.connectors.sdk.base import Connector, ResourceSpec
from tailrace.connectors.sdk.writing import TellsEdits, WriteBatch, WriteRow
from tailrace.errors import Unavailable
from tailrace.sandbox.server import Sandbox
from tests.conformance.vendors import Desk, connect

READS = "/crm/objects/2026-09/contacts/batch/read"
LOGIN = {"access_token": "sandbox", "max_wait": "2s"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=130, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox, desk: Desk) -> Iterator[Connector]:
    found = connect("hubspot", sandbox.base_url("hubspot"), LOGIN)
    yield found
    found.close()


@pytest.fixture
def destination(connector: Connector) -> TellsEdits:
    found = connector.destination()
    assert isinstance(found, TellsEdits)
    return found


def emails(desk: Desk, count: int) -> dict[str, str]:
    found = {}
    for record in desk.records("hubspot", "contacts"):
        if not record["archived"] and record["properties"].get("email"):
            found[record["id"]] = record["properties"]["email"]
    return dict(list(found.items())[:count])


def write(destination, key: str, **values) -> None:
    batch = WriteBatch("contacts", "update", None, (WriteRow("t", None, values, key),))
    assert [result.outcome for result in destination.write(batch)] == ["acked"]


def edit(desk: Desk, key: str, **values) -> None:
    desk.save("hubspot", "contacts", {"id": key, "properties": values})


def test_an_edit_tells_its_time_its_kind_and_what_was_there_before(desk, destination):
    ((key, email),) = emails(desk, 1).items()
    write(destination, key, jobtitle="by us")
    ours = destination.read_edits("contacts", "email", [email], ["jobtitle"])[email.strip().lower()][
        "jobtitle"
    ]
    assert (ours.value, ours.by_api) == ("by us", True)
    edit(desk, key, jobtitle="by a person")
    theirs = destination.read_edits("contacts", None, [key], ["jobtitle"])[key]["jobtitle"]
    assert (theirs.value, theirs.by_api) == ("by a person", False)
    assert theirs.earlier[0] == "by us"
    assert theirs.at > ours.at


def test_a_write_of_another_field_is_no_edit(desk, destination):
    ((key, _),) = emails(desk, 1).items()
    write(destination, key, jobtitle="by us")
    before = destination.read_edits("contacts", None, [key], ["jobtitle"])[key]["jobtitle"]
    write(destination, key, lead_score="7")
    assert destination.read_edits("contacts", None, [key], ["jobtitle"])[key]["jobtitle"] == before


def test_a_field_without_a_value_has_no_time(desk, destination):
    ((key, _),) = emails(desk, 1).items()
    found = destination.read_edits("contacts", None, [key], ["lead_grade"])[key]["lead_grade"]
    assert (found.value, found.at) == (None, None)


def test_a_field_that_a_person_emptied_has_one(desk, destination):
    ((key, _),) = emails(desk, 1).items()
    write(destination, key, jobtitle="by us")
    edit(desk, key, jobtitle="")
    found = destination.read_edits("contacts", None, [key], ["jobtitle"])[key]["jobtitle"]
    assert (found.value or "", found.by_api, found.earlier[0]) == ("", False, "by us")
    assert found.at is not None


def test_fifty_records_a_request_and_unknown_ones_absent(sandbox, desk, destination):
    known = emails(desk, 120)
    keys = [email.upper() for email in known.values()]
    asked = len(desk.requests("hubspot"))
    found = destination.read_edits("contacts", "email", [*keys, "nobody@nowhere.io"], ["jobtitle"])
    assert set(found) == {email.strip().lower() for email in known.values()}
    paths = [request["path"] for request in desk.requests("hubspot")[asked:]]
    assert len(paths) == 3 and all(path.endswith("/batch/read") for path in paths)


def test_a_vendor_that_is_down_is_told(desk, destination):
    desk.faults({"vendor": "hubspot", "route": READS, "probability": 1, "status": 503})
    with pytest.raises(Unavailable):
        destination.read_edits("contacts", None, ["1"], ["jobtitle"])


class Api:
    """Answers with one record."""

    def __init__(self, record: dict) -> None:
        self.record = record

    def found(self, obj, id_property, keys, wanted):
        return dict.fromkeys(keys, self.record)


@pytest.mark.parametrize(
    ("value", "entries", "at", "earlier"),
    [
        ("b", [("a", "2026-01-01T00:00:00Z"), ("b", "2026-01-02T00:00:00Z")], 2, ("a",)),
        ("b", [("b", "1767312000000"), ("a", "1767225600000")], 2, ("a",)),
        ("2026-01-05T00:00:00Z", [("1767571200000", "2026-01-02T00:00:00Z")], 2, ()),
        ("b", [("a", "2026-01-01T00:00:00Z")], None, ()),
        ("b", [], None, ()),
        (None, [("", "2026-01-02T00:00:00Z"), ("a", "2026-01-01T00:00:00Z")], 2, ("a",)),
    ],
)
def test_histories_in_any_order_and_spelling(value, entries, at, earlier):
    history = [{"value": each, "timestamp": time, "sourceType": "CRM_UI"} for each, time in entries]
    api = Api({"id": "1", "properties": {"x": value}, "propertiesWithHistory": {"x": history}})
    found = read_edits(api, "contacts", None, ["1"], ["x"])["1"]["x"]
    assert (found.at and found.at.day, found.earlier) == (at, earlier)


def test_what_syncs_write_is_landed_as_far_as_it_is_there(connector):
    source = connector.source()
    spec = ResourceSpec(
        "contacts",
        {"properties": ["email", "lead_score"], "sweep": 86400.0},
        ("lead_score", "lead_grade", "not_made_yet"),
    )
    schema = source.schema(spec)
    assert list(schema.names()) == ["id", "email", "lead_score", "lead_grade", "lastmodifieddate"]
