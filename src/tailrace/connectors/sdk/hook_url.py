"""URLs that are secrets themselves, as those of incoming webhooks and catch hooks are: nothing here repeats one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tailrace.connectors.sdk.auth import reveal
from tailrace.connectors.sdk.options import Problem

URL = re.compile(
    r"https?://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(?P<port>\d{1,5}))?(?:[/?][!-~]*)?"
)
"""Strict, so that a client which cannot read a URL has no reason to repeat it in an error."""
PORTS = range(1, 65_536)
SHORTEST_SECRET = 8


def url_problems(name: str, value: Any) -> list[Problem]:
    """What is wrong with a URL, said without showing it."""
    text = str(reveal(value))
    fix = "write the whole URL, like https://host/path"
    found = URL.fullmatch(text)
    if found is None or ".." in found["host"]:
        return [((name,), f"{name} is no URL", fix)]
    if int(found["port"] or 1) not in PORTS:
        return [((name,), f"{name} has no port that can be one", fix)]
    return []


def base_and_end(url: str) -> tuple[str, str]:
    """The URL as Http takes it: without the slashes at its end, and these (a catch hook's URL may need them)."""
    base = url.rstrip("/")
    return base, url[len(base) :]


def hidden_parts(url: str) -> Mapping[str, str]:
    """What of the URL must never be shown: all of it, and what behind the host is long enough to be a secret."""
    parts = urlsplit(url)
    behind = {"path": parts.path.strip("/"), "query": parts.query}
    return {"url": url, **{name: text for name, text in behind.items() if len(text) >= SHORTEST_SECRET}}


def account_of(url: str, *, without_last: bool = False) -> str:
    """A stable name of what the URL leads to, which tells nothing of it; the query may change.

    `without_last`: the path's last part is the secret, and may be replaced without the account being another.
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    named = path.rpartition("/")[0] if without_last else path
    digest = hashlib.sha256(f"{parts.scheme}://{parts.netloc}{named}".encode()).hexdigest()
    return f"{parts.hostname}/{digest[:12]}"
