"""How Google's APIs word errors and limits (vendor-apis.md 6.1, 7.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.connectors.sdk.http import Answer, Manners
from tailrace.connectors.sdk.options import Unfit, seconds


def google_manners(interval: float) -> Manners:
    """How Google speaks of limits: RESOURCE_EXHAUSTED with an optional retryDelay, daily ones by their words."""
    return Manners(
        interval=interval, spent=day_spent, wait=retry_delay, message=google_message, hidden=broken_off
    )


def error_of(answer: Answer) -> Mapping[str, Any]:
    """The `error` object; a stream is an array, and its error any chunk of it. Empty where there is none."""
    document = answer.document
    chunks = document if isinstance(document, list) else [document]
    errors = (chunk.get("error") for chunk in chunks if isinstance(chunk, Mapping))
    error = next(filter(None, errors), None)
    return error if isinstance(error, Mapping) else {"message": error} if isinstance(error, str) else {}


def broken_off(answer: Answer) -> int | None:
    """The status of an error that stands behind the first chunks of a stream, which had begun with 200."""
    error = error_of(answer) if isinstance(answer.document, list) else {}
    if not error:
        return None
    code = error.get("code")
    return code if isinstance(code, int) and 400 <= code < 600 else 500


def failures(answer: Answer) -> Iterator[Mapping[str, Any]]:
    """The single errors of a GoogleAdsFailure in the details."""
    for detail in error_of(answer).get("details") or []:
        yield from detail.get("errors") or []


def codes(answer: Answer) -> set[str]:
    """The failures' codes, like USER_PERMISSION_DENIED, without the enumeration that they are of."""
    found = (failure.get("errorCode") for failure in failures(answer))
    return {str(code) for group in found if isinstance(group, Mapping) for code in group.values()}


def google_message(answer: Answer) -> str:
    """The failures' own words, which are more exact than the envelope's."""
    texts = [str(failure.get("message") or failure.get("errorCode")) for failure in failures(answer)]
    return "; ".join(texts) or str(error_of(answer).get("message") or "")


def day_spent(answer: Answer) -> bool:
    """Google Ads' quotaError RESOURCE_EXHAUSTED is the day's; GA4 says `per day` in its message."""
    return "RESOURCE_EXHAUSTED" in codes(answer) or "per day" in google_message(answer).lower()


def retry_delay(answer: Answer) -> float | None:
    """Seconds that a quota error or a RetryInfo asks to wait (`30s`)."""
    quotas = [(failure.get("details") or {}).get("quotaErrorDetails") or {} for failure in failures(answer)]
    infos = error_of(answer).get("details") or []
    delays = [part.get("retryDelay") for part in (*infos, *quotas)]
    for delay in delays:
        if delay:
            try:
                return seconds(delay)
            except Unfit:
                continue
    return None
