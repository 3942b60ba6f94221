"""Accounts, campaigns, ad sets and ads: listed whole each time, handed on where something changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.connectors.meta_ads.accounts import Accounts, Failures
from tailrace.connectors.meta_ads.api import Api, Record
from tailrace.connectors.meta_ads.fields import node_fields
from tailrace.connectors.meta_ads.graph import TooMuch
from tailrace.connectors.meta_ads.rows import rows
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.unchanged import Window
from tailrace.records import Checkpoint, Page, Scope

SMALLEST_PAGE = 25


def read_accounts(
    accounts: Accounts, resource: ResourceSpec, position: Mapping[str, Any] | None, failures: Failures
) -> Iterator[Page | Checkpoint]:
    """The accounts themselves; those that are no longer reached are gone, unless one could not be asked."""
    names = node_fields("accounts", resource.options["fields"])
    window = Window((position or {}).get("digest"))
    yield from map(Page, window.pages([rows(accounts.read(names, failures), names)]))
    whole = () if failures else window.covered((Scope(),), f"{failures.connection}.accounts")
    # a list that lacks an account is none to compare the next one with
    yield Checkpoint({"digest": None if failures else window.digest}, whole)
    failures.tell()


class NodeReader:
    """One listing of campaigns, ad sets or ads. Position: what was asked, and per account the listing's digest."""

    def __init__(self, api: Api, accounts: Accounts, resource: ResourceSpec, failures: Failures) -> None:
        self._api, self._accounts, self._resource, self._failures = api, accounts, resource, failures
        self._names = node_fields(resource.name, resource.options["fields"])
        self._statuses = list(resource.options.get("statuses") or ())

    def read(self, position: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
        spec = [*self._names, *self._statuses]
        known = position if position is not None and position.get("spec") == spec else {}
        digests: dict[str, Any] = dict(known.get("accounts") or {})
        for account in self._accounts.read(("account_id",), self._failures):
            key = str(account["account_id"])
            with self._failures.of(key):
                window = Window(digests.get(key))
                yield from map(Page, window.pages(self._listing(key)))
                digests[key] = window.digest
                what = f"{self._failures.connection}.{self._resource.name} of act_{key}"
                scopes = window.covered((Scope({"account_id": (key,)}),), what)
                yield Checkpoint({"spec": spec, "accounts": dict(digests)}, scopes)
        self._failures.tell()

    def _listing(self, account: str) -> Iterator[list[dict[str, Any]]]:
        for page in self._pages(account, self._resource.options["limit"]):
            yield rows(page, self._names)

    def _pages(self, account: str, limit: int) -> list[list[Record]]:
        """All pages; smaller ones where they are too large for Meta."""
        params = {
            "fields": ",".join(self._names),
            "effective_status": self._statuses or None,
            "limit": limit,
        }
        try:
            return list(self._api.pages(f"act_{account}/{self._resource.name}", params))
        except TooMuch:
            if limit <= SMALLEST_PAGE:
                raise
            return self._pages(account, max(SMALLEST_PAGE, limit // 2))
