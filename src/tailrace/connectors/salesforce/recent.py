"""How far a reading came, and the rows near it, which the next overlap will show again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

REMEMBERED = 10_000
"""Rows near the cursor that a position names; beyond it they are handed on again, which does no harm."""
GONE = "deleted"
"""What stands for the content of a deleted record."""
TICK = timedelta(microseconds=1)
SECOND = len("2026-01-02T00:00:00")
Known = tuple[str, str]


def moment(text: str) -> datetime:
    """Salesforce's times: 2026-01-02T00:00:00.000+0000, in bulk results with a Z."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def iso(at: datetime) -> str:
    """UTC with all digits, so that times compare as texts."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def digest(row: Mapping[str, Any]) -> str:
    """Equal for equal contents."""
    try:
        text = orjson.dumps(row, default=str, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a surrogate pair, or a number beyond 64 bits
        text = json.dumps(row, default=str, sort_keys=True).encode()
    return hashlib.blake2b(text, digest_size=8).hexdigest()


class Recent:
    """Collects what lies less than `overlap` before the newest stamp that is not ahead of `now`.

    Stamps are whole seconds, so a record may change twice under one stamp: contents are compared, not stamps, and the
    later content gets a version that is a microsecond later.
    """

    def __init__(
        self, overlap: timedelta, now: datetime, top: str | None = None, seen: Mapping[str, Any] | None = None
    ) -> None:
        self._overlap, self._now = overlap, iso(now)
        self.top = top
        self._near: dict[str, Known] = {key: (known[0], known[1]) for key, known in (seen or {}).items()}

    def version(self, key: str, stamp: str, content: str) -> tuple[str, bool]:
        """The version of a record's content, and whether this is news: it was not handed on before."""
        at = iso(moment(stamp))
        version, known = self._near.get(key, ("", ""))
        same = known == content and version[:SECOND] == at[:SECOND]
        if same:
            at = version
        elif version >= at:
            at = iso(moment(version) + TICK)
        self._remember(key, (at, content))
        return at, not same

    def is_gone(self, key: str) -> bool:
        """Whether the end of a record was told already."""
        return key in self._near and self._near[key][1] == GONE

    def position(self) -> tuple[str, dict[str, list[str]]]:
        """The cursor (now, where nothing has a stamp before now), and what lies in the overlap before it."""
        top = self.top or self._now
        cut = iso(moment(top) - self._overlap)
        kept = sorted((known, key) for key, known in self._near.items() if known[0] >= cut)
        return top, {key: list(known) for known, key in kept[-REMEMBERED:]}

    def _remember(self, key: str, known: Known) -> None:
        version = known[0]
        if version <= self._now and (self.top is None or version > self.top):
            self.top = version
        self._near[key] = known
        if len(self._near) > 4 * REMEMBERED:
            self._near = {key: (version, content) for key, (version, content) in self.position()[1].items()}
