"""What the admin API does to an org: records, and under `<object>.fields` what the object consists of."""

from __future__ import annotations

from typing import Any

from tailrace.sandbox.salesforce.errors import Refusal
from tailrace.sandbox.salesforce.ids import full, is_id
from tailrace.sandbox.salesforce.org import Org, Record, Table
from tailrace.sandbox.salesforce.query import shown
from tailrace.sandbox.salesforce.schema import SYSTEM, Field, ObjectSchema

FIELDS = ".fields"
VERSION = "v67.0"


def objects(org: Org) -> list[str]:
    """Every object, and `<object>.fields`."""
    return [*org.tables, *(f"{name}{FIELDS}" for name in org.tables)]


def records(org: Org, obj: str) -> list[dict[str, Any]]:
    """What lives, in id order; of `<object>.fields` what `describe` lists."""
    table = _table(org, obj)
    if obj.endswith(FIELDS):
        return [found.document() for found in table.schema.fields.values()]
    names = [found.name for found in table.schema.fields.values()]
    return [
        shown(row, obj, names, VERSION) for row in sorted(org.live(table), key=lambda row: str(row["Id"]))
    ]


def replace(org: Org, obj: str, given: list[dict[str, Any]]) -> None:
    """Hold exactly these; an object named X__c is made."""
    if obj.endswith("__c") and obj not in org.tables:
        org.add_object(obj)
    table = _table(org, obj)
    if obj.endswith(FIELDS):
        _define(table.schema, given)
        return
    shaped = [_shaped(number, record) for number, record in enumerate(given, start=1)]
    table.schema.learn(shaped)
    table.hold({}, {})
    with org.clock.one_moment():
        for record in shaped:
            org.put_as_is(table, record)


def upsert(org: Org, obj: str, given: list[dict[str, Any]]) -> None:
    """Add or change by id, as a person would: what carries no later SystemModstamp is stamped now."""
    table = _table(org, obj)
    if obj.endswith(FIELDS):
        for number, document in enumerate(given, start=1):
            table.schema.add(_field(number, document))
        return
    shaped = [_shaped(number, record) for number, record in enumerate(given, start=1)]
    table.schema.learn(shaped)
    with org.clock.one_moment():
        for record in shaped:
            _change(org, table, record)


def remove(org: Org, obj: str, key: str) -> bool:
    """Into the recycle bin; a field of an object is taken out of it."""
    table = _table(org, obj)
    if obj.endswith(FIELDS):
        return table.schema.fields.pop(key.lower(), None) is not None
    record = org.find(table, key)
    if record is None:
        return False
    if table.schema.deletes:
        org.delete(table, record)
    else:
        org.purge(table, key)
    return True


def writes(org: Org, obj: str) -> dict[str, int]:
    """How often the API wrote each record."""
    return dict(_table(org, obj).writes)


def _change(org: Org, table: Table, record: Record) -> None:
    before = table.rows.get(full(str(record["Id"])))
    own = str(record.get("SystemModstamp") or "")
    if before is None or own > before["SystemModstamp"]:
        org.put_as_is(table, {**(before or {}), **record})
        return
    values = {name: value for name, value in record.items() if name not in ("SystemModstamp", "Id")}
    if before.get("IsDeleted") and not record.get("IsDeleted", True):
        before = org.undelete(table, before)
    org.update(table, before, values)


def _shaped(number: int, given: dict[str, Any]) -> Record:
    if not is_id(given.get("Id")):
        raise ValueError(f"record {number}: Id must be an id of 15 or 18 characters, not {given.get('Id')!r}")
    return {name: value for name, value in given.items() if name != "attributes"}


def _define(schema: ObjectSchema, given: list[dict[str, Any]]) -> None:
    """The system's own fields stay, whatever is given."""
    own = {line.split()[0].lower() for line in SYSTEM}
    schema.fields = {key: found for key, found in schema.fields.items() if key in own}
    for number, document in enumerate(given, start=1):
        found = _field(number, document)
        if found.name.lower() not in schema.fields:
            schema.add(found)


def _field(number: int, document: dict[str, Any]) -> Field:
    try:
        return Field.from_document(document)
    except ValueError as error:
        raise ValueError(f"field {number}: {error}") from error


def _table(org: Org, obj: str) -> Table:
    try:
        return org.table(obj.removesuffix(FIELDS))
    except Refusal:
        raise KeyError(f"salesforce has no object {obj!r}; it has {', '.join(org.tables)}") from None
