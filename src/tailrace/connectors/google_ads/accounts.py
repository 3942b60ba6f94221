"""The accounts that a login reaches: those named, else all below it, managers' clients included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tailrace.connectors.google_ads.resources import column_name
from tailrace.connectors.sdk.accounts import AccountRefused
from tailrace.errors import Unavailable

FACTS = ("id", "descriptive_name", "currency_code", "time_zone", "manager", "status")
ENDED = ("CANCELED", "CLOSED")
Query = Callable[[str, str | None, Sequence[str], str], list[dict[str, Any]]]


@dataclass(frozen=True)
class Account:
    """One customer. `through`: the manager in whose name it is asked, where the login reaches it only so."""

    id: str
    name: str | None
    currency: str | None
    time_zone: str | None
    manager: bool
    through: str | None = None


@dataclass(frozen=True)
class Reach:
    """The accounts to read, by id; those left out with the reason (id: text); those that Google refused."""

    accounts: tuple[Account, ...]
    skipped: Mapping[str, str]
    refused: Mapping[str, AccountRefused] = field(default_factory=dict)

    def spending(self) -> tuple[str, ...]:
        """Without managers, which spend nothing and are refused metrics; with the refused ones, for they may have spent."""
        return (*(account.id for account in self.accounts if not account.manager), *self.refused)

    def account(self, customer: str) -> Account:
        """The account of that number; AccountRefused where Google refused it before."""
        if customer in self.refused:
            raise self.refused[customer]
        return next(account for account in self.accounts if account.id == customer)


def named_ones(query: Query, customers: Iterable[str]) -> Reach:
    """What Google says of each account that the connection names."""
    found: list[Account] = []
    refused: dict[str, AccountRefused] = {}
    for customer in customers:
        try:
            rows = query(customer, None, [f"customer.{fact}" for fact in FACTS], "FROM customer")
        except AccountRefused as error:
            refused[customer] = error
            continue
        found += [_account(row, "customer", None) for row in _shown(rows, customer)]
    return Reach(tuple(found), {}, refused)


def all_below(query: Query, roots: Iterable[str]) -> Reach:
    """Each root and, where it manages others, all below it at any depth; hidden and ended ones are skipped."""
    fields = [f"customer_client.{fact}" for fact in (*FACTS, "hidden", "level")]
    found: dict[str, Account] = {}
    skipped: dict[str, str] = {}
    refused: dict[str, AccountRefused] = {}
    for root in roots:
        try:
            rows = query(root, None, fields, "FROM customer_client")
        except AccountRefused as error:
            refused[root] = error
            continue
        for row in sorted(_shown(rows, root), key=lambda row: int(row["customer_client_level"] or 0)):
            _add(row, root, found, skipped)
    kept = {customer: why for customer, why in skipped.items() if customer not in found}
    return Reach(tuple(found[customer] for customer in sorted(found)), kept, refused)


def _shown(rows: list[dict[str, Any]], customer: str) -> list[dict[str, Any]]:
    """Unavailable where there are none: every account is a customer, and the first of its own clients."""
    if not rows:
        raise Unavailable(f"Google's answer does not show account {customer} itself", "run again")
    return rows


def _add(row: Mapping[str, Any], root: str, found: dict[str, Account], skipped: dict[str, str]) -> None:
    customer, why = str(row["customer_client_id"]), _left_out(row)
    if why is not None:
        skipped[customer] = why
    elif customer not in found or customer == root:  # what is reached directly needs no manager
        found[customer] = _account(row, "customer_client", root)


def _left_out(row: Mapping[str, Any]) -> str | None:
    status = row["customer_client_status"]
    return str(status) if status in ENDED else "hidden" if row["customer_client_hidden"] is True else None


def _account(row: Mapping[str, Any], space: str, root: str | None) -> Account:
    def fact(name: str) -> Any:
        return row[column_name(f"{space}.{name}")]

    customer = str(fact("id"))
    return Account(
        customer,
        fact("descriptive_name"),
        fact("currency_code"),
        fact("time_zone"),
        fact("manager") is True,
        root if root != customer else None,
    )
