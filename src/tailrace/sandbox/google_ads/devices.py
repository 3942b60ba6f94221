"""segments.device of records that do not hold it: each is split by fixed shares, and the parts add up to the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tailrace.sandbox.google_ads.fields import Record, lookup

FIELD = "segments.device"
SHARES = (("MOBILE", 0.5), ("DESKTOP", 0.4), ("TABLET", 0.1))


def by_device(records: Iterable[Record], used: set[str]) -> Iterator[Record]:
    """The records themselves where nobody asks for the device; a part without any metric is none."""
    for record in records:
        if FIELD not in used or lookup(record, ("segments", "device")) is not None:
            yield record
        else:
            yield from _parts(record)


def _parts(record: Record) -> Iterator[Record]:
    left = dict(record.get("metrics") or {})
    for device, share in SHARES:
        last = device == SHARES[-1][0]
        part = {
            name: left[name] if last else _share(value, share) for name, value in record["metrics"].items()
        }
        left = {name: _less(value, part[name]) for name, value in left.items()}
        if any(value not in ("0", 0, 0.0) for value in part.values()):
            yield {**record, "segments": {**record["segments"], "device": device}, "metrics": part}


def _share(value: Any, share: float) -> Any:
    """In the value's own spelling; what is no number goes to the last part."""
    if isinstance(value, str):
        return str(int(int(value) * share)) if value.isdecimal() else "0"
    return round(value * share, 6)


def _less(value: Any, part: Any) -> Any:
    if isinstance(value, str):
        return str(int(value) - int(part)) if value.isdecimal() else value
    return round(value - part, 6)
