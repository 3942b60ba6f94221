"""Whose ledger rows a sync's are: the account's, or those of the one list or audience in it that the sync fills."""

from __future__ import annotations

from tailrace.activate.result import Scope
from tailrace.connectors.sdk.base import ObjectType
from tailrace.project.spec import Sync


def scope_of(obj: ObjectType, account: str, sync: Sync) -> Scope:
    """The sync's scope, its options filled in: `account`, or `account/value` where an option says where rows go."""
    names = _targets(obj)
    places = [account, *(str(sync.options.get(name)) for name in names)]
    return Scope("/".join(places), obj.name, sync.name, " and ".join(names))


def account_in(obj: ObjectType, known: str) -> str:
    """The vendor's account in what the ledger calls one."""
    count = len(_targets(obj))
    return known.rsplit("/", count)[0] if count else known


def _targets(obj: ObjectType) -> list[str]:
    return [option.name for option in obj.options if option.target]
