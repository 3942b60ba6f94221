"""What the Marketing API knows by name: fields of each object, insights' metrics, breakdowns, windows, statuses.

Names as in the vendor's own SDK (facebook-business 26.0.3); of insights' 250 fields the usual ones. What loaded records
hold beyond them is known too.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


LEVELS = ("account", "campaign", "adset", "ad")
ID_OF = {"account": "account_id", "campaign": "campaign_id", "adset": "adset_id", "ad": "ad_id"}
NODES = {"accounts": "AdAccount", "campaigns": "Campaign", "adsets": "AdSet", "ads": "Ad"}

SHARED = _names(
    "id account_id name status effective_status configured_status created_time updated_time adlabels recommendations "
    "issues_info special_ad_categories"
)
FIELDS: dict[str, frozenset[str]] = {
    "accounts": _names(
        "id account_id name account_status age amount_spent balance business business_name business_country_code currency "
        "created_time disable_reason end_advertiser funding_source is_prepay_account min_daily_budget owner spend_cap "
        "timezone_id timezone_name timezone_offset_hours_utc tax_id_status user_tasks capabilities"
    ),
    "campaigns": SHARED
    | _names(
        "objective buying_type bid_strategy budget_remaining daily_budget lifetime_budget spend_cap start_time stop_time "
        "promoted_object smart_promotion_type source_campaign_id pacing_type"
    ),
    "adsets": SHARED
    | _names(
        "campaign_id optimization_goal billing_event bid_amount bid_strategy budget_remaining daily_budget lifetime_budget "
        "start_time end_time targeting attribution_spec promoted_object destination_type is_dynamic_creative "
        "pacing_type"
    ),
    "ads": SHARED
    | _names(
        "campaign_id adset_id creative bid_amount tracking_specs conversion_specs conversion_domain source_ad_id "
        "preview_shareable_link"
    ),
}

STATUSES: dict[str, frozenset[str]] = {
    "campaigns": _names("ACTIVE PAUSED DELETED ARCHIVED IN_PROCESS WITH_ISSUES"),
}
STATUSES["adsets"] = STATUSES["campaigns"] | {"CAMPAIGN_PAUSED"}
STATUSES["ads"] = STATUSES["adsets"] | _names(
    "ADSET_PAUSED DISAPPROVED PENDING_BILLING_INFO PENDING_REVIEW PREAPPROVED"
)
HIDDEN = frozenset(("DELETED", "ARCHIVED"))
"""Listed only where they are asked for."""

COUNTS = ("impressions", "clicks", "inline_link_clicks", "unique_clicks")
LISTS = ("actions", "action_values")
RATIOS: dict[str, tuple[str, str, float]] = {
    "ctr": ("clicks", "impressions", 100),
    "cpc": ("spend", "clicks", 1),
    "cpm": ("spend", "impressions", 1000),
    "cpp": ("spend", "reach", 1000),
    "frequency": ("impressions", "reach", 1),
    "inline_link_click_ctr": ("inline_link_clicks", "impressions", 100),
    "cost_per_inline_link_click": ("spend", "inline_link_clicks", 1),
    "cost_per_unique_click": ("spend", "unique_clicks", 1),
}
NAMES = tuple(f"{level}_{what}" for level in LEVELS for what in ("id", "name"))
INSIGHT_FIELDS = frozenset(
    (
        *NAMES,
        *COUNTS,
        *LISTS,
        *RATIOS,
        "reach",
        "spend",
        "account_currency",
        "date_start",
        "date_stop",
        "objective",
        "buying_type",
        "optimization_goal",
        "attribution_setting",
        "cost_per_action_type",
        "created_time",
        "updated_time",
    )
)

# bucket -> weight; sums need not be 1
BREAKDOWNS: dict[str, dict[str, int]] = {
    "age": {"18-24": 8, "25-34": 27, "35-44": 31, "45-54": 21, "55-64": 9, "65+": 4},
    "gender": {"male": 52, "female": 45, "unknown": 3},
    "publisher_platform": {"facebook": 56, "instagram": 38, "audience_network": 6},
}
COUNTRIES: dict[str, dict[str, int]] = {"USD": {"US": 88, "CA": 12}, "EUR": {"DE": 64, "AT": 19, "NL": 17}}
KNOWN_BREAKDOWNS = frozenset((*BREAKDOWNS, "country"))

WINDOWS = (
    "1d_click",
    "7d_click",
    "28d_click",
    "1d_view",
    "1d_ev",
    "default",
    "dda",
    "skan_click",
    "skan_view",
)
"""`7d_view` and `28d_view` are gone since 12 January 2026 (vendor-apis 7.3)."""
