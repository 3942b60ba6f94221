"""HubSpot's answers in the shapes that a sandbox does not give: merged, out of order, without ids, refused for one property."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.conformance.vendors import connect
from tests.unit.connectors.scripted import JSON, Step, vendor

from tailrace.connectors.hubspot.association_types import Kind
from tailrace.connectors.hubspot.pairs import SILENT, _missing, _named
from tailrace.connectors.hubspot.refusals import stop_if_property_gone
from tailrace.connectors.sdk.writing import (
    Link,
    NewField,
    Operation,
    WriteBatch,
    WriteRow,
)
from tailrace.errors import FatalError, VendorRefused

LOGIN = {"access_token": "sandbox", "max_wait": "1s"}


def answer(document: Any, status: int = 200) -> Step:
    return status, JSON, json.dumps(document).encode()


def rows(*values: dict[str, Any]) -> tuple[WriteRow, ...]:
    return tuple(WriteRow(f"t-{n}", None, each, str(100 + n)) for n, each in enumerate(values))


def write(*steps: Step | None, sent: tuple[WriteRow, ...], operation: Operation = "update") -> Any:
    with vendor(*steps) as asked:
        connector = connect("hubspot", asked.url, LOGIN)
        try:
            results = connector.destination().write(WriteBatch("contacts", operation, None, sent))
        finally:
            connector.close()
    return [(one.trace, one.outcome, one.remote_id, one.reason) for one in results], asked.asked


def result(key: str, trace: str | None = None) -> dict[str, Any]:
    return {"id": key, "properties": {}, **({"objectWriteTraceId": trace} if trace else {})}


def test_a_merged_record_goes_by_its_new_id() -> None:
    given = answer({"status": "COMPLETE", "results": [result("999", "t-0"), result("101", "t-1")]})
    found, _ = write(given, sent=rows({"a": 1}, {"a": 2}))
    assert found == [("t-0", "acked", "999", None), ("t-1", "acked", "101", None)]


def test_results_out_of_order_and_one_that_is_missing() -> None:
    given = answer({"status": "COMPLETE", "results": [result("102"), result("100")]})
    found, _ = write(given, sent=rows({}, {}, {}))
    assert [(trace, outcome, key) for trace, outcome, key, _ in found] == [
        ("t-0", "acked", "100"),
        ("t-1", "unknown", None),
        ("t-2", "acked", "102"),
    ]


@pytest.mark.parametrize("document", [{"status": "COMPLETE"}, {"status": "COMPLETE", "results": []}])
def test_complete_with_no_results_is_no_word(document: dict[str, Any]) -> None:
    found, _ = write(answer(document), sent=rows({}, {}))
    assert {outcome for _, outcome, _, _ in found} == {"unknown"}


def test_an_error_that_names_no_row_leaves_the_others_unknown() -> None:
    error = {"status": "error", "category": "VALIDATION_ERROR", "message": "one of them is wrong"}
    given = answer({"results": [result("100", "t-0")], "numErrors": 1, "errors": [error]}, 207)
    found, _ = write(given, sent=rows({}, {}, {}))
    assert [outcome for _, outcome, _, _ in found] == ["acked", "unknown", "unknown"]


def test_a_failure_inside_a_200_is_a_failure() -> None:
    error = {"category": "VALIDATION_ERROR", "message": "no", "context": {"objectWriteTraceId": ["t-1"]}}
    given = answer({"results": [result("100", "t-0")], "numErrors": 1, "errors": [error]})
    found, _ = write(given, sent=rows({}, {}))
    assert found == [("t-0", "acked", "100", None), ("t-1", "dead", "101", "no")]


GONE = 'Property values were not valid: [{"isValid":false,"message":"Property \\"tier\\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"tier"}]'
WHOLE = {"status": "error", "category": "VALIDATION_ERROR", "message": GONE}
BY_CODE = {
    "status": "error",
    "message": "Property values were not valid",
    "errors": [
        {"message": "no such", "code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["tier"]}}
    ],
}


@pytest.mark.parametrize("document", [WHOLE, BY_CODE])
def test_a_batch_refused_for_a_property_of_every_row_is_not_halved(document: dict[str, Any]) -> None:
    with vendor(answer(document, 400)) as asked:
        connector = connect("hubspot", asked.url, LOGIN)
        sent = WriteBatch("contacts", "update", None, rows(*({"tier": "a"} for _ in range(100))))
        with pytest.raises(FatalError, match="no property tier any more, so none of 100 rows was taken"):
            connector.destination().write(sent)
        connector.close()
    assert len(asked.asked) == 1


def test_a_property_that_some_rows_have_is_halved_down_to_them() -> None:
    yes = [answer({"results": [result(str(100 + n), f"t-{n}")]}) for n in range(2)]
    found, asked = write(answer(WHOLE, 400), yes[0], answer(WHOLE, 400), sent=rows({"a": 1}, {"tier": 2}))
    assert [outcome for _, outcome, _, _ in found] == ["acked", "dead"]
    assert len(asked) == 3


def test_once_a_part_was_written_a_gone_property_is_its_rows_matter() -> None:
    """A create that ended in an error would be sent again, and the first half be made twice."""
    other = {"status": "error", "category": "VALIDATION_ERROR", "message": "not so"}
    made = answer({"results": [result("7", "t-0")]}, 201)
    sent = rows({"tier": 1}, {"tier": 2})
    found, asked = write(answer(other, 400), made, answer(WHOLE, 400), sent=sent, operation="create")
    assert [outcome for _, outcome, _, _ in found] == ["acked", "dead"]
    assert len(asked) == 3


def test_errors_of_all_rows_that_name_different_properties_stop_nothing() -> None:
    batch = WriteBatch("contacts", "update", None, rows({"a": 1, "b": 1}, {"a": 2, "b": 2}))
    errors = [{"message": f'Property "{name}" does not exist'} for name in "ab"]
    stop_if_property_gone(batch, errors, 2)
    with pytest.raises(FatalError, match="no property a "):
        stop_if_property_gone(batch, [errors[0], errors[0]], 2)


PAIRS = [("1", "9"), ("2", "9"), ("3", "8")]


def test_pairs_are_found_in_either_shape_of_answer() -> None:
    plain = {"results": [{"from": {"id": 1}, "to": {"id": "9"}}, {"from": {"id": "2"}, "to": {"id": "9"}}]}
    labelled = {"results": [{"fromObjectId": "3", "toObjectId": 8, "labels": ["x"]}]}
    assert set(_missing(PAIRS, plain)) == {("3", "8")}
    assert set(_missing(PAIRS, labelled)) == {("1", "9"), ("2", "9")}


def test_pairs_of_which_an_error_names_a_record_are_refused_and_the_rest_is_not_known() -> None:
    document = {"errors": [{"message": "Company 9 does not exist", "context": {"ids": [9]}}]}
    found = _missing(PAIRS, document)
    assert {pair: (why.reason, why.is_sure) for pair, why in found.items()} == {
        ("1", "9"): ("Company 9 does not exist", True),
        ("2", "9"): ("Company 9 does not exist", True),
        ("3", "8"): (SILENT, False),
    }
    assert _named(PAIRS, {"errors": [{"message": "something"}]}) == {}


def test_only_a_label_of_people_is_theirs() -> None:
    assert Kind("USER_DEFINED", 2001, "Advisor").by_people
    assert not Kind("USER_DEFINED", 1001, "").by_people
    assert not Kind("HUBSPOT_DEFINED", 1, "Primary").by_people


def test_a_search_walks_all_pages_before_it_calls_a_key_unknown() -> None:
    definitions = answer({"results": [{"name": "domain", "type": "string"}]})
    firms = [{"id": str(n), "properties": {"domain": f"d{n}.io"}} for n in range(3)]
    pages = [
        answer({"total": 3, "results": firms[:2], "paging": {"next": {"after": "2"}}}),
        answer({"total": 3, "results": firms[2:]}),
    ]
    done = answer({"results": [result("100", "t-0")]})
    tied = answer({"results": [{"from": {"id": "100"}, "to": {"id": "2"}}]})
    sent = (WriteRow("t-0", None, {"a": 1}, "100", (Link("companies", "domain", "D2.io"),)),)
    found, asked = write(definitions, *pages, done, tied, sent=sent)
    assert [outcome for _, outcome, _, _ in found] == ["acked"]
    filters = json.loads(asked[1][3])["filterGroups"][0]["filters"]
    assert filters == [{"propertyName": "domain", "operator": "IN", "values": ["d2.io"]}]
    assert json.loads(asked[2][3])["after"] == "2"
    assert json.loads(asked[4][3]) == {"inputs": [{"from": {"id": "100"}, "to": {"id": "2"}}]}


@pytest.mark.parametrize(("status", "ends"), [(201, True), (409, True), (400, False)])
def test_making_a_field(status: int, ends: bool) -> None:
    said = {"status": "error", "message": "the name is taken for the token sandbox"}
    with vendor(answer(said, status)) as asked:
        connector = connect("hubspot", asked.url, LOGIN)
        new = NewField("tier", "", "Tier", "VARCHAR")
        if ends:
            connector.destination().create_field("contacts", new)  # type: ignore[attr-defined]
        else:
            with pytest.raises(VendorRefused, match=r"the name is taken for the token \*\*\*"):
                connector.destination().create_field("contacts", new)  # type: ignore[attr-defined]
        connector.close()
    assert json.loads(asked.asked[0][3]) == {
        "name": "tier",
        "label": "Tier",
        "type": "string",
        "fieldType": "text",
        "groupName": "contactinformation",
        "options": [],
    }
