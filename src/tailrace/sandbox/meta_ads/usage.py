"""Calls counted per ad account, and the headers that say how much of the limit is used (from memory, vendor-apis 7.3)."""

from __future__ import annotations

import math

import orjson

from tailrace.sandbox.limits import SlidingWindow
from tailrace.sandbox.meta_ads.errors import GraphError

CALLS, HOUR = 5000, 3600.0
"""No promise of Meta's: it counts by ads and tier."""
CODES = {"ads_insights": 80000, "custom_audience": 80003, "ads_management": 80004}
MESSAGE = (
    "There have been too many calls to this ad-account. Wait a bit and try again. For more info, please refer to "
    "https://developers.facebook.com/docs/graph-api/overview/rate-limiting."
)


class Usage:
    """One sliding hour for each account and kind of call."""

    def __init__(self, calls: int | None) -> None:
        self._calls = calls
        self._windows: dict[tuple[str, str], SlidingWindow] = {}

    def count(self, account: str, kind: str) -> dict[str, str]:
        """The headers of an answer; GraphError 80000, 80003 or 80004 where the hour's calls are used up."""
        limit = self._calls or CALLS
        window = self._windows.setdefault((account, kind), SlidingWindow(limit, HOUR))
        taken = window.take() or self._calls is None
        used = min(100, math.ceil(100 * (limit - window.remaining) / limit))
        headers = _headers(account, kind, used, 0 if taken else 5)
        if not taken:
            raise GraphError(CODES[kind], f"(#{CODES[kind]}) {MESSAGE}", subcode=2446079, headers=headers)
        return headers


def _headers(account: str, kind: str, used: int, minutes: int) -> dict[str, str]:
    entry = {
        "type": kind,
        "call_count": used,
        "total_cputime": used // 2,
        "total_time": used // 2,
        "estimated_time_to_regain_access": minutes,
        "ads_api_access_tier": "standard_access",
    }
    headers = {
        "x-business-use-case-usage": {account: [entry]},
        "x-ad-account-usage": {"acc_id_util_pct": float(used), "ads_api_access_tier": "standard_access"},
        "x-app-usage": {"call_count": used // 10, "total_time": used // 10, "total_cputime": used // 10},
    }
    if kind == "ads_insights":
        headers["x-fb-ads-insights-throttle"] = {"app_id_util_pct": used / 10, "acc_id_util_pct": float(used)}
    return {name: orjson.dumps(value).decode() for name, value in headers.items()}
