"""One record written: what Salesforce checks of its values, and the five ways to write (vendor-apis.md 2.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tailrace.sandbox.salesforce.errors import Refusal
from tailrace.sandbox.salesforce.ids import is_id
from tailrace.sandbox.salesforce.org import Org, Record, Table
from tailrace.sandbox.salesforce.schema import DATE, DATETIME, NUMBERS, Field
from tailrace.sandbox.vendor import RowError

EMAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[^@\s,;<>()]+")
BY_EMAIL = "Email"
BEYOND = 10**16
"""Number fields have 18 digits, two of them decimals."""


class Several(Refusal):
    """An external id that several records have: 300 for one row's request."""

    def __init__(self, name: str, value: str, ids: list[str]) -> None:
        message = f"{name}: more than one record found for external id field: [{', '.join(ids)}]"
        super().__init__(300, "DUPLICATE_EXTERNAL_ID", message)
        self.value, self.ids = value, ids


class Writer:
    """Writes to one object; `row_errors` are refused whatever they hold."""

    def __init__(self, org: Org, table: Table, row_errors: Sequence[RowError] = ()) -> None:
        self._org, self._table, self._errors = org, table, row_errors

    def insert(self, given: Mapping[str, Any]) -> Record:
        """A new record."""
        values = self._checked(given, None)
        missing = [
            found.name
            for found in self._table.schema.fields.values()
            if found.required and not found.defaulted and values.get(found.name) is None
        ]
        if missing:
            raise Refusal(
                400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing
            )
        return self._counted(self._org.create(self._table, values))

    def update(self, key: Any, given: Mapping[str, Any]) -> Record:
        """The record of an id."""
        record = self.live(key)
        values = self._checked(given, record)
        return self._counted(self._org.update(self._table, record, values))

    def upsert(self, field: str, value: Any, given: Mapping[str, Any]) -> tuple[Record, bool]:
        """The record with that external id, or a new one; (record, whether it was made)."""
        found = self.external(field)
        if found.type == "id":
            return self.update(value, given), False
        if value in (None, ""):
            raise Refusal(400, "MISSING_ARGUMENT", f"{found.name} not specified", [found.name])
        ids = self.matching(found, value)
        if len(ids) > 1:
            raise Several(found.name, str(value), ids)
        if ids:
            return self.update(ids[0], given), False
        return self.insert({**given, found.name: value}), True

    def delete(self, key: Any, *, hard: bool = False) -> Record:
        """Into the recycle bin, or for good."""
        record = self.live(key)
        self._refuse_chosen(record, {})
        if not self._table.schema.deletes:
            raise Refusal(400, "DELETE_OPERATION_NOT_ALLOWED", f"{self._table.schema.name} cannot be deleted")
        if hard:
            self._org.purge(self._table, record["Id"])
        else:
            self._org.delete(self._table, record)
        return self._counted(record)

    def live(self, key: Any) -> Record:
        """The record of an id; Refusal for one that is malformed, unknown or deleted."""
        if not is_id(key):
            raise Refusal(
                400,
                "MALFORMED_ID",
                f"{self._table.schema.name} ID: id value of incorrect type: {key}",
                ["Id"],
            )
        record = self._org.find(self._table, key)
        if record is None:
            gone = any(row[:15] == key[:15] for row in (*self._table.rows, *self._table.gone))
            code = "ENTITY_IS_DELETED" if gone else "INVALID_CROSS_REFERENCE_KEY"
            raise Refusal(404, code, "entity is deleted" if gone else "invalid cross reference id")
        return record

    def external(self, name: str) -> Field:
        """The field that an upsert matches on; Refusal for one that is no external id."""
        found = self._table.schema.find(name)
        if found is None or not (found.external or found.type == "id"):
            raise Refusal(
                404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {name}"
            )
        return found

    def matching(self, found: Field, value: Any) -> list[str]:
        """Ids of the live records with that value, regardless of case."""
        return self._table.with_value(found.name, value)

    def _counted(self, record: Record) -> Record:
        self._table.writes[record["Id"]] += 1
        return record

    def _checked(self, given: Mapping[str, Any], record: Record | None) -> dict[str, Any]:
        self._refuse_chosen(record or {}, given)
        values: dict[str, Any] = {}
        for name, value in self._resolved(given):
            found = self._table.schema.find(name)
            if found is None:
                raise Refusal(
                    400,
                    "INVALID_FIELD",
                    f"No such column '{name}' on sobject of type {self._table.schema.name}",
                )
            if found.read:
                verb = "create/update"
                raise Refusal(
                    400,
                    "INVALID_FIELD_FOR_INSERT_UPDATE",
                    f"Unable to {verb} fields: {found.name}. Please check the security settings of this field and verify "
                    "that it is read/write for your profile or permission set.",
                    [found.name],
                )
            values[found.name] = _value(found, value)
            self._refuse_twins(found, values[found.name], record)
        return values

    def _resolved(self, given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Values by field: a record that is named by its external id (`"Account": {"Ext__c": ...}`) becomes its id."""
        for name, value in given.items():
            lookup = self._table.schema.related(name) if isinstance(value, Mapping) else None
            if lookup is not None:
                yield lookup.name, self._named(lookup, value)
            elif name != "attributes":
                yield name, value

    def _named(self, lookup: Field, given: Mapping[str, Any]) -> str:
        kind = (given.get("attributes") or {}).get("type")
        if kind is None and len(lookup.refers) > 1:
            text = (
                f"{lookup.relationship} may be one of {', '.join(lookup.refers)}: attributes.type is missing"
            )
            raise Refusal(400, "INVALID_FIELD", text)
        other = self._org.table(str(kind or lookup.refers[0]))
        names = [name for name in given if name != "attributes"]
        found = other.schema.find(names[0]) if len(names) == 1 else None
        if found is None or not found.external:
            text = f"{lookup.relationship} needs one external id of {other.schema.name}, not {names}"
            raise Refusal(400, "INVALID_FIELD", text)
        ids = other.with_value(found.name, _like_kept(found, given[names[0]]))
        if len(ids) != 1:
            how = "not found" if not ids else "found more than once"
            text = f"Foreign key external ID: {given[names[0]]} {how} for field {found.name} in entity {other.schema.name}"
            raise Refusal(400, "INVALID_FIELD", text)
        return ids[0]

    def _refuse_twins(self, found: Field, value: Any, record: Record | None) -> None:
        if not found.external or value is None:
            return
        twins = [key for key in self.matching(found, value) if record is None or key != record["Id"]]
        if twins:
            message = f"duplicate value found: {found.name} duplicates value on record with id: {twins[0]}"
            raise Refusal(400, "DUPLICATE_VALUE", message, [found.name])

    def _refuse_chosen(self, record: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        """What a fault rule names by id, e-mail or external id."""
        names = (
            "Id",
            BY_EMAIL,
            *(found.name for found in self._table.schema.fields.values() if found.external),
        )
        keys = {str(row[name]).lower() for row in (record, given) for name in names if row.get(name)}
        for error in self._errors:
            if keys & error.keys:
                raise Refusal(400, error.category, error.message)


def _value(found: Field, value: Any) -> Any:
    """The value as it is kept; Refusal where it does not fit the field."""
    if value is None or value == "":
        if found.required or found.type == "boolean":
            raise Refusal(
                400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{found.name}]", [found.name]
            )
        return None
    if not _FITS.get(found.type, lambda given: isinstance(given, str))(value):
        message = f"{found.name}: value not of required type: {value}"
        raise Refusal(400, "INVALID_TYPE_ON_FIELD_IN_RECORD", message, [found.name])
    if found.type == "email" and not EMAIL.fullmatch(value):
        raise Refusal(
            400, "INVALID_EMAIL_ADDRESS", f"{found.name}: invalid email address: {value}", [found.name]
        )
    if found.length and isinstance(value, str) and len(value) > found.length:
        message = f"{found.name}: data value too large: {value} (max length={found.length})"
        raise Refusal(400, "STRING_TOO_LONG", message, [found.name])
    if found.restricted:
        _refuse_unknown(found, value)
    if found.type in NUMBERS and found.type != "int":
        if abs(value) >= BEYOND:
            message = f"{found.name}: value outside of valid range on numeric field: {value}"
            raise Refusal(400, "NUMBER_OUTSIDE_VALID_RANGE", message, [found.name])
        return float(value)
    return value


def _refuse_unknown(found: Field, value: str) -> None:
    chosen = value.split(";") if found.type == "multipicklist" else [value]
    bad = [one for one in chosen if one not in found.options]
    if bad:
        message = f"{found.name}: bad value for restricted picklist field: {bad[0]}"
        raise Refusal(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [found.name])


def _like_kept(found: Field, value: Any) -> Any:
    """A number out of a CSV as it is kept."""
    try:
        return float(value) if found.type in NUMBERS else value
    except ValueError:
        return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FITS: dict[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "double": _is_number,
    "currency": _is_number,
    "percent": _is_number,
    "date": lambda value: isinstance(value, str) and DATE.fullmatch(value[:10]) is not None,
    "datetime": lambda value: isinstance(value, str) and DATETIME.fullmatch(value) is not None,
    "reference": is_id,
}
