"""GA4's default channel group from source and medium: the main rules of Google's list, from memory of it."""

from __future__ import annotations

import re

PAID = re.compile(r"(.*cp.*|ppc|retargeting|paid.*)")
SEARCH = re.compile(r"(google|bing|yahoo|duckduckgo|baidu|ecosia|yandex)(\..*)?")
SOCIAL = re.compile(r"(facebook|instagram|linkedin|twitter|x|t\.co|reddit|youtube|tiktok|pinterest)(\..*)?")
SOCIAL_MEDIA = ("social", "social-network", "social-media", "sm")
BY_MEDIUM = {
    "display": "Display",
    "banner": "Display",
    "expandable": "Display",
    "interstitial": "Display",
    "cpm": "Display",
    "email": "Email",
    "e-mail": "Email",
    "affiliate": "Affiliates",
    "audio": "Audio",
    "sms": "SMS",
    "organic": "Organic Search",
    "referral": "Referral",
    "app": "Referral",
    "link": "Referral",
}


def default_channel_group(source: object, medium: object) -> str:
    """The group's name; Unassigned where no rule fits."""
    origin, way = str(source or "").lower(), str(medium or "").lower()
    if origin in ("", "(direct)") and way in ("", "(none)", "(not set)"):
        return "Direct"
    if way in BY_MEDIUM:
        return BY_MEDIUM[way]
    if PAID.fullmatch(way):
        if SEARCH.fullmatch(origin):
            return "Paid Search"
        return "Paid Social" if SOCIAL.fullmatch(origin) else "Paid Other"
    if way in SOCIAL_MEDIA or SOCIAL.fullmatch(origin):
        return "Organic Social"
    return "Organic Search" if SEARCH.fullmatch(origin) else "Unassigned"
