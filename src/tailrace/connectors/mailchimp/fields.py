"""A list's merge fields as what a sync may write, and making one that is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.mailchimp.api import Api, Record
from tailrace.connectors.mailchimp.writable import EMAIL, READ_ONLY, TAGS
from tailrace.connectors.sdk.writing import NewField, RemoteField
from tailrace.errors import FatalError, VendorRefused

PLAIN = {"language": "text", "vip": "bool"}
"""What a member has beside merge fields and tags, and a sync may write."""


@dataclass(frozen=True)
class ListFields:
    """The types of a list's merge fields by tag, and the choices of those that have some."""

    list_id: str
    kinds: Mapping[str, str]
    choices: Mapping[str, tuple[str, ...]]

    @property
    def path(self) -> str:
        return f"/lists/{self.list_id}"

    def offered(self, tags: Sequence[str]) -> dict[str, RemoteField]:
        """Everything that a sync may name; `tags` are those that its options declare."""
        found = {tag: RemoteField(tag, kind, options=self.choices[tag]) for tag, kind in self.kinds.items()}
        found |= {name: RemoteField(name, kind) for name, kind in PLAIN.items()}
        found |= {name: RemoteField(name, "text", writable=False) for name in READ_ONLY}
        found[EMAIL] = RemoteField(EMAIL, "text", unique=True)
        if tags:
            found[TAGS] = RemoteField(TAGS, "text", options=tuple(tags), many=True)
        return found


def list_fields(api: Api, list_id: str) -> ListFields:
    """One request; FatalError with the nearest id where the account has no such list."""
    try:
        pages = list(api.listing(f"/lists/{list_id}/merge-fields", "merge_fields"))
    except VendorRefused:
        api.lists([list_id])
        raise
    records = [record for page in pages for record in page]
    return ListFields(
        list_id,
        {str(record["tag"]): str(record.get("type") or "text") for record in records},
        {str(record["tag"]): _choices(record) for record in records},
    )


def make_field(api: Api, list_id: str, new: NewField) -> None:
    """POST merge-fields. FatalError where Mailchimp gives it another tag than the one that is mapped."""
    body: dict[str, Any] = {
        "tag": new.name,
        "name": new.label or new.name,
        "type": new.type or fitting_type(new.engine_type),
    }
    if new.options:
        body["options"] = {"choices": list(new.options)}
    answer = api.http.request("POST", f"/{api.version}/lists/{list_id}/merge-fields", json=body)
    document = answer.json()
    tag = document.get("tag") if isinstance(document, Mapping) else None
    if tag != new.name:
        fix = f"map {tag}, or delete it at Mailchimp and use a tag of capitals, digits and underscores, 10 at most"
        raise FatalError(f"{api.connection}: Mailchimp calls the merge field {new.name!r} {tag!r}", fix)


def fitting_type(engine_type: str) -> str:
    """Its type: number for numbers, date for days, else text: no type of Mailchimp's has a time of day."""
    kind = engine_type.upper()
    if kind == "DATE":
        return "date"
    numeric = kind.startswith("DECIMAL") or kind.endswith("INT") or kind in ("INTEGER", "DOUBLE", "FLOAT")
    return "number" if numeric else "text"


def _choices(record: Record) -> tuple[str, ...]:
    options = record.get("options")
    found = options.get("choices") if isinstance(options, Mapping) else None
    return tuple(str(choice) for choice in found or ())
