"""HubSpot's answers that could be read as something else: silence as absence, a number in prose as a trace, a key as a record id."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from tests.conformance.vendors import connect
from tests.unit.connectors.scripted import JSON, Step, vendor

from tailrace.connectors.hubspot import DECLARATION
from tailrace.connectors.hubspot.values import Unsendable, to_text
from tailrace.connectors.sdk.options import check_object
from tailrace.connectors.sdk.writing import (
    Link,
    Operation,
    TextBatch,
    WriteBatch,
    WriteRow,
)
from tailrace.errors import Unavailable

LOGIN = {"access_token": "sandbox", "max_wait": "1s"}
Told = dict[str, tuple[str, str | None]]
"""Outcome and remote id by trace."""


def answer(document: Any, status: int = 200) -> Step:
    return status, JSON, json.dumps(document).encode()


DONE: Step = (204, {}, b"")
DEFINITIONS = answer({"results": [{"name": "domain", "type": "string"}]})
LIST = answer({"list": {"listId": "5", "name": "L", "processingType": "MANUAL", "objectTypeId": "0-2"}})


def refusal(category: str = "VALIDATION_ERROR", message: str = "no", **context: Any) -> dict[str, Any]:
    return {"status": "error", "category": category, "message": message, "context": context}


def taken(key: str, trace: str | None = None, **properties: str) -> dict[str, Any]:
    return {
        "id": key,
        "properties": properties,
        **({} if trace is None else {"objectWriteTraceId": trace}),
    }


def batch_answer(*results: Any, errors: Sequence[Any] = ()) -> Step:
    document = {"status": "COMPLETE", "results": list(results), "numErrors": len(errors)}
    return answer({**document, "errors": list(errors)}, 207 if errors else 200)


def asked(call: Callable[[Any], Any], *steps: Step | None) -> tuple[Any, list[tuple[str, Any]]]:
    """What a call of the destination gives, with the paths and bodies that HubSpot saw."""
    with vendor(*steps) as crm:
        connector = connect("hubspot", crm.url, LOGIN)
        try:
            found = call(connector.destination())
        finally:
            connector.close()
    return found, [(path, json.loads(body or b"null")) for _, path, _, body in crm.asked]


def row(trace: str, key: str | None, remote_id: str | None = None, **values: Any) -> WriteRow:
    return WriteRow(trace, key, values or {"firstname": trace}, remote_id)


def write(operation: Operation, match: str | None, rows: Sequence[WriteRow], *steps: Step | None) -> Told:
    batch = WriteBatch("contacts", operation, match, tuple(rows))
    results, _ = asked(lambda crm: crm.write(batch), *steps)
    return {result.trace: (result.outcome, result.remote_id) for result in results}


# A row and somebody else's record


@pytest.mark.parametrize("operation", ["update", "upsert", "clear"])
def test_the_record_that_has_the_value_is_not_taken_for_the_row_s_own(operation: Operation) -> None:
    refused = refusal("CONFLICT", "Contact already exists. Existing ID: 502", objectWriteTraceId=["t1"])
    told = write(operation, None, [row("t1", None, "501")], batch_answer(errors=[refused]))
    assert told == {"t1": ("dead", "501")}


def test_a_create_tells_of_the_record_that_is_there() -> None:
    refused = refusal("CONFLICT", "Contact already exists. Existing ID: 502", objectWriteTraceId=["t1"])
    told = write("create", "email", [row("t1", "a@x.io")], batch_answer(errors=[refused]))
    assert told == {"t1": ("dead", "502")}


def test_keys_that_look_like_other_rows_record_ids() -> None:
    results = [taken("900", customer_no="51"), taken("51", customer_no="77")]
    told = write("upsert", "customer_no", [row("t1", "51"), row("t2", "77")], batch_answer(*results))
    assert told == {"t1": ("acked", "900"), "t2": ("acked", "51")}


def test_a_row_refused_without_a_name_does_not_get_another_row_s_record() -> None:
    given = batch_answer(taken("51", customer_no="77"), errors=[refusal()])
    told = write("upsert", "customer_no", [row("t1", "51"), row("t2", "77")], given)
    assert told == {"t1": ("unknown", None), "t2": ("acked", "51")}


def test_an_error_by_record_id_does_not_outweigh_a_result_by_trace() -> None:
    """51 is the record id of customer 77, and the number of another customer that was taken."""
    given = batch_answer(taken("900", "t1"), errors=[refusal(ids=["51"])])
    told = write("upsert", "customer_no", [row("t1", "51"), row("t2", "77")], given)
    assert told == {"t1": ("acked", "900"), "t2": ("unknown", None)}


def test_a_row_that_is_both_taken_and_refused_by_trace_is_not_known() -> None:
    given = batch_answer(taken("900", "t1"), errors=[refusal(objectWriteTraceId=["t1"])])
    assert write("update", "email", [row("t1", "a@x.io")], given) == {"t1": ("unknown", None)}


def test_a_number_in_the_words_is_no_trace() -> None:
    """Traces are ordinals: 5 is another row, which was taken."""
    results = [taken(str(900 + n), str(n)) for n in range(7) if n != 3]
    given = batch_answer(*results, errors=[refusal(message="lead_score must be at most 5")])
    batch = TextBatch("contacts", "upsert", "email", 0, [f"p{n}@x.io" for n in range(7)], ["{}"] * 7)
    written, _ = asked(lambda crm: crm.write_texts(batch), given)
    others = {each.trace: (each.outcome, each.reason) for each in written.others}
    assert {trace for trace, (outcome, _) in others.items() if outcome == "acked"} == set("012456")
    assert others["3"] == (
        "unknown",
        "HubSpot refused a row without saying which: lead_score must be at most 5",
    )


@pytest.mark.parametrize("lane", ["rows", "texts"])
def test_two_rows_that_hubspot_takes_for_one_record_are_told(lane: str) -> None:
    """A contact may have several e-mails: the record has one of the two rows' values, nobody knows whose."""
    given = batch_answer(taken("7", "0"), taken("7", "1"), taken("8", "2"))
    keys = ["a@x.io", "b@x.io", "c@x.io"]
    if lane == "texts":
        batch = TextBatch("contacts", "upsert", "email", 0, keys, ["{}"] * 3)
        written, _ = asked(lambda crm: crm.write_texts(batch), given)
        told = {each.trace: (each.outcome, each.remote_id) for each in written.others}
    else:
        told = write("upsert", "email", [row(str(n), key) for n, key in enumerate(keys)], given)
    assert told == {"0": ("dead", None), "1": ("dead", None), "2": ("acked", "8")}


# What passes, and what one row does to its neighbours


@pytest.mark.parametrize(
    ("operation", "category", "outcome"),
    [
        ("update", "RATE_LIMITS", "later"),
        ("upsert", "INTERNAL_ERROR", "later"),
        ("create", "RATE_LIMITS", "later"),
        ("create", "INTERNAL_ERROR", "unknown"),
        ("update", "VALIDATION_ERROR", "dead"),
    ],
)
def test_a_row_s_own_passing_failure_is_no_dead_letter(
    operation: Operation, category: str, outcome: str
) -> None:
    given = batch_answer(errors=[refusal(category, objectWriteTraceId=["t1"])])
    assert write(operation, "email", [row("t1", "a@x.io")], given) == {"t1": (outcome, None)}


def test_one_record_that_cannot_be_archived_holds_nobody_up() -> None:
    no = answer(refusal(message="2 is locked"), 400)
    rows = [row(f"t{n}", None, str(n)) for n in range(1, 5)]
    told = write("archive", None, rows, no, no, DONE, no, DONE)
    assert told == {
        "t1": ("acked", "1"),
        "t2": ("dead", "2"),
        "t3": ("acked", "3"),
        "t4": ("acked", "4"),
    }


def test_half_an_archive_that_was_done_is_told_whatever_befalls_the_rest() -> None:
    denied = answer(refusal("MISSING_SCOPES"), 403)
    rows = [row("t1", None, "1"), row("t2", None, "2")]
    told = write("archive", None, rows, answer(refusal(), 400), DONE, denied)
    assert told == {"t1": ("acked", "1"), "t2": ("unknown", "2")}


# Silence is not absence

SILENT = [
    batch_answer(errors=[refusal("INTERNAL_ERROR")]),
    batch_answer(),
    answer({"status": "PENDING"}),
    answer({"message": "no such path"}, 404),
    batch_answer(taken("1", email="b@x.io"), errors=[refusal("OBJECT_NOT_FOUND"), refusal("INTERNAL_ERROR")]),
    batch_answer(None, "x", errors=[None, "y"]),
]


@pytest.mark.parametrize("given", SILENT)
@pytest.mark.parametrize("reading", ["read_fields", "read_edits"])
def test_a_read_that_says_nothing_of_a_key_is_no_word_about_it(given: Step, reading: str) -> None:
    with pytest.raises(Unavailable, match=r"says nothing of \d of \d contacts"):
        asked(lambda crm: getattr(crm, reading)("contacts", "email", ["a@x.io", "b@x.io"], ["title"]), given)


@pytest.mark.parametrize(
    "given",
    [
        batch_answer(errors=[refusal("OBJECT_NOT_FOUND", ids=["a@x.io"])]),
        batch_answer(errors=[refusal("OBJECT_NOT_FOUND")]),
        answer(refusal("OBJECT_NOT_FOUND"), 404),
    ],
)
def test_a_key_that_is_said_to_be_unknown_is_absent(given: Step) -> None:
    found, _ = asked(lambda crm: crm.read_fields("contacts", "email", ["a@x.io"], ["title"]), given)
    assert found == {}


@pytest.mark.parametrize("reading", ["read_fields", "read_edits"])
def test_a_merged_record_is_asked_for_alone_and_goes_by_the_key_that_was_asked(reading: str) -> None:
    whole = batch_answer(taken("501", title="a"), taken("700", title="b"))
    alone = batch_answer(taken("700", title="b"))
    found, requests = asked(
        lambda crm: getattr(crm, reading)("contacts", None, ["501", "502"], ["title"]), whole, alone
    )
    assert set(found) == {"501", "502"}
    assert requests[1][1]["inputs"] == [{"id": "502"}]


def test_an_archive_waits_where_the_look_up_says_nothing() -> None:
    with pytest.raises(Unavailable):
        write("archive", "email", [row("t1", "a@x.io")], SILENT[0])


def moved(*steps: Step) -> Any:
    """A contact goes from company 9 to company 10: both are found, 100 is the contact's own id."""
    found = batch_answer(taken("9"), taken("10"))
    link = Link("companies", "hs_object_id", "10", before="9")
    sent = WriteRow("t1", None, {"a": 1}, "100", (link,))
    batch = WriteBatch("contacts", "update", None, (sent,))
    first = (found, batch_answer(taken("100", "t1")))
    made = answer({"results": [{"from": {"id": "100"}, "to": {"id": "10"}}]})
    return asked(lambda crm: crm.write(batch), *first, made, *steps)


def test_a_former_association_that_nothing_is_said_of_is_asked_again() -> None:
    with pytest.raises(Unavailable, match="nothing of the associations of 1 of 1 records"):
        moved(SILENT[0])


def test_a_record_that_has_no_association_left_is_done() -> None:
    none = {**refusal("OBJECT_NOT_FOUND", fromObjectId=["100"]), "subCategory": "NO_ASSOCIATIONS_FOUND"}
    [result], requests = moved(batch_answer(errors=[none]))
    assert (result.outcome, len(requests)) == ("acked", 4)


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (batch_answer(errors=[refusal("FORBIDDEN")]), "unknown"),
        (batch_answer(errors=[refusal("FORBIDDEN", ids=["100"])]), "dead"),
        (batch_answer(errors=[refusal("RATE_LIMITS", ids=["100"])]), "unknown"),
        (answer([]), "unknown"),
        (DONE, "acked"),
    ],
)
def test_an_association_is_gone_only_where_nobody_says_otherwise(given: Step, outcome: str) -> None:
    plain = {"toObjectId": "9", "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 279}]}
    there = answer({"results": [{"from": {"id": "100"}, "to": [plain]}]})
    [result], _ = moved(there, given)
    assert result.outcome == outcome


@pytest.mark.parametrize("operation", ["archive", "upsert"])
def test_nobody_leaves_a_list_by_a_value_that_several_have(operation: Operation) -> None:
    options, problems = check_object(
        DECLARATION, "list_members", "mirror", {"list": "5", "object": "companies"}
    )
    assert not problems
    firms = [taken(str(n), domain="acme.io") for n in (1, 2, 3)]
    found = answer({"total": 4, "results": [*firms, taken("4", domain="new.io")]})
    sent = WriteRow("t1", "acme.io", {})
    if operation == "upsert":
        sent = WriteRow("t1", "new.io", {}, previous_key="acme.io")
    batch = WriteBatch("list_members", operation, "domain", (sent,), options)
    [result], requests = asked(lambda crm: crm.write(batch), LIST, DEFINITIONS, found)
    assert (result.outcome, result.reason) == (
        "dead",
        "3 companies have domain=acme.io: 1, 2, 3; none was taken out of the list",
    )
    assert not [path for path, _ in requests if "memberships" in path]


# Odd shapes and odd values


@pytest.mark.parametrize(
    "document",
    [
        {"results": [None, taken("5", "t1")], "errors": [None, "boom"]},
        {"results": {}, "errors": ["boom"]},
        {"results": ["x"], "errors": [{"message": None, "context": "x", "errors": ["y", None]}]},
        [],
    ],
)
def test_nulls_and_texts_among_the_entries_say_nothing(document: Any) -> None:
    told = write("update", "email", [row("t1", "a@x.io"), row("t2", "b@x.io")], answer(document, 207))
    assert told["t2"] == ("unknown", None)
    assert told["t1"] in (("unknown", None), ("acked", "5"))


@pytest.mark.parametrize(
    "value",
    [
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-5))),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
        "\ud83d",
        ["a", "\ud83d"],
        {"a": "\ud83d"},
    ],
)
def test_what_has_no_text_holds_back_its_own_row(value: Any) -> None:
    with pytest.raises(Unsendable):
        to_text(value)
    rows = [row("t1", "a@x.io", x=value), row("t2", "b@x.io", x="y")]
    told = write("update", "email", rows, batch_answer(taken("2", "t2")))
    assert told == {"t1": ("dead", None), "t2": ("acked", "2")}
