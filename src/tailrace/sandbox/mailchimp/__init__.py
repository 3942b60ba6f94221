"""Mailchimp's Marketing API 3.0 on localhost."""

from __future__ import annotations

from tailrace.sandbox.mailchimp.fake import Mailchimp

__all__ = ["FAKE", "Mailchimp"]

FAKE = Mailchimp
