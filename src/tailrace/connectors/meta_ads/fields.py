"""Fields of the Marketing API as columns: which ones a resource has, and their types (the vendor's SDK names the types)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tailrace.records import Column, Schema, Type

LEVELS = ("account", "campaign", "adset", "ad")
INSIGHTS = {f"{level}_insights": level for level in LEVELS}
ENTITIES = ("campaigns", "adsets", "ads")
ZONE = "account_timezone_name"
"""No field of insights: the account's `timezone_name`, which says whose days the rows count."""

ACCOUNT_FIELDS = (
    "name",
    "currency",
    "timezone_name",
    "account_status",
    "disable_reason",
    "business",
    "created_time",
)
COMMON = ("name", "status", "effective_status", "created_time", "updated_time")
ENTITY_FIELDS: Mapping[str, Sequence[str]] = {
    "campaigns": (
        *COMMON,
        "objective",
        "buying_type",
        "daily_budget",
        "lifetime_budget",
        "start_time",
        "stop_time",
    ),
    "adsets": (
        *("campaign_id", *COMMON, "optimization_goal", "billing_event"),
        *("daily_budget", "lifetime_budget", "start_time", "end_time"),
    ),
    "ads": ("campaign_id", "adset_id", *COMMON, "creative"),
}
METRICS = ("spend", "impressions", "clicks", "reach", "inline_link_clicks", "actions", "action_values")

BIGINTS = frozenset(
    (
        *(
            "impressions",
            "clicks",
            "reach",
            "unique_clicks",
            "inline_link_clicks",
            "unique_inline_link_clicks",
        ),
        *("inline_post_engagement", "full_view_impressions", "full_view_reach", "estimated_ad_recallers"),
        *("daily_budget", "lifetime_budget", "budget_remaining", "spend_cap", "amount_spent", "balance"),
        *("account_status", "disable_reason", "timezone_id"),
    )
)
DECIMALS = frozenset(("spend", "social_spend"))
DOUBLES = frozenset(
    (
        *(
            "cpc",
            "cpm",
            "cpp",
            "ctr",
            "frequency",
            "unique_ctr",
            "inline_link_click_ctr",
            "cost_per_unique_click",
        ),
        *(
            "cost_per_inline_link_click",
            "cost_per_inline_post_engagement",
            "cost_per_unique_inline_link_click",
        ),
        *("cost_per_estimated_ad_recallers", "unique_inline_link_click_ctr", "estimated_ad_recall_rate"),
        "timezone_offset_hours_utc",
    )
)
JSONS = frozenset(
    (
        *(
            "actions",
            "action_values",
            "conversions",
            "conversion_values",
            "cost_per_action_type",
            "unique_actions",
        ),
        *("cost_per_conversion", "cost_per_unique_action_type", "outbound_clicks", "outbound_clicks_ctr"),
        *("unique_outbound_clicks", "purchase_roas", "website_purchase_roas", "mobile_app_purchase_roas"),
        *("website_ctr", "results", "cost_per_result", "cost_per_thruplay", "video_play_actions"),
        *("video_thruplay_watched_actions", "video_p25_watched_actions", "video_p50_watched_actions"),
        *("video_p75_watched_actions", "video_p95_watched_actions", "video_p100_watched_actions"),
        *("video_30_sec_watched_actions", "video_avg_time_watched_actions", "catalog_segment_value"),
        *(
            "business",
            "creative",
            "targeting",
            "promoted_object",
            "attribution_spec",
            "issues_info",
            "adlabels",
        ),
        *("recommendations", "special_ad_categories", "pacing_type", "tracking_specs", "conversion_specs"),
    )
)
TYPES: Mapping[str, Type] = {
    **dict.fromkeys(BIGINTS, "bigint"),
    **dict.fromkeys(DECIMALS, "decimal"),
    **dict.fromkeys(DOUBLES, "double"),
    **dict.fromkeys(JSONS, "json"),
    **dict.fromkeys(("date_start", "date_stop"), "date"),
}
TIMES = frozenset(("created_time", "updated_time", "start_time", "stop_time", "end_time"))


def column(name: str, *, times: bool) -> Column:
    """A field as a column; text where nothing better is known (lists and objects as JSON).

    `times`: the `_time` fields are instants; in insights they are days.
    """
    if name in TIMES:
        return Column(name, "timestamp" if times else "date")
    return Column(name, TYPES.get(name, "text"))


def insight_key(level: str, breakdowns: Sequence[str]) -> tuple[str, ...]:
    """The account, the level's own id, the day, and the breakdowns."""
    own = () if level == "account" else (f"{level}_id",)
    return ("account_id", *own, "date_start", *breakdowns)


def insight_fields(level: str, metrics: Sequence[str]) -> tuple[str, ...]:
    """What is asked of insights: the ids down to the level, the currency, the metrics."""
    ids = [f"{known}_id" for known in LEVELS[: LEVELS.index(level) + 1]]
    return tuple(dict.fromkeys((*ids, "account_currency", *metrics)))


def insight_schema(level: str, metrics: Sequence[str], breakdowns: Sequence[str]) -> Schema:
    names = (*insight_fields(level, metrics), "date_start", "date_stop", *breakdowns, ZONE)
    columns = tuple(column(name, times=False) for name in dict.fromkeys(names))
    return Schema(columns, insight_key(level, breakdowns))


def node_fields(resource: str, chosen: Sequence[str]) -> tuple[str, ...]:
    """What is asked of a node: its ids, then `chosen`."""
    ids = ("account_id",) if resource == "accounts" else ("id", "account_id")
    return tuple(dict.fromkeys((*ids, *chosen)))


def node_schema(resource: str, chosen: Sequence[str]) -> Schema:
    names = node_fields(resource, chosen)
    columns = tuple(column(name, times=True) for name in names)
    stamps = ("updated_time",) if "updated_time" in names else ()
    return Schema(columns, ("account_id",) if resource == "accounts" else ("id",), stamps)
