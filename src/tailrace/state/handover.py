"""What another machine has to know of the rate buckets: how many places are taken, since when, until when a vendor blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.state.bucket import BUCKET, GRANTS, bucket_of
from tailrace.state.store import Store

Told = Sequence[float]
"""Requests, window, blocked until, blocked at, places taken, when the last of them was: seconds, times since 1970."""


def taken(store: Store, later: float = 0.0) -> dict[str, Told]:
    """By bucket, those of which anything counts still; `later`: by how much the clock that both go by is ahead of the store's."""
    now = store.now()
    found: dict[str, Told] = {}
    for (name,) in store.read("SELECT bucket FROM buckets ORDER BY bucket"):
        bucket = bucket_of(store.read(BUCKET, [name]), store.read(GRANTS, [name]))
        ends = [at if done is None else done for at, done in bucket.grants]
        counting = [end for end in ends if end + bucket.window > now]
        if counting or bucket.blocked_until > now:
            last = max(counting, default=now) + later
            blocked = (bucket.blocked_until + later, bucket.blocked_at + later)
            found[str(name)] = (bucket.limit, bucket.window, *blocked, len(counting), last)
    return found


def take(store: Store, told: Mapping[str, Any], later: float = 0.0) -> None:
    """Count what another machine has taken as if it had been taken here; what both know of is counted once."""
    now = store.now()
    for name, (limit, window, *times, places, newest) in told.items():
        until, at = (each - later for each in times)
        last = min(newest - later, now)
        with store.write() as db:
            db.execute(
                "INSERT INTO buckets VALUES (?, ?, ?, ?, ?) ON CONFLICT (bucket) DO UPDATE SET"
                " blocked_until = CASE WHEN buckets.blocked_until > excluded.blocked_until THEN buckets.blocked_until"
                " ELSE excluded.blocked_until END",
                (name, int(limit), float(window), until, min(at, now)),
            )
            store.lock_row(db, "buckets", "bucket", name)
            counted = "SELECT count(*) FROM grants WHERE bucket = ? AND coalesce(done, at) + ? > ?"
            known = int(db.execute(counted, (name, float(window), now)).fetchone()[0])
            missing = max(0, int(places) - known) if last + window > now else 0
            db.executemany(
                "INSERT INTO grants (bucket, at, done) VALUES (?, ?, ?)", [(name, last, last)] * missing
            )
