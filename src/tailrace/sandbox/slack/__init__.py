"""Slack's incoming webhooks."""

from __future__ import annotations

from tailrace.sandbox.slack.fake import Slack

__all__ = ["FAKE", "Slack"]

FAKE = Slack
