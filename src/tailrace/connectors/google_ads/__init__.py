"""Google Ads: accounts, campaigns and their daily spend in. Nothing is sent back."""

from __future__ import annotations

from tailrace.connectors.google_ads.declaration import DECLARATION

__all__ = ["DECLARATION"]
