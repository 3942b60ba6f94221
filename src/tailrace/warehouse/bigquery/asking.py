"""How requests are made of Google: what is repeated, how long one waits, and errors as ours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tailrace.warehouse.bigquery.refusals import reasons_of, refused

PATIENCE = 600.0
"""Seconds for which a request is repeated that Google's trouble ended, as Google's client does."""
ALONE = 60.0
"""Seconds for which it is tried to reach anybody at all."""
ANSWER: Any = (10.0, 300.0)
"""Seconds to connect, and for one answer: an emulator runs a whole script before it gives one."""
READERS = ("SELECT", "WITH", "(")
TROUBLE = {"backendError", "internalError", "jobBackendError", "jobInternalError", "rateLimitExceeded"}
"""Reasons for which a query may be started anew (Google: "Error messages")."""


def retry() -> Any:
    """For requests that do no harm when repeated: they read, or carry a job's id of ours."""
    from google.cloud.bigquery.retry import DEFAULT_RETRY
    from requests.exceptions import ConnectionError as Unreachable

    began, known = time.monotonic(), DEFAULT_RETRY._predicate  # noqa: SLF001 - what Google's client itself repeats

    def again(error: Any) -> bool:
        lonely = isinstance(error, Unreachable) and time.monotonic() - began > min(ALONE, PATIENCE)
        return not lonely and bool(known(error))

    return DEFAULT_RETRY.with_predicate(again).with_timeout(PATIENCE)


def only_reads(sql: str) -> bool:
    """One SELECT: nothing that running it twice could do twice."""
    text = sql.strip().rstrip(";")
    return text.upper().startswith(READERS) and ";" not in text


def in_trouble(error: Any) -> bool:
    """Whether Google's own trouble ended a job."""
    return bool(reasons_of(error) & TROUBLE)


@contextmanager
def told(doing: str, project: str, location: str, job: Any = None) -> Iterator[None]:
    """Google's errors as ours; `job()` gives the id of the one at work."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, OSError) as error:
        raise refused(error, doing, project, location, job() if job else "") from error
