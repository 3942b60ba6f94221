"""A sync's fields against those that its vendor has: what is missing, closed or cannot be matched on, and making what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.connectors.sdk.writing import (
    CreatesFields,
    Destination,
    NewField,
    RemoteField,
)
from tailrace.errors import VendorRefused, near_miss
from tailrace.project.spec import FieldMap, Sync

Problem = tuple[str, str]
"""What is wrong, and the fix."""


def problems(
    there: Mapping[str, RemoteField], sync: Sync, destination: Destination | None = None
) -> Iterator[Problem]:
    """Everything at once; nothing where the vendor tells of no fields. What `create_fields` will make is no problem.

    `destination` tells whether it could make them.
    """
    if not there:
        return
    lacking = [] if sync.create_fields else missing(there, sync)
    if lacking:
        fix = near_miss(lacking[0].field, list(there)) if len(lacking) == 1 else "create them there"
        if isinstance(destination, CreatesFields) and not fix.startswith("did you mean"):
            fix = f"`create_fields: true` in the sync makes what is missing{'; ' if fix else ''}{fix}"
        names = ", ".join(field.field for field in lacking)
        yield f"{sync.object} of {sync.connection} has no field {names}", fix
    closed = [each.field for each in sync.fields if not there.get(each.field, OPEN).writable]
    if closed:
        yield f"{', '.join(closed)} of {sync.object} is read-only in {sync.connection}", "leave it out"
    yield from _matched(there, sync)


OPEN = RemoteField("", "")
UPSERTING = ("upsert", "mirror")


def _matched(there: Mapping[str, RemoteField], sync: Sync) -> Iterator[Problem]:
    if not sync.match_field:
        return
    field = there.get(sync.match_field)
    if field is None:
        what = f"{sync.object} of {sync.connection} has no field {sync.match_field} to match on"
        yield what, near_miss(sync.match_field, [name for name, known in there.items() if known.unique])
    elif not field.unique:
        unique = sorted(name for name, known in there.items() if known.unique)
        what = f"{sync.match_field} of {sync.object} is not unique in {sync.connection}, so nothing can be matched on it"
        yield what, f"match on one of: {', '.join(unique)}" if unique else "make a unique field there"
    elif sync.mode in UPSERTING and not field.upserts:
        known = sorted(name for name, one in there.items() if one.unique and one.upserts)
        what = f"{sync.match_field} of {sync.object} is no external id in {sync.connection}, so nothing can be upserted by it"
        fix = f"match on one of: {', '.join(known)}" if known else "make an external id there"
        yield what, f"{fix}; or write mode: update"


def missing(there: Mapping[str, RemoteField], sync: Sync) -> list[FieldMap]:
    """The mapped fields that the vendor has not; none where it tells of no fields at all."""
    return [each for each in sync.fields if each.field not in there] if there else []


def make_missing(
    destination: Destination,
    there: Mapping[str, RemoteField],
    sync: Sync,
    types: Mapping[str, str],
    options: Mapping[str, Any],
) -> list[str]:
    """Make the fields that the vendor lacks, and name them. `types`: the model's columns with the engine's types.

    VendorRefused where one could not be made, or is not there although the vendor said so.
    """
    made = [_new(each, types) for each in missing(there, sync)]
    if not made:
        return []
    if not isinstance(destination, CreatesFields):
        names = ", ".join(new.name for new in made)
        raise VendorRefused(f"{sync.connection} can make no fields ({names})", "make them at the vendor")
    for new in made:
        destination.create_field(sync.object, new, options)
    now = destination.fields(sync.object, options)
    if absent := [new.name for new in made if new.name not in now]:
        what = f"{sync.object} of {sync.connection} does not show the new field {', '.join(absent)}"
        raise VendorRefused(what, "look whether an archived field has that name, then run again")
    return [new.name for new in made]


def prepare_fields(
    destination: Destination, sync: Sync, types: Mapping[str, str], options: Mapping[str, Any]
) -> None:
    """Before the first write: a field that the account lacks is made where the sync says so; else VendorRefused."""
    there = destination.fields(sync.object, options)
    for what, fix in problems(there, sync, destination):
        raise VendorRefused(what, fix)
    if sync.create_fields:
        make_missing(destination, there, sync, types, options)


def _new(field: FieldMap, types: Mapping[str, str]) -> NewField:
    """A `map` says what an enumeration may hold."""
    choices = tuple(dict.fromkeys((field.map or {}).values()))
    label = field.label or field.field.replace("_", " ").capitalize()
    return NewField(field.field, field.type, label, types.get(field.column, ""), choices)
