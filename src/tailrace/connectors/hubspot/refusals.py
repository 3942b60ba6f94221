"""Refusals that are about the account and not about rows: repeating them row by row would say the same thing thousands of times."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tailrace.connectors.hubspot.batches import context_of, parts, texts_of
from tailrace.connectors.sdk.writing import WriteBatch
from tailrace.errors import FatalError

GONE_CODE = "PROPERTY_DOESNT_EXIST"
GONE_TEXT = re.compile(r'[Pp]roperty \\*"([\w.]+)\\*" does not exist')


def stop_if_property_gone(batch: WriteBatch, errors: Sequence[Mapping[str, Any]], rows: int) -> None:
    """FatalError where nothing was written, and at least `rows` errors name one property as unknown that every row carries.

    It was there when the delivery began, so somebody has archived it since.
    """
    counted = Counter(name for error in errors for name in set(_gone(error)))
    for name, count in counted.items():
        if count >= rows and all(name in row.values for row in batch.rows):
            raise FatalError(
                f"{batch.object} of HubSpot has no property {name} any more, so none of {len(batch.rows)} rows was taken",
                "restore it in HubSpot or take it out of the sync, then run again",
            )


def _gone(error: Mapping[str, Any]) -> Iterator[str]:
    """The properties that an error, or what is inside of it, calls unknown."""
    yield from GONE_TEXT.findall(str(error.get("message") or ""))
    for part in parts(error):
        if part.get("code") == GONE_CODE:
            yield from texts_of(context_of(part).get("propertyName") or part.get("name"))
