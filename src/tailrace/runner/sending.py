"""What a command says of how rows may be sent; apart from what sends them, which costs an import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailrace.connectors.sdk.tap import Exchange


@dataclass(frozen=True)
class Sending:
    """How rows may be sent: `approve` the first sync of an account, `limit` rows a sync, `full_resync` past the ledger.

    `only`: one row, by primary key or match value; `tell` hears every request for it and its answer. `adopt`: nothing is sent,
    the ledger takes over what the vendor holds.
    """

    approve: bool = False
    limit: int | None = None
    full_resync: bool = False
    only: str | None = None
    adopt: bool = False
    tell: Callable[[Exchange], None] | None = None
