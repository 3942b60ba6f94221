"""The resources that LinkedIn Ads offers: where each is read, its columns and their types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.records import Column, Schema, Type

STAMPS = ("changeAuditStamps.created.time", "changeAuditStamps.lastModified.time")
MODIFIED = (STAMPS[1], "lastModifiedAt")
SCHEDULE = ("runSchedule.start", "runSchedule.end")
SERVING = ("servingStatuses", "test")
BUDGETS = (
    "dailyBudget.amount",
    "dailyBudget.currencyCode",
    "totalBudget.amount",
    "totalBudget.currencyCode",
)


@dataclass(frozen=True)
class Entity:
    """Read whole by a finder; `path` is below an account, but for the accounts themselves (empty)."""

    path: str
    finder: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """adAnalytics by day. `facet`: what a day that is too large is split by; `days`: how many are asked for first."""

    pivot: str
    id_column: str
    facet: str
    days: int


ENTITIES: Mapping[str, Entity] = {
    "accounts": Entity(
        "", "search", ("id", "name", "currency", "status", "type", "reference", *SERVING, *STAMPS)
    ),
    "campaign_groups": Entity(
        "adCampaignGroups",
        "search",
        ("id", "account", "name", "status", *SCHEDULE, *BUDGETS[2:], *SERVING, *STAMPS),
    ),
    "campaigns": Entity(
        "adCampaigns",
        "search",
        (
            "id",
            "account",
            "campaignGroup",
            "name",
            "status",
            "type",
            "format",
            "objectiveType",
            "costType",
            "unitCost.amount",
            "unitCost.currencyCode",
            *BUDGETS,
            *SCHEDULE,
            "locale.country",
            "locale.language",
            *SERVING,
            *STAMPS,
        ),
    ),
    "creatives": Entity(
        "creatives",
        "criteria",
        (
            "id",
            "account",
            "campaign",
            "name",
            "intendedStatus",
            "isServing",
            "isTest",
            "servingHoldReasons",
            "content",
            "review",
            "createdAt",
            "lastModifiedAt",
        ),
    ),
}
REPORTS: Mapping[str, Report] = {
    "account_analytics": Report("ACCOUNT", "", "", 92),
    "campaign_group_analytics": Report("CAMPAIGN_GROUP", "campaign_group_id", "campaignGroups", 92),
    "campaign_analytics": Report("CAMPAIGN", "campaign_id", "campaigns", 31),
    "creative_analytics": Report("CREATIVE", "creative_id", "campaigns", 7),
}
KEY = ("account_id", "pivotValue", "date")
TYPES: Mapping[str, Type] = {
    "test": "bool",
    "isServing": "bool",
    "isTest": "bool",
    "servingStatuses": "json",
    "servingHoldReasons": "json",
    "content": "json",
    "review": "json",
    "createdAt": "timestamp",
    "lastModifiedAt": "timestamp",
}
REAL_METRICS = frozenset(["averageDwellTime", "audiencePenetration", "averageVideoWatchTime"])
MONEY = ("cost", "conversionValue", "revenue")


def column_name(field: str) -> str:
    """`dailyBudget.amount` is the column `dailyBudget_amount`."""
    return field.replace(".", "_")


def fields_of(name: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths to land of an entity: those asked for besides its id, its account and its stamp of change."""
    entity = ENTITIES[name]
    asked = options.get("fields")
    if not asked:
        return entity.fields
    fixed = [field for field in entity.fields if field in ("id", "account", *MODIFIED)]
    return (
        *(field for field in fixed if field not in MODIFIED),
        *(f for f in asked if f not in fixed),
        fixed[-1],
    )


def entity_schema(name: str, options: Mapping[str, Any]) -> Schema:
    """The stamp of change is a cursor: a change in it alone is no change."""
    fields = fields_of(name, options)
    columns = tuple(Column(column_name(field), _entity_type(name, field)) for field in fields)
    return Schema(columns, ("id",), (column_name(fields[-1]),))


def _entity_type(name: str, field: str) -> Type:
    if field == "id":
        return "text" if name == "creatives" else "bigint"
    if field.endswith(".amount"):
        return "decimal"
    timed = field in STAMPS or field in SCHEDULE
    return "timestamp" if timed else TYPES.get(field, "text")


def report_schema(name: str, metrics: Sequence[str]) -> Schema:
    """LinkedIn publishes no types: money is exact, what is known to be a mean is a double, the rest are counts."""
    report = REPORTS[name]
    ids = (
        [Column(report.id_column, "bigint", "the number at the end of pivotValue")]
        if report.id_column
        else []
    )
    columns = (
        Column("account_id", "bigint"),
        Column("account_currency", "text", "what local currency is"),
        Column("account_time_zone", "text", "whose days these are"),
        Column("pivotValue", "text", "the URN that the row is of"),
        *ids,
        Column("date", "date"),
        *(Column(metric, metric_type(metric)) for metric in metrics),
    )
    return Schema(columns, KEY)


def metric_type(metric: str) -> Type:
    """decimal, double or bigint."""
    if metric.startswith(MONEY):
        return "decimal"
    return "double" if metric in REAL_METRICS else "bigint"
