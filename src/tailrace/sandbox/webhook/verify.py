"""Standard Webhooks 1.0 as a receiver reads it: who sent this, and when."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from tailrace.sandbox.wire import Request

SECRET = "whsec_" + base64.b64encode(b"tailrace sandbox webhook").decode()
"""The sandbox's receiver's secret. No secret: it opens nothing but this sandbox."""
TOLERANCE = 300.0


class Unsigned(Exception):
    """A request that is not the sender's, or too old; the text says why."""


def verify(request: Request, now: datetime, secret: str = SECRET) -> str:
    """The message's id; Unsigned unless one signature matches and the time is within five minutes."""
    name, sent, signed = (
        request.headers.get(f"webhook-{word}", "") for word in ("id", "timestamp", "signature")
    )
    if not name or not sent or not signed:
        raise Unsigned("Missing required headers")
    if not sent.isdigit():
        raise Unsigned("Invalid Signature Headers")
    age = now.timestamp() - int(sent)
    if abs(age) > TOLERANCE:
        raise Unsigned("Message timestamp too old" if age > 0 else "Message timestamp too new")
    key = base64.b64decode(secret.partition("_")[2])
    wanted = hmac.digest(key, b".".join((name.encode(), sent.encode(), request.body)), hashlib.sha256)
    for version, _, text in (one.partition(",") for one in signed.split(" ")):
        if version == "v1" and hmac.compare_digest(text.encode(), base64.b64encode(wanted)):
            return name
    raise Unsigned("No matching signature found")
