"""What a plan may ask of the vendors: reads only, through connections that whoever calls it can open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tailrace.connectors.sdk.writing import Destination, RemoteField
from tailrace.project.spec import Sync


@dataclass(frozen=True)
class Vendors:
    """`destination`: open, by connection. `sandbox`: whether the account is the local one; `account`: its id.

    `problems`: what is wrong with a sync's fields there, with the fix; `makes`: fields a run makes. `approved`: whether a person
    let a changeset through.
    """

    destination: Callable[[str], Destination]
    sandbox: Callable[[str], bool]
    problems: Callable[[Mapping[str, RemoteField], Sync], Iterable[tuple[str, str]]]
    makes: Callable[[Mapping[str, RemoteField], Sync], Iterable[str]]
    account: Callable[[str], str]
    approved: Callable[[str], bool]
