"""An inline source whose resources are dlt's: pulled when their columns are asked for, handed on when they are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tailrace.connectors.sdk.base import Context, ResourceSpec, Source
from tailrace.connectors.sdk.dlt_errors import told
from tailrace.connectors.sdk.dlt_items import Offer, Pulled, extraction, hand_on, pull, sample
from tailrace.connectors.sdk.inline import ROW_KEY, WrongSetting, hidden_in
from tailrace.connectors.sdk.items import columns_of
from tailrace.connectors.sdk.writing import Destination
from tailrace.errors import FatalError, TailraceError, near_miss
from tailrace.records import Checkpoint, Page, Schema


class DltConnector(ABC):
    """One pipeline's source, and its connector. A vendor says which resources there are and how one of them is made."""

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self.context = context
        self._hidden = hidden_in(options)
        self._pulled: dict[str, tuple[Mapping[str, Any], Pulled, dict[str, Any]]] = {}

    @abstractmethod
    def offer(self, resource: ResourceSpec, known: Mapping[str, Any]) -> Offer:
        """The resource, ready to be pulled; `known` is the position, empty at the first read."""

    @abstractmethod
    def listed(self) -> Sequence[str]:
        """The names of all resources."""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Around everything that runs dlt, or a person's code; what goes wrong in it becomes an error with words."""
        try:
            with extraction(self._hidden):
                yield
        except TailraceError:
            raise
        except Exception as error:
            raise self.told(error) from error

    def told(self, error: Exception) -> TailraceError:
        """What a person can do about an error of dlt's, or of what dlt calls."""
        return told(error, self.context.connection)

    def more(self, offer: Offer, known: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """What else the position is to hold."""
        return {}

    def names(self) -> Sequence[str]:
        with self.opened():
            return self.listed()

    def look(self, resource: ResourceSpec) -> None:
        """Whether the resource can be read as far as shows without its rows; raises what hinders it."""
        with self.opened():
            self.offer(resource, {})

    def unknown(self, name: str, names: Sequence[str]) -> WrongSetting:
        """The error for a resource that the source does not have."""
        return WrongSetting(("resources", name), f"the source has no resource {name}", near_miss(name, names))

    def schema(self, resource: ResourceSpec) -> Schema:
        """Of the first page."""
        with self.opened():
            offer = self.offer(resource, {})
            types = sample(offer)
        if offer.keyless and types:
            types = {ROW_KEY: "text", **types}
        return Schema(columns_of(types), offer.key if types else ())

    def infer(self, resource: ResourceSpec, position: Mapping[str, Any] | None) -> Schema:
        with self.opened():
            known = dict(position or {})
            offer = self.offer(resource, known)
            known = _comparable(offer, known)
            more = self.more(offer, known)
            pulled = pull(offer, known, self.context.root, f"{self.context.connection}.{resource.name}")
        self._drop(resource.name)
        self._pulled[resource.name] = (position or {}, pulled, more)
        return Schema(columns_of(pulled.types), offer.key if pulled.types else ())

    def read(
        self,
        resource: ResourceSpec,
        schema: Schema,  # noqa: ARG002 -- the pulled rows have made it
        position: Mapping[str, Any] | None,
    ) -> Iterator[Page | Checkpoint]:
        if resource.name not in self._pulled or self._pulled[resource.name][0] != (position or {}):
            self.infer(resource, position)
        known, pulled, more = self._pulled.pop(resource.name)
        yield from hand_on(pulled, _comparable(pulled.offer, known), more)

    def account(self) -> str:
        return self.context.connection

    def source(self) -> Source:
        return self

    def destination(self) -> Destination:
        raise FatalError(f"{self.context.connection}: a source takes nothing back", "sync to a connection")

    def is_sandbox(self) -> bool:
        return False

    def close(self) -> None:
        for name in list(self._pulled):
            self._drop(name)

    def _drop(self, name: str) -> None:
        if name in self._pulled:
            self._pulled.pop(name)[1].spool.close()


def _comparable(offer: Offer, known: Mapping[str, Any]) -> dict[str, Any]:
    """The position before, as far as it speaks of rows written in this way; FatalError where rows were named otherwise."""
    before = known.get("key")
    if before and tuple(before) != offer.key:
        fix = f"drop the tables {offer.name}, {offer.name}__keys, {offer.name}__changes and {offer.name}__raw to land it anew"
        raise FatalError(
            f"{offer.name}: rows were named by {', '.join(before)}, and now by {', '.join(offer.key)}", fix
        )
    if known.get("write") not in (None, offer.write):
        return {name: value for name, value in known.items() if name not in ("digest", "state", "appended")}
    return dict(known)
