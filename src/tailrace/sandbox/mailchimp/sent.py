"""Campaigns that were sent, what the recipients did, and the reports that count it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tailrace.sandbox.mailchimp.listing import spelled
from tailrace.sandbox.mailchimp.stock import Record
from tailrace.sandbox.world.vocabulary import EMAIL_CAMPAIGNS

SENDINGS, APART, MOST_RECIPIENTS = 8, timedelta(days=14), 1500
LINKS = (
    "https://millbrook.example/product",
    "https://millbrook.example/pricing",
    "https://millbrook.example/blog",
)
REASONS = ("NORMAL", "No longer interested", "Did not signup for list")
Lists = Sequence[tuple[str, str]]
Tables = dict[str, list[Record]]


def make_campaigns(rng: random.Random, members: list[Record], lists: Lists, today: date) -> Tables:
    """Eight sent ones, a fortnight apart, to the lists in turn, and a draft."""
    end = datetime.combine(today, time(), UTC) - timedelta(seconds=1)
    tables: Tables = {"campaigns": [], "reports": [], "activity": [], "unsubscribes": []}
    for number in range(SENDINGS):
        at = end - timedelta(days=3) - APART * (SENDINGS - 1 - number) + timedelta(hours=9)
        title = f"{EMAIL_CAMPAIGNS[number % len(EMAIL_CAMPAIGNS)]} {at:%Y-%m}"
        to = lists[number % len(lists)]
        for name, rows in send(rng, f"c{number + 1:09d}", title, to, members, (at, end)).items():
            tables[name] += rows
    tables["campaigns"].append(
        _campaign("c900000001", "Winter draft", lists[0], spelled(end - timedelta(days=1)))
    )
    return tables


def send(
    rng: random.Random,
    key: str,
    title: str,
    to: tuple[str, str],
    members: list[Record],
    span: tuple[datetime, datetime],
) -> Tables:
    """One campaign to one list at span[0], everything done about it until span[1]."""
    at = spelled(span[0])
    there = [
        member
        for member in members
        if member["list_id"] == to[0]
        and member["status"] in ("subscribed", "unsubscribed")
        and member["timestamp_opt"] < at
    ]
    recipients = there if len(there) <= MOST_RECIPIENTS else rng.sample(there, MOST_RECIPIENTS)
    activity = [action for member in recipients for action in _actions(rng, key, member, span)]
    left = [
        _left(rng, key, member, span)
        for member in recipients
        if member["status"] == "unsubscribed" and rng.random() < 0.2
    ]
    campaign = _campaign(key, title, to, at, len(recipients))
    report = counted(blank_report(campaign), activity, left)
    return {
        "campaigns": [{**campaign, "report_summary": summary(report)}],
        "reports": [report],
        "activity": activity,
        "unsubscribes": left,
    }


def action(member: Record, key: str, kind: str, at: datetime, **more: str) -> Record:
    """One action of one recipient."""
    return {
        "campaign_id": key,
        "list_id": member["list_id"],
        "list_is_active": True,
        "email_id": member["id"],
        "email_address": member["email_address"],
        "action": kind,
        "timestamp": spelled(at),
        **more,
    }


def counted(report: Record, activity: list[Record], left: list[Record]) -> Record:
    """The report with all that was done until now."""
    by = {kind: [row for row in activity if row["action"] == kind] for kind in ("open", "click", "bounce")}
    sent = max(report["emails_sent"], 1)
    openers, clickers = ({row["email_id"] for row in by[kind]} for kind in ("open", "click"))
    opens = {
        "opens_total": len(by["open"]),
        "unique_opens": len(openers),
        "open_rate": round(len(openers) / sent, 4),
        "last_open": _last(by["open"]),
    }
    clicks = {
        "clicks_total": len(by["click"]),
        "unique_clicks": len({(row["email_id"], row["url"]) for row in by["click"]}),
        "unique_subscriber_clicks": len(clickers),
        "click_rate": round(len(clickers) / sent, 4),
        "last_click": _last(by["click"]),
    }
    hard = sum(row.get("type") == "hard" for row in by["bounce"])
    bounces = {"hard_bounces": hard, "soft_bounces": len(by["bounce"]) - hard, "syntax_errors": 0}
    return {**report, "opens": opens, "clicks": clicks, "bounces": bounces, "unsubscribed": len(left)}


def summary(report: Record) -> Record:
    """What a campaign shows of its report."""
    return {
        "opens": report["opens"]["opens_total"],
        "unique_opens": report["opens"]["unique_opens"],
        "open_rate": report["opens"]["open_rate"],
        "clicks": report["clicks"]["clicks_total"],
        "subscriber_clicks": report["clicks"]["unique_subscriber_clicks"],
        "click_rate": report["clicks"]["click_rate"],
        "ecommerce": {"total_orders": 0, "total_spent": 0, "total_revenue": 0},
    }


def blank_report(campaign: Record) -> Record:
    """The report of a campaign that nobody has opened yet."""
    recipients = campaign["recipients"]
    return {
        "id": campaign["id"],
        "campaign_title": campaign["settings"]["title"],
        "type": campaign["type"],
        "list_id": recipients["list_id"],
        "list_is_active": True,
        "list_name": recipients["list_name"],
        "subject_line": campaign["settings"]["subject_line"],
        "preview_text": "",
        "emails_sent": campaign["emails_sent"],
        "abuse_reports": 0,
        "unsubscribed": 0,
        "send_time": campaign["send_time"],
        "bounces": {},
        "forwards": {"forwards_count": 0, "forwards_opens": 0},
        "opens": {},
        "clicks": {},
        "facebook_likes": {"recipient_likes": 0, "unique_likes": 0, "facebook_likes": 0},
        "list_stats": {"sub_rate": 0, "unsub_rate": 0, "open_rate": 0, "click_rate": 0},
        "timeseries": [],
        "ecommerce": {"total_orders": 0, "total_spent": 0, "total_revenue": 0, "currency_code": "USD"},
        "delivery_status": {"enabled": False},
    }


def _campaign(key: str, title: str, to: tuple[str, str], at: str, recipients: int | None = None) -> Record:
    """One with recipients was sent at `at`; one without is a draft made then."""
    settings: dict[str, Any] = {"subject_line": title, "title": title, "from_name": "Millbrook Stock"}
    flags = dict.fromkeys(
        ("use_conversation", "auto_footer", "inline_css", "auto_tweet", "timewarp", "drag_and_drop"), False
    )
    texts = {"reply_to": "news@millbrook.example", "to_name": "", "folder_id": ""}
    return {
        "id": key,
        "web_id": 13_000_000 + int(key[1:]) % 900_000,
        "type": "regular",
        "create_time": at,
        "archive_url": f"http://mail.example/{key}",
        "long_archive_url": f"https://mail.example/?u=5a1b&id={key}",
        "status": "save" if recipients is None else "sent",
        "emails_sent": recipients or 0,
        "send_time": "" if recipients is None else at,
        "content_type": "multichannel",
        "needs_block_refresh": False,
        "resendable": recipients is not None,
        "recipients": {
            "list_id": to[0],
            "list_is_active": True,
            "list_name": to[1],
            "segment_text": "",
            "recipient_count": recipients or 0,
        },
        "settings": {
            **settings,
            **texts,
            **flags,
            "authenticate": True,
            "fb_comments": True,
            "template_id": 13,
        },
        "tracking": {
            "opens": True,
            "html_clicks": True,
            "text_clicks": False,
            "goal_tracking": False,
            "ecomm360": False,
            "google_analytics": "",
            "clicktale": "",
        },
        "delivery_status": {"enabled": False},
    }


def _actions(rng: random.Random, key: str, member: Record, span: tuple[datetime, datetime]) -> list[Record]:
    """Nothing of most; opens, some with clicks; now and then a bounce."""
    draw = rng.random()
    if draw > 0.99:
        kind = "soft" if rng.random() < 0.7 else "hard"
        return [
            action(member, key, "bounce", span[0] + timedelta(seconds=int(rng.random() * 600)), type=kind)
        ]
    if draw > 0.38:
        return []
    address = f"198.51.100.{1 + int(rng.random() * 250)}"
    found = [
        action(member, key, "open", _later(rng, span), ip=address) for _ in range(1 + int(rng.random() * 2))
    ]
    if draw < 0.1:
        found.append(action(member, key, "click", _later(rng, span), ip=address, url=rng.choice(LINKS)))
    return list({tuple(sorted(row.items())): row for row in found}.values())


def _later(rng: random.Random, span: tuple[datetime, datetime]) -> datetime:
    """Most within a day, none behind the end."""
    longest = min((span[1] - span[0]).total_seconds() - 1, 10 * 86400)
    return span[0] + timedelta(seconds=1 + int(rng.random() ** 4 * max(longest, 1)))


def _left(rng: random.Random, key: str, member: Record, span: tuple[datetime, datetime]) -> Record:
    return {
        "email_id": member["id"],
        "email_address": member["email_address"],
        "merge_fields": member["merge_fields"],
        "vip": member["vip"],
        "timestamp": spelled(_later(rng, span)),
        "reason": rng.choice(REASONS),
        "campaign_id": key,
        "list_id": member["list_id"],
        "list_is_active": True,
    }


def _last(rows: list[Record]) -> str:
    return max((str(row["timestamp"]) for row in rows), default="")
