"""Keys for rows that have none: what the row says, and its number among equals."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from hashlib import blake2b

FIRST_SLOTS = 1 << 10


def digest_of(text: bytes) -> int:
    """64 bits, never 0. Two rows that share one are told apart by their number, as equal rows are."""
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") or 1


class EventKeys:
    """The keys given to the rows of one table, at 16 bytes a row: a set of 64-bit digests by open addressing."""

    def __init__(self) -> None:
        self.count = 0
        self._slots = array("Q", bytes(8 * FIRST_SLOTS))
        self._distinct = 0
        self._more: dict[int, int] = {}

    def name(self, digest: int) -> str:
        """The key of the next row that has this digest."""
        self.count += 1
        if self._put(digest):
            return _key(digest, 0)
        self._more[digest] = self._more.get(digest, 0) + 1
        return _key(digest, self._more[digest])

    def times(self, digest: int) -> int:
        """How many rows have had this digest."""
        if self._slots[self._slot(digest)] == 0:
            return 0
        return 1 + self._more.get(digest, 0)

    def without(self, other: EventKeys) -> Iterator[str]:
        """Keys given here and not there."""
        for digest in self._slots:
            if digest:
                for number in range(other.times(digest), self.times(digest)):
                    yield _key(digest, number)

    def _put(self, digest: int) -> bool:
        slot = self._slot(digest)
        if self._slots[slot]:
            return False
        self._slots[slot] = digest
        self._distinct += 1
        if self._distinct * 2 > len(self._slots):
            self._grow()
        return True

    def _slot(self, digest: int) -> int:
        slots, mask = self._slots, len(self._slots) - 1
        slot = digest & mask
        while slots[slot] not in (0, digest):
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        held, self._slots = self._slots, array("Q", bytes(16 * len(self._slots)))
        for digest in held:
            if digest:
                self._slots[self._slot(digest)] = digest


def _key(digest: int, number: int) -> str:
    return f"{digest:016x}-{number}" if number else f"{digest:016x}"
