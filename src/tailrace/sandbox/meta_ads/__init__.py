"""Meta Ads over the Graph API: ad accounts, campaigns, ad sets, ads, and insights at once or as report runs."""

from __future__ import annotations

from tailrace.sandbox.meta_ads.fake import MetaAds

__all__ = ["FAKE", "MetaAds"]

FAKE = MetaAds
