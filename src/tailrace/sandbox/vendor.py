"""The seam between the server and the fakes.

A vendor is one module (or package) in this folder, named as its path prefix, that sets `FAKE` to its class; the server
finds it by that name and makes it as `FAKE(world, clock, settings)`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Protocol

from tailrace.sandbox.wire import Request, Response


@dataclass(frozen=True)
class Settings:
    """How the sandbox was started; `today` is the last day of the generated world."""

    seed: int = 7
    contacts: int = 500
    limits: bool = True
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    token: str = "sandbox"  # noqa: S105  no secret: it opens nothing but this sandbox


@dataclass(frozen=True)
class RowError:
    """A fault: records whose id, e-mail or other key is in `keys` are refused in batches with this category and message."""

    keys: frozenset[str]
    category: str
    message: str


class Fake(Protocol):
    """One vendor: its HTTP API, and what the admin API may do to its records."""

    name: str
    row_errors: list[RowError]

    def handle(self, request: Request) -> Response:
        """Answer one API request; called in the event loop's thread, so it must be quick."""
        ...

    def objects(self) -> list[str]:
        """The names that `records` knows."""
        ...

    def records(self, obj: str) -> list[dict[str, Any]]:
        """The current records as the vendor would return them; KeyError for an unknown object."""
        ...

    def replace(self, obj: str, records: list[dict[str, Any]]) -> None:
        """Drop what is there and hold exactly these; ValueError says which record is malformed."""
        ...

    def upsert(self, obj: str, records: list[dict[str, Any]]) -> None:
        """Add these, or change the ones of the same id, as a user of the vendor would."""
        ...

    def remove(self, obj: str, key: str) -> bool:
        """Remove one record as a user would (HubSpot: archive it); False where there is none."""
        ...

    def writes(self, obj: str) -> dict[str, int]:
        """How often the API (never the admin) wrote each record, by id."""
        ...

    def advance(self, rng: random.Random, rounds_done: int) -> None:
        """One round of people working: creates, edits, merges, deletes, restated spend."""
        ...

    def reset(self) -> None:
        """Back to the state it was made with, timestamps included."""
        ...
