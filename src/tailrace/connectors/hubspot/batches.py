"""HubSpot's answers to batches, whatever shape they have: their entries, whom an error names, and what they leave out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tailrace.connectors.sdk.http import Answer

Entry = Mapping[str, Any]
PASSING = frozenset({"RATE_LIMITS", "RATE_LIMIT", "INTERNAL_ERROR"})
"""Categories of errors that the same row may not meet a moment later."""


def match_key(key: Any) -> str:
    """A match value as HubSpot compares it."""
    return str(key).strip().lower()


def document_of(answer: Answer) -> Entry:
    """The JSON object of an answer; an empty one where it has none."""
    document = answer.json()
    return document if isinstance(document, Mapping) else {}


def entries(document: Entry, name: str) -> list[Entry]:
    """The JSON objects in one of its lists; a null or a text among them says nothing of any row."""
    found = document.get(name)
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []


def parts(error: Entry) -> list[Entry]:
    """An error and those inside of it."""
    return [error, *entries(error, "errors")]


def context_of(part: Entry) -> Entry:
    """What the error is about, as HubSpot gives it: texts or lists of texts by name."""
    context = part.get("context")
    return context if isinstance(context, Mapping) else {}


def texts_of(value: Any) -> Iterator[str]:
    """One name, or each of a list of them."""
    for one in value if isinstance(value, list) else [value]:
        if one not in (None, ""):
            yield str(one)


def is_not_found(error: Entry) -> bool:
    """Whether it says that there is no such record, or none associated with it."""
    words = f"{error.get('category')} {error.get('subCategory')}"
    return "NOT_FOUND" in words or "NO_ASSOCIATIONS" in words


def unanswered(keys: Collection[str], found: Collection[str], answer: Answer) -> set[str]:
    """Keys of a batch read (as `match_key` makes them) that are neither `found` nor said to be unknown.

    An answer whose errors all say "not found", one of them without a word about whom, means every key that is left.
    """
    document = document_of(answer)
    errors = [document] if answer.status >= 400 else entries(document, "errors")
    left = set(keys) - set(found)
    absent = [_named(error) & set(keys) for error in errors if is_not_found(error)]
    if absent and len(absent) == len(errors) and not all(absent):
        return set()
    return left.difference(*absent)


def _named(error: Entry) -> set[str]:
    return {
        match_key(name)
        for part in parts(error)
        for value in context_of(part).values()
        for name in texts_of(value)
    }
