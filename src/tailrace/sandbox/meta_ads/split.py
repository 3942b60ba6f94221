"""A row of insights split by a breakdown: the parts add up to the row, and are the same every time."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tailrace.sandbox.meta_ads.fields import COUNTS, LISTS
from tailrace.sandbox.meta_ads.sums import plain

Record = dict[str, Any]


def split(row: Record, breakdown: str, buckets: Mapping[str, int]) -> list[Record]:
    """One row for each bucket that had an impression; everything else goes by the impressions."""
    weights = list(buckets.values())
    parts = [{**row, breakdown: name} for name in buckets]
    if int(row.get("impressions") or 0):
        weights = _shares(int(row["impressions"]), weights)
    for name in (*COUNTS, "reach"):
        if row.get(name) is not None:
            for part, share in zip(parts, _shares(int(row[name]), weights), strict=True):
                part[name] = str(share)
    if row.get("spend") is not None:
        digits = max(2, -int(Decimal(row["spend"]).as_tuple().exponent))
        whole = int(Decimal(row["spend"]).scaleb(digits))
        for part, share in zip(parts, _shares(whole, weights), strict=True):
            part["spend"] = f"{Decimal(share).scaleb(-digits):f}"
    for name in LISTS:
        if row.get(name):
            _split_list(parts, name, row[name], weights)
    return [part for part in parts if part.get("impressions") != "0"]


def _split_list(parts: list[Record], name: str, entries: list[Record], weights: list[int]) -> None:
    """Each count of each entry, in hundredths; an entry without any count is left out."""
    split_entries = [_split_entry(entry, weights) for entry in entries]
    for number, part in enumerate(parts):
        found = [entry[number] for entry in split_entries if entry[number]["value"] != "0"]
        part.pop(name)
        if found:
            part[name] = found


def _split_entry(entry: Record, weights: list[int]) -> list[Record]:
    parts: list[Record] = [{} for _ in weights]
    for name, value in entry.items():
        if name.startswith("action_"):
            shares = [value for _ in weights]
        else:
            whole = "." not in value
            amount = int(value) if whole else int(Decimal(value).scaleb(2))
            counted = _shares(amount, weights)
            shares = [str(share) if whole else plain(Decimal(share).scaleb(-2)) for share in counted]
        for part, share in zip(parts, shares, strict=True):
            part[name] = share
    return parts


def _shares(amount: int, weights: list[int]) -> list[int]:
    """Whole parts in proportion, the largest remainders first; they add up to the amount."""
    total = sum(weights)
    shares = [amount * weight // total for weight in weights]
    rest = sorted(range(len(weights)), key=lambda at: -(amount * weights[at] % total))
    for at in rest[: amount - sum(shares)]:
        shares[at] += 1
    return shares
