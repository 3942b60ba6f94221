"""How requests are made of Google: what is repeated, how long one waits, and errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tailrace.warehouse.bigquery.refusals import reasons_of, refused

PATIENCE = 120.0
"""Seconds for which a request is repeated that the network or Google's trouble ended; Google's client takes 600."""
ANSWER = 60.0
"""Seconds within which one request is answered."""
READERS = ("SELECT", "WITH", "(")
TROUBLE = {"backendError", "internalError", "jobBackendError", "jobInternalError", "rateLimitExceeded"}
"""Reasons for which a query may be started anew (Google: "Error messages")."""


def retry() -> Any:
    """For requests that do no harm when repeated: they read, or carry a job's id of ours."""
    from google.cloud.bigquery.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(PATIENCE)


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
