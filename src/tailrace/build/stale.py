"""Which batches of a microbatch model have to be built: those whose input holds other rows than when they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tailrace.build.built import Parts, digest
from tailrace.build.graph import BatchInput, ModelNode
from tailrace.build.intervals import Batch, Interval, overlapping
from tailrace.build.settings.incremental import Microbatch
from tailrace.build.touched import EMPTY, batch_digests, input_columns
from tailrace.warehouse.base import Warehouse

OTHERS = "other inputs"
Digests = Mapping[Batch, Mapping[str, str]]


@dataclass(frozen=True)
class Inputs:
    """A microbatch model's inputs: `parts` as they are now, `before` as they were when the model was built last."""

    warehouse: Warehouse
    node: ModelNode
    batch: Microbatch
    every: tuple[Batch, ...]
    parts: Parts
    before: Parts | None

    def digests(self, records: Mapping[Batch, Interval]) -> dict[Batch, dict[str, str]]:
        """What each batch would be built from: a digest of each input's rows in it, and one of all other inputs."""
        found: dict[Batch, dict[str, str]] = {batch: {} for batch in self.every}
        columns = self.columns()
        for read in self.node.batch_inputs:
            key = _key(read)
            for batch, text in self._of(read, key, records).items():
                found[batch] |= {key: text, f"columns of {key}": columns[key]}
        if others := self._others():
            for batch in self.every:
                found[batch][OTHERS] = digest(others)
        return found

    def columns(self) -> dict[str, str]:
        """A digest of each input's columns, by the input's key."""
        return {
            _key(read): digest(list(input_columns(self.warehouse, read.table).items()))
            for read in self.node.batch_inputs
        }

    def _of(self, read: BatchInput, key: str, records: Mapping[Batch, Interval]) -> dict[Batch, str]:
        """An input that did not change is only asked about batches that were never built."""
        unread = list(self.every)
        if self._is_known(read):
            unread = [b for b in self.every if b not in records or key not in records[b].inputs]
        if not unread:
            return {batch: records[batch].inputs[key] for batch in self.every}
        first, end = unread[0].start, unread[-1].end
        scanned = batch_digests(self.warehouse, read, self.batch.batch_size, first, end)
        return {
            batch: scanned.get(batch.start, EMPTY)
            if first <= batch.start < end
            else records[batch].inputs[key]
            for batch in self.every
        }

    def _is_known(self, read: BatchInput) -> bool:
        name = _name(read)
        if self.before is None:
            return False
        now, then = (
            (self.parts.upstream, self.before.upstream) if read.model else (self.parts.data, self.before.data)
        )
        return name in now and now[name] == then.get(name)

    def _others(self) -> dict[str, str]:
        """Versions of what is not read by batches alone: a change of it may touch any batch."""
        read = {_name(one) for one in self.node.batch_inputs if not one.whole}
        parts = (self.parts.data, self.parts.upstream, self.parts.unknown)
        return {name: version for part in parts for name, version in part.items() if name not in read}

    def stale(
        self,
        records: Mapping[Batch, Interval],
        now: Digests,
        fingerprint: str,
        span: tuple[datetime, datetime] | None,
    ) -> list[Batch]:
        """Batches whose input changed, the newest ones that `lookback` adds then, and those of a span that is asked for.

        A `fingerprint` of "" fits every record.
        """
        found = {batch for batch in self.every if not is_same(records.get(batch), now[batch], fingerprint)}
        if found:
            found.update(self.every[max(0, len(self.every) - 1 - self.batch.lookback) : -1])
        found.update(overlapping(self.every, span))
        return sorted(found)

    def is_empty(self, inputs: Mapping[str, str]) -> bool:
        """Whether nothing that is read by batches has a row in the batch."""
        return all(inputs[_key(read)] == EMPTY for read in self.node.batch_inputs)


def is_same(record: Interval | None, inputs: Mapping[str, str], fingerprint: str) -> bool:
    """Whether a batch is what it would be if it were built now."""
    return record is not None and record.inputs == inputs and fingerprint in ("", record.fingerprint)


def _name(read: BatchInput) -> str:
    return read.model or str(read.table)


def _key(read: BatchInput) -> str:
    """A table may be read by two of its columns, as two sources of one table are."""
    return f"{_name(read)} by {read.event_time}"
