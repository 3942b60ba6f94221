"""Connectors whose address is a URL of its own: opened against the sandbox as its tests need them."""

from __future__ import annotations

import base64
from typing import Any

from tailrace.connectors.sdk.base import Connector, Context
from tailrace.connectors.sdk.options import check_object
from tailrace.connectors.sdk.registry import declaration
from tailrace.connectors.sdk.writing import WriteBatch
from tailrace.sandbox.server import Sandbox
from tests.conformance.vendors import BRISK, FreeLimiter, utc_now

SECRET = "whsec_" + base64.b64encode(b"tailrace sandbox webhook").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret of 24 byte").decode()
HOOK_PATH, SLACK_PATH = "/catch/1/", "/services/T0001/B0001/s3cr3tpart"
MEMBERS = {
    "audience": "7001",
    "ad_user_data": "granted",
    "ad_personalization": "denied",
    "terms_accepted": True,
}
GOOGLE = {"access_token": "sandbox", "operating_account": "123-456-7890", "poll_interval": "0.002s"}


def opened(vendor: str, limiter: FreeLimiter | None = None, **options: Any) -> Connector:
    found = declaration(vendor)
    assert found is not None and found.open is not None
    context = Context(vendor, limiter or FreeLimiter(), utc_now)
    return found.open({"rate_limit": BRISK, **options}, context)


def hook(sandbox: Sandbox, **options: Any) -> Connector:
    return opened(
        "webhook", url=sandbox.base_url("webhook") + HOOK_PATH, **{"signing_secret": SECRET, **options}
    )


def slack(sandbox: Sandbox, **options: Any) -> Connector:
    return opened("slack", webhook_url=sandbox.base_url("slack") + SLACK_PATH, **options)


def google(sandbox: Sandbox, **options: Any) -> Connector:
    given = {"base_url": sandbox.base_url("google_data_manager"), **GOOGLE, **options}
    return opened("google_data_manager", **given)


def with_options(vendor: str, batch: WriteBatch, **options: Any) -> WriteBatch:
    """The batch with the sync's options as the runner fills them in."""
    found = declaration(vendor)
    assert found is not None
    filled, problems = check_object(found, batch.object, "upsert", options)
    assert problems == []
    return WriteBatch(batch.object, batch.operation, batch.match_field, batch.rows, filled, batch.name)
