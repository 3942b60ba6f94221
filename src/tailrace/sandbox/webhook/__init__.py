"""A receiver of signed webhooks."""

from __future__ import annotations

from tailrace.sandbox.webhook.fake import Webhook

__all__ = ["FAKE", "Webhook"]

FAKE = Webhook
