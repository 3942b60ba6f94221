"""The columns of each resource, and records as rows of them: `stats.avg_open_rate` is the column `stats_avg_open_rate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from tailrace.records import Column, Schema, Type

LOCATION = (
    "location.latitude:double location.longitude:double location.gmtoff:double location.dstoff:double"
    " location.country_code location.timezone location.region"
)
PERSON = (
    "list_id id email_address unique_email_id contact_id full_name web_id:bigint email_type status unsubscribe_reason"
    " consents_to_one_to_one_messaging:bool interests:json stats.avg_open_rate:double stats.avg_click_rate:double"
    " stats.ecommerce_data:json ip_signup timestamp_signup:timestamp ip_opt timestamp_opt:timestamp member_rating:bigint"
    f" last_changed:timestamp language vip:bool email_client {LOCATION} marketing_permissions:json last_note:json source"
    " tags_count:bigint tags:json"
)
COUNTS = (
    "stats.member_count:bigint stats.unsubscribe_count:bigint stats.cleaned_count:bigint stats.member_count_since_send:bigint"
    " stats.unsubscribe_count_since_send:bigint stats.cleaned_count_since_send:bigint stats.campaign_count:bigint"
    " stats.merge_field_count:bigint stats.total_contacts:bigint"
)
RATES = (
    "stats.avg_sub_rate:double stats.avg_unsub_rate:double stats.target_sub_rate:double stats.open_rate:double"
    " stats.click_rate:double"
)
FLAGS = (
    "settings.use_conversation:bool settings.authenticate:bool settings.auto_footer:bool settings.inline_css:bool"
    " settings.auto_tweet:bool settings.fb_comments:bool settings.timewarp:bool settings.drag_and_drop:bool"
)
COLUMNS: Mapping[str, str] = {
    "lists": (
        "id web_id:bigint name contact:json permission_reminder use_archive_bar:bool campaign_defaults:json"
        " notify_on_subscribe notify_on_unsubscribe date_created:timestamp list_rating:double email_type_option:bool"
        " subscribe_url_short subscribe_url_long beamer_address visibility double_optin:bool has_welcome:bool"
        " marketing_permissions:bool modules:json"
        f" {COUNTS} {RATES}"
        " stats.campaign_last_sent:timestamp stats.last_sub_date:timestamp stats.last_unsub_date:timestamp"
    ),
    "members": PERSON,
    "merge_fields": (
        "list_id merge_id:bigint tag name type required:bool default_value public:bool display_order:bigint options:json help_text"
    ),
    "segments": (
        "list_id id:bigint name member_count:bigint type created_at:timestamp updated_at:timestamp options:json"
    ),
    "segment_members": f"segment_id:bigint {PERSON} merge_fields:json",
    "tags": "list_id id:bigint name",
    "interest_categories": "list_id id title display_order:bigint type",
    "interests": "list_id category_id id name subscriber_count:bigint display_order:bigint",
    "campaigns": (
        "id web_id:bigint parent_campaign_id type create_time:timestamp archive_url long_archive_url status"
        " emails_sent:bigint send_time:timestamp content_type needs_block_refresh:bool resendable:bool"
        " recipients.list_id recipients.list_is_active:bool recipients.list_name recipients.segment_text"
        " recipients.recipient_count:bigint recipients.segment_opts:json settings.subject_line settings.preview_text"
        " settings.title settings.from_name settings.reply_to settings.to_name settings.folder_id settings.template_id:bigint"
        f" {FLAGS}"
        " settings.auto_fb_post:json variate_settings:json tracking:json rss_opts:json ab_split_opts:json social_card:json"
        " report_summary.opens:bigint report_summary.unique_opens:bigint report_summary.open_rate:double"
        " report_summary.clicks:bigint report_summary.subscriber_clicks:bigint report_summary.click_rate:double"
        " report_summary.ecommerce:json delivery_status:json"
    ),
    "reports": (
        "id campaign_title type list_id list_is_active:bool list_name subject_line preview_text emails_sent:bigint"
        " abuse_reports:bigint unsubscribed:bigint send_time:timestamp rss_last_send:timestamp bounces.hard_bounces:bigint"
        " bounces.soft_bounces:bigint bounces.syntax_errors:bigint forwards.forwards_count:bigint forwards.forwards_opens:bigint"
        " opens.opens_total:bigint opens.unique_opens:bigint opens.open_rate:double opens.last_open:timestamp"
        " clicks.clicks_total:bigint clicks.unique_clicks:bigint clicks.unique_subscriber_clicks:bigint clicks.click_rate:double"
        " clicks.last_click:timestamp facebook_likes:json industry_stats:json list_stats.sub_rate:double list_stats.unsub_rate:double"
        " list_stats.open_rate:double list_stats.click_rate:double ab_split:json timewarp:json timeseries:json share_report:json"
        " ecommerce.total_orders:bigint ecommerce.total_spent:double ecommerce.total_revenue:double ecommerce.currency_code"
        " delivery_status:json"
    ),
    "activity": (
        "campaign_id list_id list_is_active:bool email_id email_address action type timestamp:timestamp url ip"
    ),
    "unsubscribes": (
        "campaign_id list_id list_is_active:bool email_id email_address merge_fields:json vip:bool timestamp:timestamp reason"
    ),
}
CURSORS: Mapping[str, tuple[str, ...]] = {"members": ("last_changed",), "segments": ("updated_at",)}


@dataclass(frozen=True)
class Field:
    """A column, and where a record has it."""

    path: tuple[str, ...]
    column: Column


@cache
def fields(resource: str) -> tuple[Field, ...]:
    """The fixed columns of a resource, in order."""
    found = []
    for word in COLUMNS[resource].split():
        path, _, kind = word.partition(":")
        column = Column(path.replace(".", "_"), cast("Type", kind or "text"))
        found.append(Field(tuple(path.split(".")), column))
    return tuple(found)


def schema(resource: str, key: Sequence[str], more: Sequence[Column] = ()) -> Schema:
    """The fixed columns and `more` behind them."""
    columns = (*(field.column for field in fields(resource)), *more)
    return Schema(columns, tuple(key), CURSORS.get(resource, ()))


def row(resource: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """The fixed columns of a record; "" where JSON is due is Mailchimp's word for nothing."""
    found: dict[str, Any] = {}
    for field in fields(resource):
        value: Any = record
        for part in field.path:
            value = value.get(part) if isinstance(value, Mapping) else None
        found[field.column.name] = None if value == "" and field.column.type == "json" else value
    return found
