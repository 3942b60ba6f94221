"""Google Ads over REST: search, searchStream, the accessible customers, and a token endpoint."""

from __future__ import annotations

from tailrace.sandbox.google_ads.fake import GoogleAds

__all__ = ["FAKE", "GoogleAds"]

FAKE = GoogleAds
