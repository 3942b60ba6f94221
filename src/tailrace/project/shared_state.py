"""`state:` of a target: the Postgres in which workers on several machines share runs, locks, budgets and journals."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tailrace.project.reader import Reader
from tailrace.project.secrets import Secret
from tailrace.project.spec import SharedState

STATE_KEYS = ("url", "schema", "lease")
LEASE = 60.0
SHORTEST = 15.0
"""Seconds: a lease is renewed three times in its length, and an answer of the server may take a while."""
LONGEST_NAME = 63
"""Bytes of a name in Postgres; it cuts longer ones without a word."""
WRITE = "Write \"{{ secret('env:TAILRACE_STATE') }}\" for postgresql://user:password@host:5432/database"


def shared_state(target: Reader, profile: str, name: str) -> SharedState | None:
    """None and diagnostics where it cannot be used."""
    reader = target.under("state", "state")
    url = _url(reader)
    default = f"tailrace_{profile}_{name}"
    schema = reader.text("schema", default) or default
    if len(schema.encode()) > LONGEST_NAME or "\0" in schema:
        fix = f"Write a `schema:` of at most {LONGEST_NAME} letters"
        reader.problem(f"{schema[:80]!r} cannot name a schema in Postgres", fix, "schema")
    lease = _lease(reader)
    return None if url is None else SharedState(url, schema, lease)


def _url(reader: Reader) -> Secret | None:
    given: Any = reader.get("url", required=True)
    refused = isinstance(given, str) and "{{" in given  # its template was, and that is told
    if given is None or refused:
        return None
    text = given.reveal() if isinstance(given, Secret) else given
    wrong = _wrong(text)
    if wrong:
        reader.problem(f"url {wrong}", WRITE, "url")
        return None
    return given if isinstance(given, Secret) else Secret(text)


def _wrong(text: Any) -> str:
    """What is wrong with an address, in words that show nothing of it; "" for nothing."""
    if not isinstance(text, str) or not text.startswith("postgresql://"):
        return "is not one of postgresql://"
    try:
        parts = urlsplit(text)
        there, _ = parts.path.strip("/"), parts.port
    except ValueError:
        return "cannot be read as an address"
    return "" if there else "names no database"


def _lease(reader: Reader) -> float:
    seconds = reader.duration("lease")
    if seconds is not None and seconds < SHORTEST:
        reader.problem(f"lease must be a time from {SHORTEST:g}s on", "Write one such as 60s", "lease")
    return LEASE if seconds is None else seconds
