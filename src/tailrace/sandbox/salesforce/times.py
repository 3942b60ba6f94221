"""Times as Salesforce spells them: 2026-01-02T09:30:00.000+0000, whole seconds (vendor-apis.md 2.2)."""

from __future__ import annotations

from datetime import UTC, datetime


def spelled(moment: datetime) -> str:
    """REST's spelling, to the millisecond; texts of this form sort as their times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def whole_second(moment: datetime) -> str:
    """A stamp: Salesforce keeps no fractions of a second."""
    return spelled(moment.replace(microsecond=0))


def parsed(text: str) -> datetime:
    """A time from REST, a CSV or a URL; ValueError where it is none."""
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def in_csv(text: str) -> str:
    """The same time in a Bulk result: with a Z."""
    return text.removesuffix("+0000") + "Z"
