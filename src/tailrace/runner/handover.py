"""The accounts' rate budgets on their way from one machine to the next, in the target's lease, where no state is shared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tailrace.runner.session import Session, account_key
from tailrace.state import handover

ROUNDS = 20_000


@lru_cache(maxsize=256)
def _hidden(key: str) -> str:
    """The account's key as others may see it: who reads the catalogue must not try passwords on it."""
    return hashlib.pbkdf2_hmac("sha256", key.encode(), b"tailrace", ROUNDS).hex()[:20]


class Handover:
    """`ahead`: by how much Google's clock is ahead of the state's, at the most and at the least."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shared = session.project.target.state is not None

    def budgets(self) -> Mapping[str, Any]:
        """What is taken of the buckets of this target's connections."""
        if self._shared:
            return {}
        keys = self._keys()
        told = {}
        for name, found in handover.taken(self._session.store, self._ahead(most=True)).items():
            key, _, bucket = name.partition("/")
            if key in keys.values():
                told[f"{_hidden(key)}/{bucket}"] = [round(each, 3) for each in found]
        return told

    def take(self, told: Mapping[str, Any]) -> None:
        """Those of connections that are ours as well."""
        if self._shared or not told:
            return
        keys = self._keys()
        ours = {}
        for name, found in told.items():
            hidden, _, bucket = name.partition("/")
            if hidden in keys and isinstance(found, list) and len(found) == 6:
                ours[f"{keys[hidden]}/{bucket}"] = found
        handover.take(self._session.store, ours, self._ahead(most=False))

    def _keys(self) -> dict[str, str]:
        connections = self._session.project.target.connections.values()
        return {_hidden(key): key for key in map(account_key, connections)}

    def _ahead(self, *, most: bool) -> float:
        leases = self._session.leases
        if leases is None or not leases.clock.known:
            return 0.0
        google = leases.clock.latest() if most else leases.clock.earliest()
        return google - self._session.store.now()
