"""Salesforce's record ids: three characters for the type, twelve for the record, three that make letters' case readable."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
SHORT, LONG = 15, 18
PREFIXES = {
    "Account": "001",
    "Contact": "003",
    "User": "005",
    "Opportunity": "006",
    "Campaign": "701",
    "CampaignMember": "00v",
    "Lead": "00Q",
    "Task": "00T",
    "Event": "00U",
    "Organization": "00D",
}


def make_id(prefix: str, number: int) -> str:
    """The 18 characters of a record's number."""
    digits = ""
    while number:
        number, rest = divmod(number, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    return full(f"{prefix}5e{digits.rjust(10, '0')}")


def full(key: str) -> str:
    """The 18 characters of an id that is given with 15 or 18."""
    short = key[:SHORT]
    tail = ""
    for start in range(0, SHORT, 5):
        bits = sum(1 << at for at, letter in enumerate(short[start : start + 5]) if "A" <= letter <= "Z")
        tail += CHECK[bits]
    return short + tail


def is_id(text: object) -> bool:
    """15 characters, or 18 whose last three are right."""
    if not isinstance(text, str) or not text.isascii() or not text.isalnum():
        return False
    return len(text) == SHORT or (len(text) == LONG and full(text) == text)
