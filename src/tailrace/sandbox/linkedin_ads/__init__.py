"""LinkedIn's marketing API: ad accounts and what is below them, adAnalytics, and its token endpoints."""

from __future__ import annotations

from tailrace.sandbox.linkedin_ads.fake import LinkedInAds

__all__ = ["FAKE", "LinkedInAds"]

FAKE = LinkedInAds
