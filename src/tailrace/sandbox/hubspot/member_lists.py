"""The lists of an account and who is in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class MemberList:
    """One list; `members` are record ids with the time they joined, in that order."""

    key: str
    name: str
    type_id: str
    processing: str
    made_at: str
    members: dict[str, str] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """As the API has it."""
        return {
            "listId": self.key,
            "listVersion": 1,
            "name": self.name,
            "objectTypeId": self.type_id,
            "processingType": self.processing,
            "processingStatus": "COMPLETE",
            "createdAt": self.made_at,
            "updatedAt": self.made_at,
            "size": len(self.members),
        }


@dataclass
class Lists:
    """The account's lists: a static one and an active one from the start."""

    made_at: str
    by_id: dict[str, MemberList] = field(default_factory=dict)
    writes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for key, name, processing in (("1", "Newsletter", "MANUAL"), ("2", "All customers", "DYNAMIC")):
            self.by_id[key] = MemberList(key, name, "0-1", processing, self.made_at)

    def next_id(self) -> str:
        """The id of the list that is made next."""
        return str(max((int(key) for key in self.by_id), default=0) + 1)
