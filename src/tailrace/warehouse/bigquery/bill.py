"""What statements cost: bytes that BigQuery bills for what it reads, and their price.

Rules and prices are those of Google's page "BigQuery pricing", on-demand, as remembered, not looked up: check them there.
"""

from __future__ import annotations

MIB, TIB = 2**20, 2**40
LEAST = 10 * MIB
"""Billed for each table that a query reads, at least."""
PRICE_PER_TIB = 6.25
"""Dollars for a TiB read, on demand, in the US and the EU [memory]."""


def billed(scanned: int, tables: int = 1) -> int:
    """Bytes billed for a statement that reads so many bytes of so many tables: whole MiB, 10 of them for each table at least."""
    if tables <= 0:
        return 0
    return max(-(-scanned // MIB) * MIB, tables * LEAST)


def price(bytes_billed: int, per_tib: float = PRICE_PER_TIB) -> float:
    """Dollars, or whatever `per_tib` is in."""
    return bytes_billed / TIB * per_tib


def human(size: float) -> str:
    """`1.5 GB`: bytes in words, by thousands."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if abs(size) < 1000 or unit == "TB":
            return f"{size:,.0f} {unit}" if unit == "B" or size >= 100 else f"{size:,.1f} {unit}"
        size /= 1000
    raise AssertionError("TB ends it")
