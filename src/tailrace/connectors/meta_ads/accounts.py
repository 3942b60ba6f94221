"""The ad accounts of a login, and what becomes of the others where one of them cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tailrace.connectors.meta_ads.api import Api, Record
from tailrace.connectors.meta_ads.graph import TokenRefused
from tailrace.connectors.meta_ads.reports import ReportLate
from tailrace.errors import AuthError, FatalError, TailraceError, VendorRefused

PAGE = 200


class Failures:
    """One account's refusal costs the others nothing: it is kept, and told when the others are read."""

    def __init__(self, connection: str) -> None:
        self.connection = connection
        self._errors: dict[str, TailraceError] = {}

    def __bool__(self) -> bool:
        return bool(self._errors)

    @contextmanager
    def of(self, account: str) -> Iterator[None]:
        """Keeps what is wrong with this account alone; a refused token, limits and a vendor that is down end the read."""
        try:
            yield
        except TokenRefused:
            raise
        except (AuthError, VendorRefused, ReportLate) as error:
            self._errors[account] = error

    def tell(self) -> None:
        """Raises the error of the accounts that were not read, if any."""
        if not self._errors:
            return
        told = "; ".join(f"act_{account} ({error.message})" for account, error in self._errors.items())
        first = next(iter(self._errors.values()))
        kind = AuthError if isinstance(first, AuthError) else VendorRefused
        what = f"{self.connection}: not read, while all other accounts were: {told}"
        raise kind(what, first.fix or "mend it, or name the others in account_ids")


class Accounts:
    """The accounts named, else all that the token reaches; ascending by id."""

    def __init__(self, api: Api, ids: Sequence[str]) -> None:
        self._api = api
        self._ids = tuple(account.removeprefix("act_") for account in ids)

    def read(self, fields: Sequence[str], failures: Failures) -> list[Record]:
        """Each account's record; FatalError where there is no account at all."""
        names = ",".join(fields)
        found: dict[str, Record] = {}
        for account in self._ids:
            with failures.of(account):
                found[account] = self._api.get(f"act_{account}", {"fields": names})
        if not self._ids:
            for page in self._api.pages("me/adaccounts", {"fields": names, "limit": PAGE}):
                found |= {str(row["account_id"]): row for row in page}
        if not found and not failures:
            raise FatalError(
                f"{self._api.http.context.connection}: the token reaches no ad account",
                "assign ad accounts to the token's user, or name account_ids",
            )
        return [found[key] for key in sorted(found)]

    def first(self) -> str:
        """The smallest id: the stable name of what is read."""
        if self._ids:
            return min(self._ids)
        failures = Failures(self._api.http.context.connection)
        return str(self.read(("account_id",), failures)[0]["account_id"])
