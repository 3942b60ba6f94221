"""Who reaches which account: directly, in a manager's name, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.sandbox.google_ads.fields import STATS, Record, camel
from tailrace.sandbox.google_ads.records import Records
from tailrace.sandbox.world.ads import manager
from tailrace.sandbox.world.catalogue import ACCOUNTS, MANAGER_ID

GENERATED = sorted(account.id for account in ACCOUNTS)
ENDED = ("CANCELED", "CLOSED")
PERMISSION = (
    "User doesn't have permission to access customer. Note: If you're accessing a client customer, "
    "the manager's customer id must be set in the 'login-customer-id' header."
)
ENDED_TEXT = "The customer account can't be accessed because it is not yet enabled or has been deactivated."


@dataclass(frozen=True)
class Refusal:
    """Why a request about an account is refused: status, then group, code and message of the GoogleAdsFailure."""

    status: int
    group: str
    code: str
    message: str


class Access:
    """`direct`: the accounts that the login reaches without a manager; None: every one but the manager."""

    def __init__(self) -> None:
        self.direct: frozenset[str] | None = None

    def accessible(self, records: Records) -> list[str]:
        """What listAccessibleCustomers names, ascending; ended accounts among them."""
        return sorted(self.direct) if self.direct is not None else records.customers()

    def refusal(self, records: Records, headers: Mapping[str, str], customer: str) -> Refusal | None:
        """None where the request may ask about this account."""
        login = headers.get("login-customer-id")
        if not customer.isdecimal():
            text = f"Invalid customer ID '{customer}': ten digits without dashes."
            return Refusal(400, "requestError", "INVALID_CUSTOMER_ID", text)
        if login is not None and not login.isdecimal():
            text = f"Invalid login-customer-id '{login}': digits without dashes."
            return Refusal(400, "headerError", "INVALID_LOGIN_CUSTOMER_ID", text)
        if not self._permitted(records, login, customer):
            return Refusal(403, "authorizationError", "USER_PERMISSION_DENIED", PERMISSION)
        if customer != MANAGER_ID and facts(records, customer).get("status") in ENDED:
            return Refusal(403, "authorizationError", "CUSTOMER_NOT_ENABLED", ENDED_TEXT)
        return None

    def _permitted(self, records: Records, login: str | None, customer: str) -> bool:
        known = records.customers()
        if customer not in known and customer != MANAGER_ID:
            return False
        if self.direct is not None and customer not in self.direct:
            return login == MANAGER_ID
        # only the generated manager is known to manage; who manages loaded accounts no record says
        generated = records.all("customers") and known == GENERATED
        return not generated or login in (None, MANAGER_ID, customer)


def clients(records: Records, customer: str) -> list[Record]:
    """customer_client of an account: itself at level 0 and, under the manager, every other one at level 1."""
    if customer != MANAGER_ID:
        return [_client(customer, facts(records, customer), 0)]
    below = [_client(customer, facts(records, key), 1) for key in records.customers()]
    return [_client(customer, manager(), 0), *below]


def facts(records: Records, customer: str) -> Record:
    """What is known of an account: its record, or what its stats carry of it."""
    own = records.of_customer("customers", customer) or entities_of(
        "customer", records.of_customer(STATS["customer"], customer)
    )
    found: dict[str, Any] = own[0].get("customer", {}) if own else {}
    return {"id": customer, **found}


def entities_of(resource: str, stats: list[Record]) -> list[Record]:
    """Where only stats were loaded, their own attributes stand for the entities."""
    space = camel(resource)[0]
    found: dict[str, Record] = {}
    for record in stats:
        entity = {name: value for name, value in record.items() if name not in ("metrics", "segments")}
        found.setdefault(str(record.get(space)), entity)
    return list(found.values())


def _client(root: str, account: Record, level: int) -> Record:
    key = account["id"]
    client = {
        "hidden": False,
        **{name: value for name, value in account.items() if name != "resourceName"},
        "resourceName": f"customers/{root}/customerClients/{key}",
        "clientCustomer": f"customers/{key}",
        "level": str(level),
    }
    return {"customer": {"resourceName": f"customers/{root}", "id": root}, "customerClient": client}
