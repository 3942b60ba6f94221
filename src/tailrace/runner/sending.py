"""What a command says of how rows may be sent; apart from what sends them, which costs an import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sending:
    """How rows may be sent: `approve` the first sync of an account, `limit` rows a sync, `full_resync` past the ledger."""

    approve: bool = False
    limit: int | None = None
    full_resync: bool = False
