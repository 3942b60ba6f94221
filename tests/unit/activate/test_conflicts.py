"""Who wins where somebody else edited a field: each rule against each moment of an edit, by value and by the vendor's time."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.activate.crm import CONTACTS, CRM

from tailrace.activate.conflicts import Kept, kept_fields
from tailrace.activate.staging import SentField, StagedBatch, StagedRow
from tailrace.connectors.sdk.writing import Edit
from tailrace.errors import Unavailable
from tailrace.project.spec import FieldMap

ACKED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE, AFTER = ACKED_AT - timedelta(hours=1), ACKED_AT + timedelta(hours=1)
MUCH_LATER = ACKED_AT + timedelta(hours=9)


class Vendor:
    """Answers by what it is told, keys as HubSpot's: trimmed and in lower case; remembers what it was asked."""

    def __init__(self, **records: dict[str, Any]) -> None:
        self.records, self.asked = records, list[tuple[str, str | None, tuple[str, ...], tuple[str, ...]]]()

    def read_fields(self, obj, match_field, keys, names, options=None):
        self.asked.append(("values", match_field, tuple(keys), tuple(names)))
        return {
            key.lower(): {
                "id": "1",
                **{name: _edit(self.records[key.lower()].get(name)).value for name in names},
            }
            for key in keys
            if key.lower() in self.records
        }


class TimedVendor(Vendor):
    def read_edits(self, obj, match_field, keys, names, options=None):
        self.asked.append(("edits", match_field, tuple(keys), tuple(names)))
        return {
            key.lower(): {name: _edit(self.records[key.lower()].get(name)) for name in names}
            for key in keys
            if key.lower() in self.records
        }


def _edit(value: Any) -> Edit:
    return value if isinstance(value, Edit) else Edit(value, None)


def staged(ordinal: int = 0, **given: Any) -> StagedRow:
    empty: dict[str, Any] = {field.name: None for field in fields(StagedRow)}
    return StagedRow(
        **{**empty, "ordinal": ordinal, "lookup": False, "acked_at": ACKED_AT, "attempts": 0, **given}
    )


def row(new: dict | None, acked: dict | None, ordinal: int = 0, key: str = "jane", **given: Any) -> StagedRow:
    return staged(
        ordinal,
        key=key,
        document=None if new is None else json.dumps(new),
        acked=None if acked is None else json.dumps(acked),
        values=tuple((new or dict.fromkeys(acked or {})).values()),
        **given,
    )


def judge(
    vendor: Vendor, rule: str, *rows: StagedRow, operation: str = "update", kind: str = "VARCHAR", **more: Any
):
    sent = [SentField("note", more.pop("if_null", "clear"), rule, kind)]
    sent += [SentField(name, "clear", other, "BIGINT") for name, other in more.pop("others", {}).items()]
    batch = StagedBatch(0, operation, more.pop("by_id", False), rows)
    return kept_fields(vendor, "contacts", "email", batch, sent, {})


def verdict(found: dict[int, Kept]) -> str:
    if not found:
        return "written"
    kept = found[0]
    assert not (kept.fields and kept.overwritten)
    return "kept" if kept.fields else "overwritten"


THEIRS, NEWEST, IF_EMPTY = "theirs", "newest", "if_empty"
OURS, WANTED, PERSONS = "ours before", "ours now", "a person's"


@pytest.mark.parametrize(
    ("there", "theirs", "newest", "if_empty"),
    [
        (OURS, "written", "written", "written"),
        (WANTED, "written", "written", "written"),
        (PERSONS, "kept", "kept", "kept"),
        ("", "kept", "kept", "overwritten"),
        (None, "kept", "kept", "overwritten"),
    ],
)
def test_an_edit_since_our_last_write(there, theirs, newest, if_empty):
    """The edit is later than our write and than our value, whose time is that of the write."""
    for rule, expected in ((THEIRS, theirs), (NEWEST, newest), (IF_EMPTY, if_empty)):
        vendor = TimedVendor(jane={"note": Edit(there, AFTER, False, (OURS,))})
        assert (
            verdict(judge(vendor, rule, row({"note": WANTED}, {"note": OURS}, updated_at=ACKED_AT)))
            == expected
        )


@pytest.mark.parametrize(
    ("there", "theirs", "newest", "if_empty"),
    [
        (PERSONS, "kept", "kept", "kept"),
        (WANTED, "written", "written", "written"),
        (None, "written", "written", "written"),
    ],
)
def test_what_stands_there_before_the_first_sync(there, theirs, newest, if_empty):
    for rule, expected in ((THEIRS, theirs), (NEWEST, newest), (IF_EMPTY, if_empty)):
        vendor = TimedVendor(jane={"note": Edit(there, BEFORE, False)})
        first = row({"note": WANTED}, None, acked_at=None, updated_at=BEFORE - timedelta(days=1))
        assert verdict(judge(vendor, rule, first)) == expected


def test_newest_takes_a_value_that_is_newer_than_the_edit_at_the_first_sync_too():
    vendor = TimedVendor(jane={"note": Edit(PERSONS, BEFORE, False)})
    assert (
        verdict(judge(vendor, NEWEST, row({"note": WANTED}, None, acked_at=None, updated_at=ACKED_AT)))
        == "overwritten"
    )


@pytest.mark.parametrize(
    ("updated_at", "expected"),
    [
        (MUCH_LATER, "overwritten"),
        (AFTER, "overwritten"),
        (AFTER - timedelta(milliseconds=1), "kept"),
        (BEFORE, "kept"),
        (None, "kept"),
    ],
)
def test_newest_compares_the_edit_with_our_value(updated_at, expected):
    vendor = TimedVendor(jane={"note": Edit(PERSONS, AFTER, False, (OURS,))})
    assert (
        verdict(judge(vendor, NEWEST, row({"note": WANTED}, {"note": OURS}, updated_at=updated_at)))
        == expected
    )


def test_times_without_a_zone_are_utc():
    vendor = TimedVendor(jane={"note": Edit(PERSONS, AFTER, False)})
    naive = row(
        {"note": WANTED},
        {"note": OURS},
        updated_at=MUCH_LATER.replace(tzinfo=None),
        acked_at=ACKED_AT.replace(tzinfo=None),
    )
    assert verdict(judge(vendor, NEWEST, naive)) == "overwritten"


def test_an_edit_without_a_known_time_stays():
    for vendor in (TimedVendor(jane={"note": Edit(PERSONS, None)}), Vendor(jane={"note": PERSONS})):
        assert (
            verdict(judge(vendor, NEWEST, row({"note": WANTED}, {"note": OURS}, updated_at=MUCH_LATER)))
            == "kept"
        )


def test_a_vendors_clock_that_is_behind_does_not_hide_an_edit():
    """By its clock the edit is older than our write by ours; its history has our value before it."""
    vendor = TimedVendor(jane={"note": Edit(PERSONS, BEFORE, True, (OURS, "older"))})
    late = row({"note": WANTED}, {"note": OURS}, updated_at=BEFORE - timedelta(hours=1))
    assert verdict(judge(vendor, NEWEST, late)) == "kept"


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Edit("OURS, TRIMMED", ACKED_AT + timedelta(seconds=5), True, ("older",)), "written"),
        (Edit("somebody's", ACKED_AT + timedelta(seconds=5), False, ("older",)), "kept"),
        (Edit("a program's", ACKED_AT + timedelta(seconds=5), True, (OURS,)), "kept"),
        (Edit("a program's", ACKED_AT + timedelta(minutes=2), True, ("older",)), "kept"),
        (Edit("unknown", BEFORE + timedelta(seconds=1), None, ()), "kept"),
    ],
)
def test_our_own_write_in_the_vendors_spelling_is_no_edit(edit, expected):
    vendor = TimedVendor(jane={"note": edit})
    assert (
        verdict(judge(vendor, NEWEST, row({"note": WANTED}, {"note": OURS}, updated_at=BEFORE))) == expected
    )


@pytest.mark.parametrize(
    ("kind", "there", "acked", "same"),
    [
        ("DOUBLE", "85.0", 85, True),
        ("DOUBLE", "0.30000000000000004", 0.3, True),
        ("BIGINT", "9007199254740993", 9007199254740993, True),
        ("BIGINT", "9007199254740993", 9007199254740992, False),
        ("DECIMAL(18,3)", "1.500", 1.5, True),
        ("DECIMAL(18,3)", "1.501", 1.5, False),
        ("BOOLEAN", "TRUE", True, True),
        ("BOOLEAN", "false", True, False),
        ("TIMESTAMP", "2026-01-01T12:00:00.123+02:00", "2026-01-01T10:00:00.123456Z", True),
        ("TIMESTAMP", "1767261600123", "2026-01-01T10:00:00.123000Z", True),
        ("TIMESTAMP", "-86400000", "1969-12-31T00:00:00.000000Z", False),
        ("TIMESTAMP", "-8640000000", "1969-09-23T00:00:00.000000Z", True),
        ("TIMESTAMP", "2026-01-01T10:00:00.124Z", "2026-01-01T10:00:00.123000Z", False),
        ("DATE", "2026-01-01T00:00:00Z", "2026-01-01", True),
        ("DATE", "1969-07-20", "1969-07-20", True),
        ("DATE", "2026-01-02", "2026-01-01", False),
        ("VARCHAR", "b;a;c", "a;b;c", True),
        ("VARCHAR", "a;b", "a;b;c", False),
        ("VARCHAR", "007", "7", False),
        ("VARCHAR", "+4912", "4912", False),
        ("VARCHAR", "1.0", "1", False),
        ("VARCHAR", " text\n", "text", True),
        ("VARCHAR", "Text", "text", False),
        ("VARCHAR", "=HYPERLINK(1)", "=HYPERLINK(1)", True),
        ("VARCHAR", "\U0001f600", "\U0001f601", False),
    ],
)
def test_values_compare_as_what_they_are(kind, there, acked, same):
    vendor = Vendor(jane={"note": there})
    found = judge(vendor, THEIRS, row({"note": "0"}, {"note": acked}), kind=kind)
    assert verdict(found) == ("written" if same else "kept")


def test_the_ledger_keeps_what_was_accepted():
    vendor = Vendor(jane={"note": PERSONS}, joe={"note": PERSONS})
    found = judge(
        vendor, THEIRS, row({"note": WANTED}, {"note": OURS}), row({"note": WANTED}, None, 1, "joe")
    )
    assert found == {
        0: Kept(("note",), True, {"note": OURS}),
        1: Kept(("note",), True, {"note": None}),
    }


def test_a_row_with_other_news_is_sent_without_the_field():
    vendor = Vendor(jane={"note": PERSONS})
    for acked, whole in (
        ({"note": OURS, "score": 1}, True),
        ({"note": OURS, "score": 2}, False),
        ({"note": OURS}, False),
    ):
        found = judge(vendor, THEIRS, row({"note": WANTED, "score": 1}, acked), others={"score": "ours"})
        assert (found[0].fields, found[0].all_changes) == (("note",), whole)


def test_a_row_sent_again_without_any_change_still_sends_its_other_fields():
    """A full resync: the ledger says that nothing changed, and a person changed the field that is theirs."""
    vendor = Vendor(jane={"note": PERSONS})
    same = row({"note": OURS, "score": 1}, {"note": OURS, "score": 1})
    assert not judge(vendor, THEIRS, same, others={"score": "ours"})[0].all_changes
    assert judge(vendor, THEIRS, row({"note": OURS}, {"note": OURS}))[0].all_changes


def test_a_new_association_is_news():
    vendor = Vendor(jane={"note": PERSONS})
    document = json.dumps({"note": WANTED, "associations.companies": "x.io"})
    moved = staged(key="jane", document=document, acked=json.dumps({"note": OURS}), values=(WANTED,))
    assert not judge(vendor, THEIRS, moved)[0].all_changes


def test_a_changed_key_is_news_although_every_field_is_kept():
    vendor = Vendor(**{"77": {"note": PERSONS}})
    moved = row({"note": WANTED}, {"note": OURS}, remote_id="77", key="new@x.io")
    kept = judge(vendor, THEIRS, moved, by_id=True)[0]
    assert kept.fields == ("note",) and not kept.all_changes
    assert vendor.asked == [("values", None, ("77",), ("note",))]


def test_keys_that_differ_by_case_are_one_record():
    vendor = Vendor(**{"jane@x.io": {"note": PERSONS}})
    assert verdict(judge(vendor, THEIRS, row({"note": WANTED}, {"note": OURS}, key="Jane@X.io"))) == "kept"


@pytest.mark.parametrize("rule", [THEIRS, NEWEST, IF_EMPTY])
@pytest.mark.parametrize("operation", ["update", "upsert", "clear"])
def test_a_record_that_took_our_values_and_of_which_nothing_is_told_is_not_written(rule, operation):
    """An answer that lacks it may lack an edit: it counts as gone after three runs of silence."""
    told = row({"note": WANTED}, {"note": OURS})
    assert judge(TimedVendor(), rule, told, operation=operation)[0].unread == "pending"
    assert judge(TimedVendor(), rule, replace(told, attempts=2), operation=operation)[0].all_changes
    assert judge(TimedVendor(), rule, replace(told, attempts=3), operation=operation) == {}


def test_a_record_that_is_not_there_at_the_first_time_is_made_or_unmatched():
    first = row({"note": WANTED}, None, acked_at=None)
    assert judge(Vendor(), THEIRS, first, operation="upsert") == {}
    assert judge(Vendor(), THEIRS, first)[0].unread == "unmatched"
    by_id = replace(first, remote_id="7")
    assert judge(Vendor(), THEIRS, by_id, by_id=True)[0].unread == "pending"


def test_a_null_that_is_skipped_leaves_nothing_to_judge():
    vendor = Vendor(jane={"note": PERSONS})
    empty = staged(
        key="jane", document=json.dumps({"note": OURS}), acked=json.dumps({"note": OURS}), values=(None,)
    )
    assert judge(vendor, THEIRS, empty, if_null="skip") == {}
    assert judge(vendor, THEIRS, empty, if_null="skip", operation="clear")[0].fields == ("note",)


def test_clearing_leaves_what_a_person_wrote():
    vendor = Vendor(jane={"note": PERSONS}, joe={"note": OURS})
    gone = [row(None, {"note": OURS}), row(None, {"note": OURS}, 1, "joe")]
    found = judge(vendor, IF_EMPTY, *gone, operation="clear")
    assert {place: (kept.fields, kept.all_changes) for place, kept in found.items()} == {0: (("note",), True)}


@pytest.mark.parametrize("operation", ["create", "archive"])
def test_nothing_is_read_where_nothing_can_be_kept(operation):
    vendor = Vendor(jane={"note": PERSONS})
    assert judge(vendor, THEIRS, row({"note": WANTED}, None), operation=operation) == {}
    assert vendor.asked == []


def test_nothing_is_read_where_all_fields_are_ours():
    vendor = TimedVendor(jane={"note": PERSONS})
    assert judge(vendor, "ours", row({"note": WANTED}, {"note": OURS}), others={"score": "ours"}) == {}
    assert vendor.asked == []


def test_times_are_asked_only_where_a_rule_needs_them():
    rows = [row({"note": WANTED, "score": 1}, None, place, f"p{place}") for place in range(3)]
    for other, asked in (("if_empty", "values"), ("newest", "edits"), ("ours", "values")):
        vendor = TimedVendor()
        judge(vendor, THEIRS, *rows, others={"score": other})
        names = ("note", "score") if other != "ours" else ("note",)
        assert vendor.asked == [(asked, "email", ("p0", "p1", "p2"), names)]


def test_a_read_that_fails_is_not_hidden():
    class Down(Vendor):
        def read_fields(self, *args, **more):
            raise Unavailable("HubSpot is down", "run again")

    with pytest.raises(Unavailable):
        judge(Down(), THEIRS, row({"note": WANTED}, {"note": OURS}))


def guarded_house(house, rule: str, **more) -> None:
    house.with_sync(
        fields=(FieldMap("lead_score", "score"), FieldMap("note", "note", conflict=rule)),
        updated_at="changed_at",
        **more,
    )
    house.obj = replace(CONTACTS, conflicts=("ours", "theirs", "newest", "if_empty"))


def model(house, notes: list[str], score: int = 1) -> None:
    rows = ", ".join(
        f"({i}, 'p{i}@x.io', {score}, '{note}', TIMESTAMP '2026-01-01')" for i, note in enumerate(notes)
    )
    house.model(f"SELECT * FROM (VALUES {rows}) AS t(contact_id, email, score, note, changed_at)")


def test_a_read_that_fails_leaves_the_batch_waiting_and_nothing_written(house, monkeypatch):
    guarded_house(house, "theirs")
    model(house, ["n0", "n1"])
    for i in range(2):
        house.crm.add({"email": f"p{i}@x.io"})

    def down(*args, **more):
        raise Unavailable("HubSpot is down", "run again")

    with monkeypatch.context() as patched:
        patched.setattr(house.crm, "read_fields", down)
        assert house.run().status == "failed"
    assert house.crm.batches == []
    assert house.statuses() == {"pending": 2}
    assert house.run().status == "ok"
    assert house.statuses() == {"acked": 2}


def test_kept_and_overwritten_fields_are_counted_and_the_rest_is_sent(house):
    guarded_house(house, "if_empty")
    keys = [house.crm.add({"email": f"p{i}@x.io"}) for i in range(3)]
    model(house, ["n0", "n1", "n2"])
    house.run()
    house.crm.records[keys[0]]["note"] = "a person's"
    house.crm.records[keys[1]]["note"] = ""
    model(house, ["m0", "m1", "m2"], score=2)
    counts = house.run().counts
    assert (counts.kept, counts.overwritten, counts.conflict) == (1, 1, 0)
    assert [house.crm.records[key]["note"] for key in keys] == ["a person's", "m1", "m2"]
    assert [house.crm.records[key]["lead_score"] for key in keys] == [2, 2, 2]
    assert house.run().counts.requests == 0


def test_a_sync_whose_fields_are_all_ours_reads_nothing(house):
    house.rows(250)
    house.run()
    house.rows(250, score="i % 100 + 1")
    house.run()
    assert house.crm.reads == []


def test_reads_are_one_a_batch(house):
    guarded_house(house, "theirs")
    for i in range(250):
        house.crm.add({"email": f"p{i}@x.io"})
    model(house, ["n"] * 250)
    house.run()
    assert [len(keys) for _, _, keys, _ in house.crm.reads] == [100, 100, 50]


def test_an_edit_is_seen_under_the_vendors_own_spelling_of_the_key(house):
    class Spelling(CRM):
        def read_fields(self, *given, **more):
            return {record["email"]: {"id": "1", **record} for record in self.records.values()}

    house.with_sync(fields=(FieldMap("lead_score", "score", conflict="theirs"),))
    house.crm = Spelling()
    house.crm.add({"email": "Jos\u00e9@x.io", "lead_score": "HUMAN"})
    house.model("SELECT 0 AS contact_id, 'jose\u0301@x.io' AS email, 1::BIGINT AS score, 'A' AS grade")
    house.run()
    assert house.statuses() == {"conflict": 1}
