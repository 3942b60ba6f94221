"""Errors that dlt, and what dlt calls, raise while a resource is pulled: what happened and what to do, in one sentence."""

from __future__ import annotations

import contextlib
import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tailrace.errors import (
    AuthError,
    FatalError,
    RateLimited,
    TailraceError,
    Unavailable,
    VendorRefused,
)

WORDS = 200
"""Longest quotation of somebody else's message."""


def told(error: BaseException, name: str, folder: Path | None = None) -> TailraceError:
    """`name` is the pipeline's; `folder` holds a person's code, whose line is named where the error came out of it."""
    chain = list(causes(error))
    for cause in reversed(chain):
        if isinstance(cause, TailraceError):
            return cause
    for cause in reversed(chain):
        found = _http(cause, name) or _dlt(cause, name)
        if found is not None:
            return found
    root = chain[-1]
    place = next((where for cause in reversed(chain) if (where := place_of(cause, folder))), "")
    return FatalError(f"{place or name}: {quoted(root)}", "mend it and run again" if place else "")


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, down to the first."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def place_of(error: BaseException, folder: Path | None) -> str:
    """`pipelines/mine.py:12` for the innermost line of the error that lies under `folder`; else empty."""
    if folder is None:
        return ""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_relative_to(folder):
        return f"{_short(error.filename, folder)}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    return f"{_short(inside[-1].filename, folder)}:{inside[-1].lineno}" if inside else ""


def _short(filename: str, folder: Path) -> str:
    return Path(filename).relative_to(folder.parent).as_posix()


def quoted(error: BaseException) -> str:
    """Kind and first line of a message, cut where it is long."""
    text = shortened(str(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def shortened(text: str) -> str:
    """The first line; of a long one the sentences that fit, else the words that do."""
    line = next(iter(text.strip().splitlines()), "").rstrip(". ")
    if len(line) <= WORDS:
        return line
    part = line[:WORDS]
    sentences, dot, _ = part.rpartition(". ")
    return sentences if dot else f"{part.rpartition(' ')[0] or part} ..."


def _http(error: BaseException, name: str) -> TailraceError | None:
    """Answers and silences of an HTTP API, as requests has them."""
    if not type(error).__module__.startswith(("requests.", "urllib3.")):
        return None
    import requests

    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return _status(error.response, name)
    if isinstance(error, requests.exceptions.ConnectionError | requests.exceptions.Timeout):
        url = error.request.url if error.request is not None else ""
        host = _host(url)
        kind = (
            "did not answer in time" if isinstance(error, requests.exceptions.Timeout) else "is not reached"
        )
        return Unavailable(f"{name}: {host} {kind}", "check base_url and the network, then run again")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return FatalError(f"{name}: {shortened(str(error))}", "check base_url and the paths")
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return _no_json(str(error.doc), name)
    return None


def _no_json(text: str, name: str) -> TailraceError:
    """Python reads NaN and Infinity where JSON has no such number."""
    found: list[str] = []
    with contextlib.suppress(ValueError, RecursionError):
        json.loads(text, parse_constant=found.append)
    if found:
        what = f"{name}: the answer is no JSON: it has {found[0]} for a number"
        return VendorRefused(what, "ask the API's maker for null in its place")
    return VendorRefused(f"{name}: the answer is no JSON", "check base_url and the path")


def _status(response: Any, name: str) -> TailraceError:
    url = str(response.url).split("?")[0]
    what = f"{name}: {response.status_code} {response.reason or ''}".rstrip() + f" from {url}"
    if response.status_code in (401, 403):
        return AuthError(f"{what}: the API refuses the credentials", "check `auth:` under config: client")
    if response.status_code == 429:
        return RateLimited(f"{what}: too many requests", "run again later: nothing was skipped")
    if response.status_code >= 500:
        return Unavailable(what, "run again later: nothing was skipped")
    return VendorRefused(f"{what}: {response.text[:WORDS].strip()}".rstrip(": "), "check path and params")


def _host(url: Any) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(str(url or ""))
    return (
        f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
        if parts.hostname
        else "the API"
    )


def _dlt(error: BaseException, name: str) -> TailraceError | None:
    """Mistakes that dlt itself finds in what it was given."""
    kind = type(error).__name__
    if not type(error).__module__.startswith("dlt."):
        return None
    if kind in ("IncrementalCursorPathMissing", "IncrementalCursorPathHasValueNone"):
        column = getattr(error, "json_path", "")
        return FatalError(
            f"{name}: a row has no value under the cursor {column}",
            "name a column that every row has, or set on_cursor_value_missing",
        )
    if kind == "ConfigFieldMissingException":
        fields = ", ".join(getattr(error, "fields", ()) or ())
        return FatalError(f"{name}: no value for {fields or 'an argument'}", "give it under `args:`")
    if kind == "DictValidationException":
        return FatalError(f"{name}: {shortened(str(error))}", "mend it under `config:`")
    return None
