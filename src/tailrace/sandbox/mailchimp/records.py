"""The admin API's hands in the account: records flat as the vendor returns them, changed as a person would."""

from __future__ import annotations

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.mailchimp.listing import spelled
from tailrace.sandbox.mailchimp.members import recount
from tailrace.sandbox.mailchimp.stock import KEYS, Account, Record, Table, check
from tailrace.sandbox.mailchimp.working import recounted


def replace(account: Account, name: str, records: list[Record]) -> None:
    """Hold exactly these."""
    known = account[name]
    rows = [_without_links(record) for record in records]
    check(name, rows)
    account.tables[name] = Table(known.name, rows)


def upsert(account: Account, clock: Clock, name: str, records: list[Record]) -> None:
    """Add, or change what is given; a member's `last_changed` is now, where the record does not say."""
    merged = []
    for record in records:
        given = _without_links(record)
        known = account[name].get(*account[name].key(given)) or {}
        if name == "members" and "last_changed" not in given:
            given = {**given, "last_changed": spelled(clock.stamp())}
        merged.append(_merge(known, given))
    check(name, merged)
    for record in merged:
        account[name].put(record)
        if name in ("activity", "unsubscribes"):
            report = account["reports"].get(record["campaign_id"])
            if report is not None:
                recounted(account, report)


def remove(account: Account, clock: Clock, name: str, key: str) -> bool:
    """A member is archived; everything else is gone. `key`: the parts of the key with / between, or the last part alone."""
    found = [
        row
        for row in account[name].all()
        if key in ("/".join(account[name].key(row)), str(row.get(KEYS[name][-1])))
    ]
    for row in found:
        if name == "members":
            account["members"].put({**row, "status": "archived", "last_changed": spelled(clock.stamp())})
            recount(account, row["list_id"], row["status"], "archived")
        else:
            account[name].drop(row)
    return bool(found)


def _merge(old: Record, new: Record) -> Record:
    merged = dict(old)
    for name, value in new.items():
        known = merged.get(name)
        merged[name] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _without_links(record: Record) -> Record:
    return {name: value for name, value in record.items() if name != "_links"}
