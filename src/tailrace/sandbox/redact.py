"""Paths fit for the log: no token, no client secret."""

from __future__ import annotations

import re
from urllib.parse import quote

SECRET_NAMES = re.compile(
    r"token|secret|hapikey|api_?key|^key$|^code$|password|signature|assertion", re.IGNORECASE
)
TOKEN_IN_PATH = re.compile(r"(?<=/access-tokens/)[^/]+|(?<=/refresh-tokens/)[^/]+")
HIDDEN = "***"


def without_secrets(path: str, query: tuple[tuple[str, str], ...]) -> str:
    """The path and its query, the values of credentials hidden."""
    shown = TOKEN_IN_PATH.sub(HIDDEN, path)
    if not query:
        return shown
    pairs = (
        f"{quote(name)}={HIDDEN if SECRET_NAMES.search(name) else quote(value, safe=',:@')}"
        for name, value in query
    )
    return f"{shown}?{'&'.join(pairs)}"
