"""LinkedIn Ads: accounts, campaign groups, campaigns, creatives and their daily numbers in. Nothing is sent back."""

from __future__ import annotations

from tailrace.connectors.linkedin_ads.declaration import DECLARATION

__all__ = ["DECLARATION"]
