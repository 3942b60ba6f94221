"""People at work in the org: a round of edits, new leads, deletes, a merge, and opportunities that move on."""

from __future__ import annotations

import random

from tailrace.sandbox.salesforce.org import Org, Record
from tailrace.sandbox.salesforce.world import STAGES
from tailrace.sandbox.world.contacts import free_email
from tailrace.sandbox.world.vocabulary import FIRST_NAMES, JOB_TITLES, LAST_NAMES

ORDER = [stage for stage, _ in STAGES.values()][:-1]
EDITED, MADE, GONE = 0.02, 0.01, 0.003


def work(org: Org, rng: random.Random, rounds_done: int) -> None:
    """One round; on the same records the same `rng` does the same."""
    for obj in ("Contact", "Lead"):
        _edit_delete_merge(org, rng, obj)
    _newcomers(org, rng, rounds_done)
    _move(org, rng)


def _rows(org: Org, obj: str) -> list[Record]:
    return sorted(org.live(org.tables[obj]), key=lambda row: str(row["Id"]))


def _edit_delete_merge(org: Org, rng: random.Random, obj: str) -> None:
    rows, table = _rows(org, obj), org.tables[obj]
    edited, gone = max(1, round(len(rows) * EDITED)), max(1, round(len(rows) * GONE))
    if len(rows) < edited + gone + 2:
        return
    chosen = rng.sample(rows, edited + gone + 2)
    for row in chosen[:edited]:
        org.update(
            table, row, {"Title": rng.choice(JOB_TITLES)[0], "Phone": f"+1 555 {rng.randrange(10**7):07d}"}
        )
    for row in chosen[edited:-2]:
        org.delete(table, row)
    org.merge(table, *chosen[-2:])


def _newcomers(org: Org, rng: random.Random, rounds_done: int) -> None:
    taken: set[str] = set()
    for _ in range(max(2, round(len(_rows(org, "Lead")) * MADE))):
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        email = free_email(first, last, f"newleads-{rounds_done + 1}.example", taken)
        values = {"FirstName": first, "LastName": last, "Email": email, "Company": "[not provided]"}
        org.create(org.tables["Lead"], {**values, "LeadSource": "Web", "OwnerId": org.user})


def _move(org: Org, rng: random.Random) -> None:
    table = org.tables["Opportunity"]
    opened = [row for row in _rows(org, "Opportunity") if row.get("StageName") in ORDER[:-1]]
    for row in rng.sample(opened, min(len(opened), 2)):
        stage = ORDER[ORDER.index(row["StageName"]) + 1]
        org.update(table, row, {"StageName": stage, "Probability": dict(STAGES.values())[stage]})
