"""Which kinds of association an account has between two objects: HubSpot's own and those that people defined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tailrace.connectors.hubspot.api import Api
from tailrace.errors import FatalError, near_miss

PRIMARY = "primary"
DEFINED = "HUBSPOT_DEFINED"


@dataclass(frozen=True)
class Kind:
    """One association type; `label` is empty for the plain one."""

    category: str
    type_id: int
    label: str

    @property
    def spec(self) -> dict[str, Any]:
        """As HubSpot's requests name it."""
        return {"associationCategory": self.category, "associationTypeId": self.type_id}

    @property
    def by_people(self) -> bool:
        """A label that somebody gave, beside HubSpot's own types."""
        return bool(self.label) and self.category != DEFINED


class Kinds:
    """Asked once for each pair of objects (`GET .../labels`: association schema, in both official SDKs)."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[tuple[str, str], list[Kind]] = {}

    def of(self, one: str, other: str) -> list[Kind]:
        if (one, other) not in self._known:
            document = self._api.get(f"{self._api.associations(one, other)}/labels", {})
            self._known[one, other] = [
                Kind(str(found["category"]), int(found["typeId"]), str(found.get("label") or ""))
                for found in self._api.results(document)
            ]
        return self._known[one, other]

    def named(self, one: str, other: str, label: str) -> Kind:
        """The type of that label, or the plain one for none; FatalError where the account has no such type."""
        found = [kind for kind in self.of(one, other) if kind.label.lower() == label.lower()]
        if not found:
            labels = [kind.label for kind in self.of(one, other) if kind.label]
            kind = f"association label {label!r}" if label else "plain association"
            what = f"{self._api.http.context.connection}: there is no {kind} from {one} to {other}"
            raise FatalError(what, near_miss(label, labels) or "make it in HubSpot's data model")
        return min(found, key=lambda kind: kind.category != DEFINED)
