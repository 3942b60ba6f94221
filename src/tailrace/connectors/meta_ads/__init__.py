"""Meta Ads: accounts, campaigns, ad sets, ads and their daily insights in."""

from __future__ import annotations

from tailrace.connectors.meta_ads.declaration import DECLARATION

__all__ = ["DECLARATION"]
