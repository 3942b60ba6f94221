"""Any history of edits, consent, conditions, keys, maps and limits, against the rules in plain Python."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.activate.conftest import NO_LIMITS, SYNC, House
from tests.unit.activate.crm import CRM

from tailrace.activate import run as activate
from tailrace.project.spec import FieldMap
from tailrace.state.sqlite import SQLiteStore
from tailrace.warehouse.duckdb import DuckDBWarehouse

KEYS = 6
MAPS = ({"a": "A", "b": "B"}, {"a": "A", "b": "Bee", "c": "C"})

edit = st.tuples(
    st.sampled_from(["score", "grade", "consent", "wanted", "email", "drop", "add"]),
    st.integers(0, KEYS - 1),
    st.integers(0, 2),
)
step = st.tuples(
    st.lists(edit, max_size=6), st.sampled_from([None, None, "limit", "full", "remap", "where", "stopped"])
)


class Rules:
    """What the vendor should have been told, row by row: the last accepted value of each key."""

    def __init__(self):
        self.rows = {i: self.fresh(i) for i in range(KEYS)}
        self.accepted: dict[int, tuple] = {}
        self.words = 0
        self.where = False

    def fresh(self, i):
        return {"email": f"p{i}@x.io", "score": 0, "grade": "a", "consent": True, "wanted": True}

    def edit(self, what, i, to):
        if what == "drop":
            self.rows.pop(i, None)
        elif what == "add":
            self.rows.setdefault(i, self.fresh(i))
        elif i in self.rows:
            self.rows[i][what] = {
                "score": to,
                "grade": ["a", "c", None][to],
                "consent": [True, False, None][to],
                "wanted": to != 1,
                "email": [f"p{i}@x.io", f"P{i}@X.io", f"q{i}@x.io"][to],
            }[what]

    def value(self, i):
        row = self.rows[i]
        return (row["email"].lower(), row["score"], MAPS[self.words].get(row["grade"]))

    def gate(self, i):
        row = self.rows[i]
        if not row["consent"]:
            return "suppressed"
        if self.where and not row["wanted"]:
            return "filtered"
        return "eligible"

    def dead(self, i):
        grade = self.rows[i]["grade"]
        return grade is not None and grade not in MAPS[self.words]

    def to_send(self, *, full):
        return [
            i for i in sorted(self.rows)
            if self.gate(i) == "eligible" and not self.dead(i) and (full or self.accepted.get(i) != self.value(i))
        ]  # fmt: skip

    def sql(self):
        values = ", ".join(
            f"({i}, '{r['email']}', {r['score']}, {text(r['grade'])}, {text(r['consent'])}::BOOLEAN, {r['wanted']})"
            for i, r in self.rows.items()
        )
        empty = "SELECT 0 AS contact_id, '' AS email, 0 AS score, '' AS grade, true AS consent, true AS wanted WHERE false"
        columns = "contact_id, email, score, grade, consent, wanted"
        return (
            f"SELECT contact_id, email, score, CAST(grade AS VARCHAR) AS grade, consent, wanted FROM (VALUES {values}) t({columns})"
            if values
            else empty
        )


def text(value):
    return "NULL" if value is None else f"'{value}'"


def mapping(rules):
    return (FieldMap("lead_score", "score"), FieldMap("lead_grade", "grade", map=MAPS[rules.words]))


def send(house, rules, how):
    """One run; the rows that it sends are the rows that the rules name, each once."""
    wanted = rules.to_send(full=how == "full")
    before = len(house.crm.batches)
    if how == "stopped":
        activate.recover(house.warehouse, house.store)
        house.prepare()  # killed before the first request
        return
    result = house.run(full_resync=how == "full", limit=2 if how == "limit" else None)
    chosen = wanted[:2] if how == "limit" else wanted
    sent = [row for batch in house.crm.batches[before:] for row in batch.rows]
    assert len(sent) == len(chosen) == result.counts.to_send, (how, wanted)
    rules.accepted |= {i: rules.value(i) for i in chosen}
    statuses(house, rules, set(wanted) - set(chosen))


def statuses(house, rules, waiting):
    found = dict(
        house.warehouse.query("SELECT CAST(primary_key AS INTEGER), status FROM tailrace_meta.ledger")
    )
    for i in rules.rows:
        gate = rules.gate(i)
        right = (
            gate
            if gate != "eligible"
            else "dead"
            if rules.dead(i)
            else "pending"
            if i in waiting
            else "acked"
        )
        assert found[i] == right, (i, found[i], right)
    assert {found[i] for i in found.keys() - rules.rows.keys()} <= {"removed"}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(step, min_size=2, max_size=7))
def test_what_changed_is_sent_once_and_nothing_else(tmp_path_factory, history):
    folder = tmp_path_factory.mktemp("history")
    guardrails = replace(NO_LIMITS, max_nulled=None, empty_model="send")
    house = House(folder, DuckDBWarehouse(None), SQLiteStore(folder / "state.db"), crm=CRM())
    house.sync = replace(SYNC, mode="upsert", suppress="not consent", guardrails=guardrails)
    rules = Rules()
    for edits, how in [*history, ([], None), ([], None)]:
        for each in edits:
            rules.edit(*each)
        rules.words ^= how == "remap"
        rules.where ^= how == "where"
        house.with_sync(fields=mapping(rules), where="wanted" if rules.where else None)
        house.model(rules.sql())
        send(house, rules, how)
    for i in rules.rows:
        if rules.gate(i) == "eligible" and not rules.dead(i):
            email, score, grade = rules.value(i)
            record = house.crm.records[house.crm.by_key("email", email)]
            assert (record["lead_score"], record["lead_grade"]) == (score, grade)
    house.warehouse.close()
    house.store.close()
