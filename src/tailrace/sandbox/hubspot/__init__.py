"""The HubSpot fake."""

from __future__ import annotations

from tailrace.sandbox.hubspot.fake import HubSpot

FAKE = HubSpot

__all__ = ["FAKE", "HubSpot"]
