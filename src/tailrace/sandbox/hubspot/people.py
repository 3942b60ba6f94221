"""People at work in the CRM: the world proposes a round, the portal applies and stamps it."""

from __future__ import annotations

import random
from collections.abc import Mapping

from tailrace.sandbox.hubspot.history import CRM_UI
from tailrace.sandbox.hubspot.kinds import DEFAULT_TYPE
from tailrace.sandbox.hubspot.linking import associate
from tailrace.sandbox.hubspot.portal import Portal
from tailrace.sandbox.hubspot.world import note_of, task_of, ticket_of
from tailrace.sandbox.store import Record
from tailrace.sandbox.world.people import CrmRound, crm_round

PRIMARY_COMPANY = 1


def work(portal: Portal, rng: random.Random, rounds_done: int) -> None:
    """One round; on the same records the same `rng` does the same."""
    contacts, deals = _live(portal, "contacts"), _live(portal, "deals")
    plan = crm_round(rng, contacts, deals, rounds_done)
    for key, changes in plan.edited:
        _edit(portal, "contacts", key, changes)
    for key in plan.archived:
        portal.archive("contacts", key, CRM_UI)
    _merge(portal, plan)
    employers = _employers(portal, contacts)
    for values in plan.created:
        made = portal.create("contacts", _defined(portal, "contacts", values), CRM_UI)
        if employers:
            associate(portal, ("contacts", made["id"]), ("companies", rng.choice(employers)), PRIMARY_COMPANY)
    for key, changes in plan.deals:
        _move(portal, key, changes)
    _serve(portal, rng)


def _serve(portal: Portal, rng: random.Random) -> None:
    """Support and sales at their desks: a new note, task and ticket, a task done, a ticket closed, a note thrown away."""
    people, notes = _live(portal, "contacts"), _live(portal, "notes")
    if not people:
        return
    for obj, values_of in (("notes", note_of), ("tasks", task_of), ("tickets", ticket_of)):
        if obj in portal.tables:
            person = rng.choice(people)
            values = values_of(rng, person["properties"])
            made = portal.create(obj, _defined(portal, obj, values), CRM_UI)
            associate(portal, (obj, made["id"]), ("contacts", person["id"]), DEFAULT_TYPE[obj, "contacts"])
    for obj, changes in (("tasks", {"hs_task_status": "COMPLETED"}), ("tickets", {"hs_pipeline_stage": "4"})):
        live = _live(portal, obj)
        if live:
            _edit(portal, obj, rng.choice(live)["id"], changes)
    if len(notes) > 1:
        portal.archive("notes", rng.choice(notes)["id"], CRM_UI)


def _live(portal: Portal, obj: str) -> list[Record]:
    return list(portal.tables[obj]) if obj in portal.tables else []


def _edit(portal: Portal, obj: str, key: str, changes: Mapping[str, str]) -> None:
    record = portal.find(obj, key)
    if record is not None:
        portal.update(obj, record, _defined(portal, obj, changes), CRM_UI)


def _merge(portal: Portal, plan: CrmRound) -> None:
    if plan.merged is None:
        return
    winner, loser = (portal.find("contacts", key) for key in plan.merged)
    if winner is not None and loser is not None:
        portal.merge("contacts", winner, loser, CRM_UI)


def _move(portal: Portal, key: str, changes: Mapping[str, str]) -> None:
    deal = portal.find("deals", key)
    if deal is None:
        return
    closing = {}
    if changes.get("hs_is_closed") == "true" and not deal["properties"].get("closedate"):
        closing["closedate"] = deal["updatedAt"]
    portal.update("deals", deal, _defined(portal, "deals", {**changes, **closing}), CRM_UI)


def _employers(portal: Portal, contacts: list[Record]) -> list[str]:
    """Companies that newcomers may belong to: those of the first contacts."""
    found = (portal.links.primary("contacts", record["id"], "companies") for record in contacts[:50])
    return sorted({key for key in found if key is not None and portal.find("companies", key)})


def _defined(portal: Portal, obj: str, values: Mapping[str, str]) -> dict[str, str]:
    """What the account has properties for: recorded accounts lack some."""
    schema = portal.schemas[obj]
    return {name: value for name, value in values.items() if schema.live(name)}
