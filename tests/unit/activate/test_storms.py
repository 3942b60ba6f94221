"""Random worlds: whatever changes and fails on the way, two quiet runs later the vendor has what the model says."""

from __future__ import annotations

import random

import pytest
from tests.unit.activate.crm import CRM

from tailrace.activate import run as activate
from tailrace.errors import Unavailable
from tailrace.project.spec import FieldMap

KEYS = 260
ROUNDS = 6
SEEDS = (1,)


class World:
    """The model's rows as Python keeps them; every round changes some of everything."""

    def __init__(self, dice):
        self.dice = dice
        self.rows = {i: self.fresh(i) for i in range(KEYS)}
        self.quarantined: set[int] = set()

    def fresh(self, i):
        return {
            "email": f"p{i}@x.io",
            "score": self.dice.randrange(5),
            "grade": self.dice.choice(["A", None]),
            "consent": True,
            "wanted": True,
        }

    def shake(self):
        dice = self.dice
        for i in range(KEYS):
            throw = dice.random()
            if throw < 0.05:
                self.rows.pop(i, None)
            elif throw < 0.10:
                self.rows[i] = self.fresh(i)
            elif i in self.rows:
                row = self.rows[i]
                row["score"] = dice.randrange(5) if throw < 0.4 else row["score"]
                row["grade"] = dice.choice(["A", "B", None]) if throw > 0.8 else row["grade"]
                row["consent"] = dice.random() < 0.9 if throw > 0.9 else row["consent"]
                row["wanted"] = dice.random() < 0.9 if throw > 0.9 else row["wanted"]
                row["email"] = (
                    dice.choice([f"p{i}@x.io", f"q{i}@x.io", None, "twin@x.io"])
                    if throw > 0.97
                    else row["email"]
                )
        self.quarantined = {i for i in range(KEYS) if dice.random() < 0.03}

    def sql(self):
        if not self.rows:
            return "SELECT 1 AS contact_id, '' AS email, 1 AS score, '' AS grade, true AS consent, true AS wanted LIMIT 0"
        values = ", ".join(
            f"({i}, {text(r['email'])}, {r['score']}, {text(r['grade'])}, {r['consent']}, {r['wanted']})"
            for i, r in self.rows.items()
        )
        return f"SELECT * FROM (VALUES {values}) t(contact_id, email, score, grade, consent, wanted)"

    def eligible(self):
        there = {
            i: r
            for i, r in self.rows.items()
            if r["consent"] and r["wanted"] and i not in self.quarantined and r["email"]
        }
        emails = [r["email"] for r in there.values()]
        return {i: r for i, r in there.items() if emails.count(r["email"]) == 1}


def text(value):
    return "NULL" if value is None else f"'{value}'"


def misbehave(crm: CRM, dice):
    """Some rows refused, some answers missing, now and then a whole answer lost or the vendor down."""
    bad = {f"p{dice.randrange(KEYS)}@x.io" for _ in range(8)}
    crm.refuse = lambda values: "refused" if values["key"] in bad else None
    how = dice.random()
    state = {"n": 0}

    def before(batch):
        state["n"] += 1
        if how < 0.25 and state["n"] == 2:
            raise Unavailable("down")

    def after(batch, results):
        if 0.25 <= how < 0.5 and state["n"] == 1:
            raise Unavailable("answer lost")
        return [result for result in results if not (0.5 <= how < 0.7) or dice.random() < 0.9]

    crm.before, crm.after = before, after


def behave(crm: CRM):
    crm.refuse = lambda values: None
    crm.before = lambda batch: None
    crm.after = lambda batch, results: results


@pytest.mark.parametrize("if_null", ["clear", "skip"])
@pytest.mark.parametrize(
    ("mode", "on_removed"),
    [("update", "keep"), ("update", "clear"), ("upsert", "keep"), ("mirror", "archive")],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_two_quiet_runs_repair_everything(house, mode, on_removed, if_null, seed):
    dice = random.Random(f"{mode}{on_removed}{if_null}{seed}")
    house.with_sync(
        mode=mode, on_removed=on_removed, suppress="not consent", where="wanted",
        fields=(FieldMap("lead_score", "score"), FieldMap("lead_grade", "grade", if_null=if_null)),
    )  # fmt: skip
    if mode == "update":
        house.crm = CRM([f"{letter}{i}@x.io" for i in range(KEYS) for letter in "pq"] + ["twin@x.io"])
    world = World(dice)
    for _ in range(ROUNDS):
        world.shake()
        house.model(world.sql())
        house.quarantined = f'SELECT unnest({sorted(world.quarantined)}::BIGINT[]) AS "key"'
        misbehave(house.crm, dice)
        if dice.random() < 0.3:
            activate.recover(house.warehouse, house.store)
            house.prepare()  # killed before the first request
        else:
            house.run(in_flight=2)
    behave(house.crm)
    house.run()
    activate.dead_retry(house.warehouse)
    house.run()
    house.run()
    sent = len(house.crm.batches)
    house.run()
    assert len(house.crm.batches) == sent, "an idle run sent something"
    assert_vendor_has_the_model(house, world, if_null)


def assert_vendor_has_the_model(house, world, if_null):
    status = dict(house.warehouse.query("SELECT primary_key, status FROM tailrace_meta.ledger"))
    for i, row in world.eligible().items():
        assert status[str(i)] == "acked", (i, status[str(i)])
        record = house.crm.records[house.crm.by_key("email", row["email"])]
        assert record["lead_score"] == row["score"], (i, house.ledger(i))
        if row["grade"] is not None or if_null == "clear":
            assert record["lead_grade"] == row["grade"]
    assert set(status.values()) <= {
        "acked",
        "suppressed",
        "filtered",
        "quarantined",
        "removed",
        "unmatched",
        "dead",
    }
    for i in world.quarantined & set(world.rows):
        if world.rows[i]["consent"] and world.rows[i]["wanted"]:
            assert status[str(i)] == "quarantined"
