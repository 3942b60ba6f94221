"""What is sent to Salesforce, byte by byte, and what its errors are read as."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import orjson
import pytest

from tailrace.connectors.salesforce.finder import literal
from tailrace.connectors.salesforce.ingest import lines, written
from tailrace.connectors.salesforce.refusals import Refusal
from tailrace.connectors.salesforce.target import Target
from tailrace.connectors.salesforce.values import Unsendable, as_cell, as_json, plain


@pytest.mark.parametrize(
    ("value", "kind", "sent"),
    [
        (Decimal("12345678901234567890.123456789"), "currency", b"12345678901234567890.123456789"),
        (2**63, "double", b"9223372036854775808"),
        (10**30, "double", b"1000000000000000000000000000000"),
        (1e22, "double", b"10000000000000000000000"),
        (0.1 + 0.2, "double", b"0.30000000000000004"),
        (Decimal("100"), "int", b"100"),
        (Decimal("1E+2"), "int", b"100"),
        (-0.0, "double", b"0"),
        (" 7 ", "double", b"7"),
        (2**63, "string", b'"9223372036854775808"'),
        (Decimal("1.50"), "string", b'"1.5"'),
        (True, "boolean", b"true"),
        (0, "boolean", b"false"),
        ("True", "boolean", b"true"),
        (None, "boolean", b"null"),
        (date(1600, 2, 29), "date", b'"1600-02-29"'),
        (datetime(1969, 12, 31, 23, 59, 59, 999999), "datetime", b'"1969-12-31T23:59:59.999Z"'),
        ("2026-01-01", "date", b'"2026-01-01"'),
        (3, "", b"3"),
        (False, "", b"false"),
        ("x", "", b'"x"'),
        ("", "string", b'""'),
        (["a", 1], "multipicklist", b'"a;1"'),
    ],
)
def test_a_value_goes_as_its_fields_type(value, kind, sent):
    assert orjson.dumps(as_json(plain(value, kind))) == sent


@pytest.mark.parametrize(
    ("value", "kind", "why"),
    [
        ("", "double", "'' is not a number"),
        ("1,5", "double", "'1,5' is not a number"),
        ("NaN", "double", "NaN is not a number that can be sent"),
        (float("inf"), "currency", "inf is not a number that can be sent"),
        (True, "int", "True is not a number"),
        (2, "boolean", "2 is neither true nor false"),
        (1.0, "boolean", "1.0 is neither true nor false"),
        (datetime(2026, 1, 1, 0, 0, 1), "date", "2026-01-01T00:00:01 is a time, and the field takes a date"),
        (b"x", "string", "a value of type bytes cannot be sent"),
        ("\udc00", "string", "half a character"),
    ],
)
def test_a_value_that_has_no_form_is_refused(value, kind, why):
    with pytest.raises(Unsendable, match=why):
        plain(value, kind)


@pytest.mark.parametrize(
    ("value", "kind", "cell"),
    [(None, "string", "#N/A"), ("", "string", "#N/A"), (True, "boolean", "true"), (Decimal("1.10"), "double", "1.1")],
)  # fmt: skip
def test_cells_clear_by_a_sign(value, kind, cell):
    assert as_cell(plain(value, kind)) == cell


def test_a_csv_is_read_as_it_was_written():
    rows = [{"Id": "1", "A": '"x",\n\r\n =1 '}, {"Id": "2", "B": "#N/A"}]
    (data, count), *more = written(rows)
    assert (count, more) == (2, [])
    assert data.splitlines()[0] == '"Id","A","B"'
    assert [dict(line) for line in lines(data.encode())] == [
        {"Id": "1", "A": '"x",\n\r\n =1 ', "B": ""},
        {"Id": "2", "A": "", "B": "#N/A"},
    ]
    assert list(written([])) == []
    assert lines(b"") == [] and lines(b'"Id","A"\n"1","cut') == []


@pytest.mark.parametrize(
    ("key", "kind", "written_so"),
    [
        ("it's \\ \n", "string", "'it\\'s \\\\ \\n'"),
        ("", "string", None),
        ("003000000000001", "id", "'003000000000001'"),
        ("003000000000001AAA", "reference", "'003000000000001AAA'"),
        ("003' OR Id != '", "id", None),
        ("1e3", "double", "1000"),
        ("nan", "double", None),
        ("seven", "double", None),
    ],
)
def test_keys_in_soql(key, kind, written_so):
    assert literal(key, kind) == written_so


@pytest.mark.parametrize(
    ("cell", "reason", "field"),
    [
        ("REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
         "REQUIRED_FIELD_MISSING: Required fields are missing: [LastName]", "LastName"),
        ("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record: 001:--",
         "UNABLE_TO_LOCK_ROW: unable to obtain exclusive access to this record: 001", None),
        ("INVALID_EMAIL_ADDRESS:Email: invalid email address: a:b:Email --",
         "INVALID_EMAIL_ADDRESS: Email: invalid email address: a:b", "Email"),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION:not\non a Monday:Title Phone --",
         "FIELD_CUSTOM_VALIDATION_EXCEPTION: not\non a Monday", "Title"),
        ("INVALID_FIELD:No such column 'X__c' on entity:--", "INVALID_FIELD: No such column 'X__c' on entity", "X__c"),
        ("nothing like it", "nothing like it", None),
        ("", "refused", None),
    ],
)  # fmt: skip
def test_errors_in_a_csv(cell, reason, field):
    found = Refusal.of_cell(cell)
    assert (found.reason, found.field) == (reason, field)


def test_errors_in_json_are_read_by_either_name():
    row = {"statusCode": "STRING_TOO_LONG", "message": "data value too large", "fields": ["Title"]}
    assert (Refusal.of(row).reason, Refusal.of(row).field) == (
        "STRING_TOO_LONG: data value too large",
        "Title",
    )
    words = "Required fields are missing: [LastName, Company]"
    assert Refusal.of({"errorCode": "REQUIRED_FIELD_MISSING", "message": words}).field == "LastName"
    assert Refusal.of({}).reason == "refused"


def test_what_is_looked_up_by_is_no_external_id():
    fields = [
        {"name": "Email", "type": "email", "idLookup": True},
        {"name": "Ext__c", "type": "string", "externalId": True},
        {"name": "Id", "type": "id", "idLookup": True},
    ]
    there = Target("salesforce", {"name": "Contact", "fields": fields}).remote_fields()
    told = {name: (field.unique, field.upserts) for name, field in there.items()}
    assert told == {"Email": (True, False), "Ext__c": (True, True), "Id": (True, False)}
