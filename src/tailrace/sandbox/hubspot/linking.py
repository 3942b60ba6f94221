"""Associating records: checked types, the primary company, and the associations that a new record brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tailrace.sandbox.hubspot.errors import Refusal, invalid
from tailrace.sandbox.hubspot.kinds import (
    DEFAULT_TYPE,
    HUBSPOT_DEFINED,
    KINDS_OF,
    PRIMARY,
    SINGULAR,
    USER_DEFINED,
)
from tailrace.sandbox.hubspot.links import Types
from tailrace.sandbox.hubspot.portal import Portal

CATEGORIES = (HUBSPOT_DEFINED, USER_DEFINED, "INTEGRATOR_DEFINED", "WORK")
End = tuple[str, str]


@dataclass(frozen=True)
class Given:
    """An association that a new record brings along."""

    target: str
    target_id: str
    kind: int


def check_given(portal: Portal, obj: str, given: Any) -> list[Given]:
    """The `associations` of a create, checked; the target's type follows from the type id."""
    found = []
    for entry in given or []:
        to = entry.get("to") if isinstance(entry, dict) else None
        if not isinstance(to, dict) or "id" not in to:
            raise invalid("Invalid input JSON: associations need a `to` with an id")
        for kind in _kinds(entry.get("types")):
            target = next(
                (pair[1] for pair, kinds in KINDS_OF.items() if pair[0] == obj and kind in kinds), None
            )
            if target is None:
                raise invalid(f"Association type {kind} does not exist for {obj}")
            if portal.find(target, str(to["id"])) is None:
                raise absent(target, str(to["id"]))
            found.append(Given(target, str(to["id"]), kind))
    return found


def add_given(portal: Portal, obj: str, key: str, given: list[Given]) -> None:
    """Associate a record that was just made."""
    for one in given:
        associate(portal, (obj, key), (one.target, one.target_id), one.kind)


def associate(portal: Portal, one: End, other: End, kind: int) -> None:
    """Associate two records; a contact's primary company shows in its associatedcompanyid."""
    (source, source_id), (target, target_id) = one, other
    if kind in PRIMARY:
        before = portal.links.primary(source, source_id, target)
        if before is not None and before != target_id:
            portal.links.remove(source, source_id, target, before, frozenset(PRIMARY))
    portal.links.add(source, source_id, target, target_id, kind)
    if kind in portal.labels.get((source, target), ()) and (source, target) in DEFAULT_TYPE:
        portal.links.add(source, source_id, target, target_id, DEFAULT_TYPE[source, target])
    if {source, target} == {"contacts", "companies"}:
        _show_primary(portal, source_id if source == "contacts" else target_id)


def dissociate(
    portal: Portal, source: str, source_id: str, target: str, target_id: str, kinds: Types | None = None
) -> bool:
    """Take every association between two records away, or some kinds; False where there was none."""
    removed = portal.links.remove(source, source_id, target, target_id, kinds)
    if removed and {source, target} == {"contacts", "companies"}:
        _show_primary(portal, source_id if source == "contacts" else target_id)
    return removed


def _show_primary(portal: Portal, contact_id: str) -> None:
    contact = portal.find("contacts", contact_id)
    if contact is None or portal.schemas["contacts"].live("associatedcompanyid") is None:
        return
    company = portal.links.primary("contacts", contact_id, "companies") or ""
    if contact["properties"].get("associatedcompanyid", "") != company:
        portal.update("contacts", contact, {"associatedcompanyid": company}, "ASSOCIATION")


def absent(obj: str, key: str) -> Refusal:
    """The refusal of an association with a record that does not exist."""
    message = f"{SINGULAR.get(obj, obj).capitalize()} {key} does not exist"
    return Refusal(400, "VALIDATION_ERROR", message, context={"ids": [key]})


def _kinds(types: Any) -> list[int]:
    if not isinstance(types, list) or not types:
        raise invalid("Invalid input JSON: types must be a list of association types")
    for entry in types:
        if not isinstance(entry, dict) or entry.get("associationCategory") not in CATEGORIES:
            raise invalid(f"associationCategory must be one of {', '.join(CATEGORIES)}")
    return [int(entry.get("associationTypeId", 0)) for entry in types]


def checked_kinds(portal: Portal, types: Any, source: str, target: str) -> list[int]:
    """The type ids of a list of association types; Refusal where one does not lead from source to target."""
    kinds = _kinds(types)
    for kind in kinds:
        if kind not in (*KINDS_OF.get((source, target), ()), *portal.labels.get((source, target), ())):
            raise invalid(f"Association type {kind} does not exist from {source} to {target}")
    return kinds
