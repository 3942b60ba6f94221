"""People come first: their edits stay as declared, and what we wrote ourselves wakes nobody up."""

from __future__ import annotations

import pytest

from tests.e2e.project import SENT, Acme, assert_log_folds

OURS = "hubspot_lead_scores"


def edit(acme: Acme, key: str, **values: str) -> None:
    acme.admin("POST", "records/hubspot/contacts", [{"id": key, "properties": values}])


def acked(acme: Acme, count: int) -> list[str]:
    rows = acme.query(
        "SELECT primary_key FROM tailrace_meta.ledger WHERE status = 'acked' ORDER BY 1 LIMIT ?".replace(
            "?", str(count)
        )
    )
    return [key for (key,) in rows]


def log_since(acme: Acme, seq: int) -> list[tuple]:
    return acme.query(
        f"SELECT _op, id, _changed_fields, _origin FROM hubspot.contacts__changes WHERE _seq > {seq} ORDER BY _seq"
    )


def last_seq(acme: Acme) -> int:
    return acme.query("SELECT max(_seq) FROM hubspot.contacts__changes")[0][0]


def awake(ran, step: str) -> set[str]:
    return {name for name, found in ran.steps(step).items() if found["status"] != "skipped"}


def test_our_own_writes_come_back_and_wake_nobody(acme):
    first = acme.run()
    seq = last_seq(acme)
    second = acme.run()
    back = log_since(acme, seq)
    assert len(back) == first.sync()["updated"] - first.sync()["dead"] > 200
    assert {(op, origin) for op, _, _, origin in back} == {("update", OURS)}
    assert {name for _, _, fields, _ in back for name in fields.split(",")} == set(SENT)
    assert awake(second, "build") == set()
    assert second.sync()["requests"] == 0
    judged = acme.query(
        "SELECT count(*) FROM tailrace_meta.validations WHERE run_id = (SELECT max(run_id) FROM tailrace_meta.runs)"
    )
    assert judged == [(0,)]
    assert_log_folds(acme, "hubspot", "contacts", cursors=("lastmodifieddate",))

    seen = len(acme.admin("GET", "requests?vendor=hubspot"))
    third = acme.run()
    requests = acme.admin("GET", "requests?vendor=hubspot")[seen:]
    assert [
        request
        for request in requests
        if request["rows_written"] or "batch" in request["path"] and "associations" not in request["path"]
    ] == []
    assert third.sync()["requests"] == 0
    assert log_since(acme, last_seq(acme)) == []


def test_a_persons_edit_of_our_field_is_seen_as_theirs(acme):
    acme.run()
    acme.run()
    one, other = acked(acme, 2)
    seq = last_seq(acme)
    edit(acme, one, lead_score="3")
    edit(acme, other, lead_score="4", jobtitle="Chief of staff")
    ran = acme.run()
    assert sorted(log_since(acme, seq)) == sorted(
        [("update", one, "lead_score", None), ("update", other, "jobtitle,lead_score", None)]
    )
    assert awake(ran, "build")


def conflict_project(acme: Acme, rule: str) -> None:
    """A model of a few contacts whose note and time come from a seed, and a sync that has a rule."""
    (acme.root / "models/marts/notes.sql").write_text(
        "SELECT id AS contact_id, email, n.note, CAST(n.updated_at AS TIMESTAMP) AS updated_at FROM {{ source('hubspot', 'contacts') }}"
        " JOIN {{ ref('notes_seed') }} AS n ON n.contact = id\n"
    )
    (acme.root / "reverse/notes.yml").write_text(
        "sync: notes\nmodel: notes\nconnection: hubspot\nobject: contacts\nmode: update\nprimary_key: contact_id\n"
        f"match: {{email: email}}\nupdated_at: updated_at\nfields:\n  jobtitle: {{column: note, conflict: {rule}}}\n"
    )


def seed(acme: Acme, notes: dict[str, tuple[str, str]]) -> None:
    lines = [f"{key},{note},{at}" for key, (note, at) in notes.items()]
    (acme.root / "seeds/notes_seed.csv").write_text("\n".join(["contact,note,updated_at", *lines, ""]))
    (acme.root / "seeds/notes_seed.yml").write_text(
        "seeds:\n  - name: notes_seed\n    config: {column_types: {contact: varchar, updated_at: timestamp}}\n"
    )


OLD, FUTURE = "2020-01-01 00:00:00", "2099-01-01 00:00:00"


@pytest.mark.parametrize(
    ("rule", "untouched", "empty_there", "edited", "edited_and_ours_newer", "emptied"),
    [
        ("ours", "second", "first", "second", "second", "second"),
        ("theirs", "as it was", "first", "a person's", "a person's", None),
        ("if_empty", "as it was", "first", "a person's", "a person's", "second"),
        ("newest", "as it was", "first", "a person's", "second", None),
    ],
)
def test_each_rule_before_and_after_the_first_sync(
    acme, rule, untouched, empty_there, edited, edited_and_ours_newer, emptied
):
    """`untouched` had a value before the first sync; the others were written by us, then edited, then changed by us."""
    people = [key for key, values in sorted(acme.contacts().items()) if "@" in (values.get("email") or "")][
        :5
    ]
    there, empty, plain, newer, gone = people
    edit(acme, there, jobtitle="as it was")
    for key in (empty, plain, newer, gone):
        edit(acme, key, jobtitle="")
    conflict_project(acme, rule)
    seed(acme, {key: ("first", OLD) for key in people})
    acme.run("+sync:notes")
    titles = {key: values.get("jobtitle") for key, values in acme.contacts().items()}
    assert [titles[key] for key in (empty, plain, newer, gone)] == ["first"] * 4
    assert titles[there] == ("first" if rule == "ours" else "as it was")
    status = dict(acme.query("SELECT primary_key, status FROM tailrace_meta.ledger WHERE sync = 'notes'"))
    assert status[there] == ("acked" if rule == "ours" else "conflict")

    for key, value in ((plain, "a person's"), (newer, "a person's"), (gone, "")):
        edit(acme, key, jobtitle=value)
    new = {key: ("second", FUTURE if key == newer else OLD) for key in people if key != empty}
    seed(acme, {**new, empty: ("first", OLD)})
    reads = len(history_reads(acme))
    second = acme.run("+sync:notes")
    titles = {key: values.get("jobtitle") or None for key, values in acme.contacts().items()}
    assert [titles[key] for key in (there, empty, plain, newer, gone)] == [
        untouched, empty_there, edited, edited_and_ours_newer, emptied,
    ]  # fmt: skip
    assert len(history_reads(acme)) - reads == (0 if rule == "ours" else 1)
    assert second.sync("notes")["dead"] == 0
    third = acme.run("+sync:notes")
    assert third.sync("notes")["requests"] == 0
    assert len(history_reads(acme)) - reads == (0 if rule == "ours" else 1)


def history_reads(acme: Acme) -> list[dict]:
    requests = acme.admin("GET", "requests?vendor=hubspot")
    return [
        request for request in requests if request["path"].endswith("objects/2026-09/contacts/batch/read")
    ]
