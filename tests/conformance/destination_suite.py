"""What every destination must do, at the wire: a vendor gets these tests by a subclass (beside the fixture `sandbox`) that names its object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.http import Lost
from tailrace.connectors.sdk.writing import (
    Destination,
    Operation,
    WriteBatch,
    WriteRow,
)
from tailrace.errors import AuthError, Unavailable
from tailrace.sandbox.server import Sandbox
from tests.conformance.vendors import Desk, connect


class DestinationSuite:
    """Subclasses name the vendor, an object, its match field, a text field, and a field that refuses `bad`."""

    vendor: ClassVar[str]
    login: ClassVar[dict[str, Any]]
    wrong_login: ClassVar[dict[str, Any]]
    obj: ClassVar[str]
    match: ClassVar[str]
    text_field: ClassVar[str]
    bad: ClassVar[dict[str, Any]]
    write_route: ClassVar[str]
    """A glob of the requests that write."""

    def key_of(self, record: dict[str, Any]) -> str:
        """A record's value of the match field; empty where it has none that is unique."""
        raise NotImplementedError

    def text_of(self, record: dict[str, Any]) -> str | None:
        """A record's value of the text field."""
        raise NotImplementedError

    def new_key(self, number: int) -> str:
        """A match value that no record has."""
        raise NotImplementedError

    @pytest.fixture
    def desk(self, sandbox: Sandbox) -> Iterator[Desk]:
        desk = Desk(sandbox)
        yield desk
        desk.reset()

    @pytest.fixture
    def connector(self, sandbox: Sandbox) -> Iterator[Connector]:
        connector = connect(self.vendor, sandbox.base_url(self.vendor), self.login)
        yield connector
        connector.close()

    @pytest.fixture
    def destination(self, connector: Connector) -> Destination:
        return connector.destination()

    def present(self, desk: Desk, most: int) -> list[dict[str, Any]]:
        live = [record for record in desk.records(self.vendor, self.obj) if not record.get("archived")]
        return [record for record in live if self.key_of(record)][:most]

    def state(self, desk: Desk) -> dict[str, str | None]:
        return {record["id"]: self.text_of(record) for record in desk.records(self.vendor, self.obj)}

    def batch(self, operation: Operation, rows: list[WriteRow], *, by_key: bool = True) -> WriteBatch:
        return WriteBatch(self.obj, operation, self.match if by_key else None, tuple(rows))

    def row(self, number: int, key: str, **values: Any) -> WriteRow:
        return WriteRow(f"row-{number}", key, values or {self.text_field: f"text {number}"})

    def test_a_full_batch_is_one_request(self, destination: Destination, desk: Desk) -> None:
        records = self.present(desk, 100)
        rows = [self.row(number, self.key_of(record)) for number, record in enumerate(records)]
        sent = len(desk.requests(self.vendor))
        results = destination.write(self.batch("update", rows))
        assert len(desk.requests(self.vendor)) - sent == 1
        assert [(result.trace, result.outcome) for result in results] == [
            (row.trace, "acked") for row in rows
        ]
        assert [result.remote_id for result in results] == [record["id"] for record in records]
        state = self.state(desk)
        assert [state[record["id"]] for record in records] == [f"text {n}" for n in range(len(records))]

    def test_rows_are_found_by_remote_id_too(self, destination: Destination, desk: Desk) -> None:
        first, second = self.present(desk, 2)
        rows = [
            WriteRow("a", None, {self.text_field: "by id"}, first["id"]),
            WriteRow("b", None, {self.text_field: None}, second["id"]),
        ]
        results = destination.write(self.batch("update", rows, by_key=False))
        assert [result.outcome for result in results] == ["acked", "acked"]
        state = self.state(desk)
        assert state[first["id"]] == "by id"
        assert not state[second["id"]]

    def test_upsert_updates_and_creates(self, destination: Destination, desk: Desk) -> None:
        known = self.present(desk, 1)[0]
        rows = [self.row(0, self.key_of(known)), self.row(1, self.new_key(1))]
        before = self.state(desk)
        results = destination.write(self.batch("upsert", rows))
        assert [result.outcome for result in results] == ["acked", "acked"]
        assert results[0].remote_id == known["id"]
        assert set(self.state(desk)) - set(before) == {results[1].remote_id}

    def test_create_gives_the_new_ids(self, destination: Destination, desk: Desk) -> None:
        before = self.state(desk)
        results = destination.write(self.batch("create", [self.row(n, self.new_key(n)) for n in range(3)]))
        made = {result.remote_id: f"text {number}" for number, result in enumerate(results)}
        assert {key: text for key, text in self.state(desk).items() if key not in before} == made

    def test_a_bad_row_holds_back_only_itself(self, destination: Destination, desk: Desk) -> None:
        records = self.present(desk, 5)
        rows = [self.row(number, self.key_of(record)) for number, record in enumerate(records)]
        rows[2] = self.row(2, self.key_of(records[2]), **self.bad)
        before = self.state(desk)
        results = destination.write(self.batch("update", rows))
        assert [result.outcome for result in results] == ["acked", "acked", "dead", "acked", "acked"]
        assert results[2].reason
        assert results[2].field == next(iter(self.bad))
        assert self.state(desk)[records[2]["id"]] == before[records[2]["id"]]

    def test_a_row_that_the_vendor_refuses_says_why(self, destination: Destination, desk: Desk) -> None:
        records = self.present(desk, 3)
        refused = {"keys": [records[1]["id"]], "category": "VALIDATION_ERROR", "message": "not on a Monday"}
        desk.faults({"vendor": self.vendor, "route": self.write_route, "row_error": refused})
        rows = [self.row(number, self.key_of(record)) for number, record in enumerate(records)]
        results = destination.write(self.batch("update", rows))
        assert [result.outcome for result in results] == ["acked", "dead", "acked"]
        assert "not on a Monday" in (results[1].reason or "")

    def test_an_unknown_key_is_unmatched_and_writes_nothing(
        self, destination: Destination, desk: Desk
    ) -> None:
        known = self.present(desk, 1)[0]
        rows = [self.row(0, self.new_key(0)), self.row(1, self.key_of(known))]
        before = self.state(desk)
        results = destination.write(self.batch("update", rows))
        assert [result.outcome for result in results] == ["unmatched", "acked"]
        assert set(self.state(desk)) == set(before)

    def test_a_lost_answer_of_an_update_is_sent_again(self, destination: Destination, desk: Desk) -> None:
        record = self.present(desk, 1)[0]
        desk.faults({"vendor": self.vendor, "route": self.write_route, "nth": 1, "lost_answer": True})
        results = destination.write(self.batch("update", [self.row(0, self.key_of(record))]))
        assert [result.outcome for result in results] == ["acked"]
        assert desk.writes(self.vendor, self.obj)[record["id"]] == 2

    @pytest.mark.parametrize("fault", [{"lost_answer": True}, {"status": 502}])
    def test_a_create_whose_answer_is_lost_is_never_repeated(
        self, destination: Destination, desk: Desk, fault: dict[str, Any]
    ) -> None:
        desk.faults({"vendor": self.vendor, "route": self.write_route, "nth": 1, **fault})
        before = self.state(desk)
        with pytest.raises(Lost):
            destination.write(self.batch("create", [self.row(0, self.new_key(0))]))
        assert len(self.state(desk)) - len(before) == ("lost_answer" in fault)
        found = destination.read_fields(self.obj, self.match, [self.new_key(0)], [self.text_field])
        assert len(found) == ("lost_answer" in fault)

    def test_a_limited_create_waits_and_is_sent_once(self, destination: Destination, desk: Desk) -> None:
        desk.faults(
            {"vendor": self.vendor, "route": self.write_route, "nth": [1, 2], "status": 429, "body": "{}"}
        )
        results = destination.write(self.batch("create", [self.row(0, self.new_key(0))]))
        assert [result.outcome for result in results] == ["acked"]
        assert desk.writes(self.vendor, self.obj) == {results[0].remote_id: 1}

    def test_no_word_about_a_row_is_unknown(self, destination: Destination, desk: Desk) -> None:
        records = self.present(desk, 2)
        answer = {"status": 200, "headers": {"content-type": "application/json"}, "body": '{"results": []}'}
        desk.faults({"vendor": self.vendor, "route": self.write_route, **answer})
        rows = [self.row(number, self.key_of(record)) for number, record in enumerate(records)]
        assert {result.outcome for result in destination.write(self.batch("update", rows))} == {"unknown"}

    def test_reading_fields_tells_what_is_there(self, destination: Destination, desk: Desk) -> None:
        records = self.present(desk, 120)
        keys = [self.key_of(record) for record in records]
        found = destination.read_fields(self.obj, self.match, [*keys, self.new_key(7)], [self.text_field])
        assert {key: row[self.text_field] for key, row in found.items()} == {
            self.key_of(record).strip().lower(): self.text_of(record) for record in records
        }
        by_id = destination.read_fields(self.obj, None, [records[0]["id"]], [self.text_field])
        assert by_id[records[0]["id"]][self.text_field] == self.text_of(records[0])

    def test_fields_know_what_can_be_written(self, destination: Destination) -> None:
        fields = destination.fields(self.obj)
        assert fields[self.text_field].writable
        assert fields[self.match].unique
        assert not all(field.writable for field in fields.values())

    def test_a_wrong_login_stops(self, sandbox: Sandbox) -> None:
        connector = connect(self.vendor, sandbox.base_url(self.vendor), self.wrong_login)
        with pytest.raises(AuthError):
            connector.destination().write(self.batch("update", [self.row(0, "x")]))
        connector.close()

    def test_a_vendor_that_is_down_is_no_lost_answer(self) -> None:
        connector = connect(self.vendor, "http://127.0.0.1:9", self.login)
        with pytest.raises(Unavailable) as caught:
            connector.destination().write(self.batch("create", [self.row(0, "x")]))
        assert not isinstance(caught.value, Lost)
        connector.close()
