"""Requests to LinkedIn's REST API: Rest.li queries, tunnelled where they are long, and listings of both kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tailrace.connectors.linkedin_ads import restli
from tailrace.connectors.sdk.accounts import AccountRefused
from tailrace.connectors.sdk.http import Answer, Http
from tailrace.connectors.sdk.paging import by_cursor
from tailrace.errors import AuthError, Unavailable

LONGEST_QUERY = 4000
"""Characters from which LinkedIn's own client tunnels (linkedin-api-client 0.3.0); 414 comes somewhere above."""
TOO_LONG = 414
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Account:
    """One ad account; `record` is what LinkedIn says of it."""

    id: str
    currency: str | None
    record: Record

    @property
    def urn(self) -> str:
        return restli.urn("sponsoredAccount", self.id)


@dataclass
class Api:
    """One member's view. `named`: the accounts to read (empty: all); asked for once."""

    http: Http
    version: str
    named: Sequence[str]
    page_size: int | None = None
    _accounts: dict[str, Account] | None = None
    _refused: dict[str, AccountRefused] = field(default_factory=dict)

    def get(self, path: str, params: Mapping[str, Any]) -> Record:
        """The answer's document. A query too long for a URL goes in the body (query tunnelling)."""
        text = restli.query(params)
        if len(text) <= LONGEST_QUERY:
            url = f"/rest{path}?{text}" if text else f"/rest{path}"
            answer = self.http.request("GET", url, headers=self._headers(params), accept=(TOO_LONG,))
            if answer.status != TOO_LONG:
                return self._document(answer)
        headers = {**self._headers(params), "X-HTTP-Method-Override": "GET"}
        return self._document(
            self.http.request("POST", f"/rest{path}", form=text, headers=headers, retry=True)
        )

    def listing(self, path: str, finder: str) -> Iterator[list[dict[str, Any]]]:
        """The pages of a finder. Cursors came in 202401, and creatives still answered start and count later."""
        size = {} if self.page_size is None else {"pageSize": str(self.page_size)}

        def fetch(cursor: str | None) -> Record:
            return self.get(path, {"q": finder, **_page(cursor, size)})

        for document in by_cursor(fetch, _following):
            yield self.elements(document)

    def elements(self, document: Record) -> list[dict[str, Any]]:
        """What the answer lists. Unavailable where it has no list, which is not the same as an empty one."""
        found = document.get("elements")
        if not isinstance(found, list) or not all(isinstance(element, dict) for element in found):
            name = self.http.context.connection
            raise Unavailable(f"{name}: the answer has no list of elements", "run again")
        return found

    def accounts(self, anew: bool = False) -> tuple[Account, ...]:
        """The accounts to read by id, asked for once or `anew`; those that LinkedIn refused are in `refused`."""
        if self._accounts is None or anew:
            self._refused.clear()
            found = self._named() if self.named else self._seen()
            self._accounts = {account.id: account for account in found}
        return tuple(self._accounts[key] for key in sorted(self._accounts))

    def refused(self) -> dict[str, AccountRefused]:
        """The named accounts that LinkedIn does not show, by id."""
        self.accounts()
        return dict(self._refused)

    def account(self, key: str) -> Account:
        """The account of that number; AccountRefused where LinkedIn refused it before."""
        if key in self.refused():
            raise self._refused[key]
        return next(account for account in self.accounts() if account.id == key)

    def of_account(self, account: str, error: AccountRefused) -> AccountRefused:
        """A refusal with the account named in it."""
        name = self.http.context.connection
        return AccountRefused(
            f"{name}: account {account} cannot be read{error.message.removeprefix(name)}", error.fix
        )

    def _named(self) -> Iterator[Account]:
        for key in self.named:
            try:
                yield self._account(self.get(f"/adAccounts/{key}", {}))
            except AccountRefused as error:
                self._refused[key] = self.of_account(key, error)

    def _seen(self) -> Iterator[Account]:
        try:
            for page in self.listing("/adAccounts", "search"):
                yield from map(self._account, page)
        except AccountRefused as error:
            raise AuthError(error.message, "grant the app r_ads and authorise it anew") from None

    def _account(self, record: Record) -> Account:
        if not record.get("id"):
            name = self.http.context.connection
            raise Unavailable(f"{name}: LinkedIn answers an ad account without an id", "run again")
        return Account(str(record["id"]), record.get("currency"), record)

    def _headers(self, params: Mapping[str, Any]) -> dict[str, str]:
        method = "FINDER" if "q" in params else "GET"
        return {
            "LinkedIn-Version": self.version,
            "X-RestLi-Protocol-Version": "2.0.0",
            "X-RestLi-Method": method,
        }

    def _document(self, answer: Answer) -> Record:
        document = answer.json()
        if not isinstance(document, Mapping):
            name = self.http.context.connection
            raise Unavailable(f"{name}: the answer is no object", "run again")
        return document


def _page(cursor: str | None, size: Mapping[str, str]) -> dict[str, str]:
    """The parameters of one page: pageSize stays the same along a cursor, start brings its own count."""
    where = dict(parse_qsl(cursor or ""))
    return where if "start" in where else {**size, **where}


def _following(document: Record) -> str | None:
    """The next page as a query: a pageToken, the `next` link's start and count, or a start below the total."""
    token = (document.get("metadata") or {}).get("nextPageToken")
    if token:
        return urlencode({"pageToken": token})
    paging = document.get("paging") or {}
    for link in paging.get("links") or []:
        if link.get("rel") == "next":
            asked = dict(parse_qsl(urlsplit(str(link.get("href"))).query))
            return f"start={asked.get('start', '')}&count={asked.get('count', '')}"
    start, total = paging.get("start") or 0, paging.get("total") or 0
    after = start + len(document.get("elements") or [])
    return f"start={after}&count={paging.get('count') or 10}" if after < total else None
