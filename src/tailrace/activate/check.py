"""What can be known of a sync without a connection: columns, modes and rules that the object can honour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tailrace.activate.mapping import sendable
from tailrace.connectors.sdk.base import ObjectType
from tailrace.errors import Diagnostic, near_miss
from tailrace.project.spec import Sync


def check_sync(sync: Sync, obj: ObjectType | None, columns: Mapping[str, str] | None) -> list[Diagnostic]:
    """Every problem at once. `columns` are the model's with engine types ("" where unknown); None skips what needs them."""
    found = list(_object(sync, obj)) if obj is not None else list(_needs_match(sync))
    return [*found, *(_columns(sync, columns) if columns is not None else ())]


def _object(sync: Sync, obj: ObjectType) -> Iterator[Diagnostic]:
    if sync.mode not in obj.modes:
        yield _no(sync, ("mode",), f"{obj.name} cannot be written with mode {sync.mode}", obj.modes)
    if sync.on_removed not in obj.on_removed:
        yield _no(
            sync, ("on_removed",), f"{obj.name} cannot {sync.on_removed} rows that left", obj.on_removed
        )
    yield from _match(sync, obj)
    yield from _fields(sync, obj)
    yield from _associations(sync, obj)
    for each in sync.fields:
        if each.conflict not in obj.conflicts:
            what = f"{obj.name} cannot honour conflict {each.conflict}"
            yield _no(sync, ("fields", each.field, "conflict"), what, obj.conflicts)
        if each.field in obj.read_only_fields:
            yield Diagnostic(
                sync.marks.at("fields", each.field),
                f"{obj.name}.{each.field} is read-only",
                "Remove it from the mapping",
            )


def _match(sync: Sync, obj: ObjectType) -> Iterator[Diagnostic]:
    """A mode that the object does not take is told alone: another one may need no key."""
    if not obj.matches and ("match",) in sync.marks.keys:
        yield Diagnostic(
            sync.marks.key("match"),
            f"{obj.name} are matched on nothing: each row is a new one",
            "Remove match",
        )
    elif obj.matches and sync.match_field and obj.match_fields and sync.match_field not in obj.match_fields:
        yield _no(sync, ("match",), f"{obj.name} has no unique property {sync.match_field}", obj.match_fields)
    elif obj.matches and sync.mode in obj.modes:
        yield from _needs_match(sync)


def _needs_match(sync: Sync) -> Iterator[Diagnostic]:
    """A `match:` that could not be read was told when it was read."""
    if sync.mode != "append" and not sync.match_field and ("match",) not in sync.marks.keys:
        fix = "Add `match: {vendor_field: model_column}`"
        yield Diagnostic(sync.marks.at(), "a sync needs the key match", fix)


def _fields(sync: Sync, obj: ObjectType) -> Iterator[Diagnostic]:
    """Which fields the object knows offline, whether it takes any, and whether more can be made."""
    if not sync.fields and obj.takes_fields == "some":
        place = sync.marks.at("fields") if ("fields",) in sync.marks.keys else sync.marks.at("object")
        yield Diagnostic(
            place, f"nothing of {obj.name} is mapped", "Add `fields:` with `vendor_field: model_column`"
        )
    if sync.fields and obj.takes_fields == "none":
        yield Diagnostic(sync.marks.at("fields"), f"{obj.name} takes no fields", "Remove them")
    for each in sync.fields if obj.known_fields else ():
        if not any(_fits(each.field, known) for known in obj.known_fields):
            fix = near_miss(each.field, list(obj.known_fields))
            yield Diagnostic(
                sync.marks.key("fields", each.field), f"{obj.name} has no field {each.field}", fix
            )
    for name in obj.fields_of_options:
        if any(each.field == name for each in sync.fields) and not sync.options.get(name):
            what = f"the field {name} needs the option {name}"
            yield Diagnostic(sync.marks.key("fields", name), what, f"Add `options: {{{name}: [...]}}`")
    if sync.create_fields and not obj.field_types:
        what = f"fields of {obj.name} cannot be made by a sync"
        yield Diagnostic(sync.marks.at("create_fields"), what, "Make them at the vendor, and remove this")
    for each in sync.fields:
        if each.type and obj.field_types and each.type not in obj.field_types:
            yield _no(
                sync, ("fields", each.field, "type"), f"{each.type} is no type of a field", obj.field_types
            )


def _fits(name: str, known: str) -> bool:
    return name.startswith(known[:-1]) if known.endswith("*") else name == known


def _associations(sync: Sync, obj: ObjectType) -> Iterator[Diagnostic]:
    for each in sync.associations:
        if each.object not in obj.associations and "*" not in obj.associations:
            what = f"{obj.name} cannot be associated with {each.object}"
            fix = f"It takes: {', '.join(obj.associations)}" if obj.associations else "Remove it"
            yield Diagnostic(sync.marks.key("associations", each.object), what, fix)


def _columns(sync: Sync, columns: Mapping[str, str]) -> Iterator[Diagnostic]:
    yield from _updated_at(sync, columns)
    wanted: list[tuple[tuple[str, ...], str]] = [(("primary_key",), sync.primary_key)]
    wanted += [(("match", sync.match_field), sync.match_column)] if sync.match_field else []
    wanted += [(("fields", each.field), each.column) for each in sync.fields]
    wanted += [
        (("associations", each.object, "match", each.match_field), each.column) for each in sync.associations
    ]
    for path, column in wanted:
        if column not in columns:
            fix = near_miss(column, list(columns))
            yield Diagnostic(
                sync.marks.at(*path), f"model {sync.model} has no column {column}", fix[:1].upper() + fix[1:]
            )
        elif columns[column] and not sendable(columns[column]):
            yield Diagnostic(
                sync.marks.at(*path),
                f"column {column} is {columns[column]}, which no single field can take",
                "Turn it into text in the model",
            )


def _updated_at(sync: Sync, columns: Mapping[str, str]) -> Iterator[Diagnostic]:
    """A day is no time: a person's edit of that day would be before or after it by chance."""
    column = sync.updated_at
    if column is None:
        return
    place = sync.marks.at("updated_at")
    if column not in columns:
        fix = near_miss(column, list(columns))
        yield Diagnostic(place, f"model {sync.model} has no column {column}", fix[:1].upper() + fix[1:])
    elif columns[column] and not columns[column].upper().startswith("TIMESTAMP"):
        what = f"column {column} is {columns[column]}, and updated_at has to be a time"
        yield Diagnostic(place, what, "Cast it to TIMESTAMP in the model")


def _no(sync: Sync, path: tuple[str, ...], message: str, known: tuple[str, ...]) -> Diagnostic:
    return Diagnostic(sync.marks.at(*path), message, f"It takes: {', '.join(known)}")
