"""One login, many accounts: what one of them refuses must not cost the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tailrace.errors import FatalError
from tailrace.records import Checkpoint, Page


class AccountRefused(FatalError):
    """The vendor refuses one account of a login: it is closed, or the login may not read it."""


def one_by_one(
    accounts: Iterable[str], read: Callable[[str], Iterator[Page | Checkpoint]]
) -> Iterator[Page | Checkpoint]:
    """What `read` yields of each account, in turn; the refused ones are named by one error after all others."""
    refused: list[AccountRefused] = []
    for account in accounts:
        try:
            yield from read(account)
        except AccountRefused as error:
            refused.append(error)
    if refused:
        raise named(refused)


def named(refused: list[AccountRefused]) -> AccountRefused:
    """One error for all of them."""
    if len(refused) == 1:
        return refused[0]
    return AccountRefused("; ".join(error.message for error in refused), refused[0].fix)
