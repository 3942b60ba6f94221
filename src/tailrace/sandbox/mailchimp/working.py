"""People keep working: one round of sign-ups, edits, unsubscribes, archived and erased members, mail and opens."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.mailchimp.listing import spelled
from tailrace.sandbox.mailchimp.members import blank, email_hash, forget, recount
from tailrace.sandbox.mailchimp.merge import full_name
from tailrace.sandbox.mailchimp.sent import LINKS, action, counted, send, summary
from tailrace.sandbox.mailchimp.stock import Account, Record
from tailrace.sandbox.world.vocabulary import EMAIL_CAMPAIGNS, FIRST_NAMES, LAST_NAMES

ENDS = 3
MAIL_EVERY = 3
"""Rounds from one new campaign to the next."""


def work(account: Account, clock: Clock, rng: random.Random, rounds_done: int) -> None:
    """Of the subscribed members: 1% more (2 at least), 2% edited, one each unsubscribed, archived and erased."""
    subscribed = [row for row in account["members"].all() if row["status"] == "subscribed"]
    edited = max(1, round(len(subscribed) * 0.02))
    chosen = rng.sample(subscribed, min(len(subscribed), edited + ENDS))
    for number, member in enumerate(chosen):
        if number >= ENDS:
            edit(account, clock, member, {"LTV": round(rng.random() * 50_000, 2)})
        elif number == 0:
            change(account, clock, member, status="unsubscribed", unsubscribe_reason="No longer interested")
        elif number == 1:
            change(account, clock, member, status="archived")
        else:
            forget(account, member)
    for number in range(max(2, round(len(subscribed) * 0.01))):
        join(account, clock, rng, f"{rounds_done}-{number}")
    read_mail(account, clock, rng)
    if rounds_done % MAIL_EVERY == MAIL_EVERY - 1:
        mail(account, clock, rng, rounds_done)


def change(account: Account, clock: Clock, member: Record, **values: Any) -> None:
    """One member changes now."""
    new = {**member, **values, "last_changed": spelled(clock.stamp())}
    account["members"].put(new)
    recount(account, member["list_id"], member["status"], new["status"])


def edit(account: Account, clock: Clock, member: Record, fields: Mapping[str, Any]) -> None:
    """Some merge fields that the list has."""
    merge = {
        **member["merge_fields"],
        **{tag: value for tag, value in fields.items() if tag in member["merge_fields"]},
    }
    change(account, clock, member, merge_fields=merge, full_name=full_name(merge))


def join(account: Account, clock: Clock, rng: random.Random, number: str) -> None:
    """Somebody signs up to one of the lists."""
    lists = account["lists"].all()
    if not lists:
        return
    list_id = rng.choice(lists)["id"]
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    email = f"reader-{number}@signups.example"
    if account["members"].get(list_id, email_hash(email)) is not None:
        return
    member = blank(account, list_id, email, spelled(clock.stamp()))
    account["members"].put({**member, "source": "Hosted Signup Form"})
    recount(account, list_id, None, "subscribed")
    edit(
        account,
        clock,
        account["members"].get(list_id, member["id"]) or member,
        {"FNAME": first, "LNAME": last},
    )


def read_mail(account: Account, clock: Clock, rng: random.Random) -> None:
    """Five recipients of the newest campaign open it, one of them clicks."""
    reports = sorted(account["reports"].all(), key=lambda row: str(row["send_time"]))
    if not reports:
        return
    report = reports[-1]
    readers = account["members"].of("list_id", report["list_id"])
    for number, member in enumerate(rng.sample(readers, min(len(readers), 5))):
        account["activity"].put(action(member, report["id"], "open", clock.stamp(), ip="198.51.100.77"))
        if number == 0:
            link = rng.choice(LINKS)
            account["activity"].put(
                action(member, report["id"], "click", clock.stamp(), ip="198.51.100.77", url=link)
            )
    recounted(account, report)


def recounted(account: Account, report: Record) -> None:
    """A report, and the campaign's summary of it, after something was done."""
    activity = account["activity"].of("campaign_id", report["id"])
    left = account["unsubscribes"].of("campaign_id", report["id"])
    new = counted(report, activity, left)
    account["reports"].put(new)
    campaign = account["campaigns"].get(report["id"])
    if campaign is not None:
        account["campaigns"].put({**campaign, "report_summary": summary(new)})


def mail(account: Account, clock: Clock, rng: random.Random, rounds_done: int) -> None:
    """A campaign to one of the lists, just now: nobody has opened it yet."""
    lists = account["lists"].all()
    if not lists:
        return
    found = rng.choice(lists)
    title = f"{rng.choice(EMAIL_CAMPAIGNS)}, round {rounds_done + 1}"
    now = clock.stamp()
    key = f"c8{account.serial():08d}"
    made = send(rng, key, title, (found["id"], found["name"]), account["members"].all(), (now, now))
    report = counted(made["reports"][0], [], [])
    account["reports"].put(report)
    account["campaigns"].put({**made["campaigns"][0], "report_summary": summary(report)})
