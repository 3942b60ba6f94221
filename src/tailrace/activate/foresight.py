"""What sending a changeset would come to, row by row, before anything is sent: `plan` shows it, and the run is to agree.

Whether a record is there comes from what is landed, else from the ledger. Fields that people edit are read from the vendor,
through the very code that decides when they are sent.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tailrace.activate import changeset, counting, guardrails, ledger
from tailrace.activate.changeset import CHANGES, Question
from tailrace.activate.conflicts import Kept, guarded, kept_fields
from tailrace.activate.dead_letter import waiting
from tailrace.activate.result import Landed, Options, Scope, SyncCounts
from tailrace.activate.run import check_rules
from tailrace.activate.staging import SentField, StagedBatch, StagedFile
from tailrace.activate.target import account_in, scope_of
from tailrace.connectors.sdk.base import ObjectType
from tailrace.connectors.sdk.writing import Destination, RemoteField
from tailrace.errors import FatalError, TailraceError
from tailrace.project.spec import Sync
from tailrace.state.journal import Delivery
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged

Asks = Callable[[], Destination]
"""Opens the destination; raises TailraceError where the vendor cannot be asked."""


@dataclass(frozen=True)
class Foreseen:
    """`counts` as the run would end with; `reads` are questions to the vendor that rules need, each for one batch.

    `asked`: the vendor told of edits, or no rule needs it; else `unknown` says why it could not. `landed`: what is landed says
    which records are there. `fields` are the vendor's, where it was asked for them.
    """

    counts: SyncCounts
    reads: int = 0
    landed: bool = False
    unknown: str = ""
    fields: Mapping[str, RemoteField] | None = None
    fields_unknown: str = ""
    refused: tuple[tuple[str, int], ...] = ()
    """Why rows would be dead or unmatched without a request, and how many; the most frequent first."""
    fails: str = ""
    """Why the run would not begin at all."""
    approved: bool = False
    """A guardrail would stop it, and a person has let this very changeset through."""


def foresee(
    warehouse: Warehouse,
    sync: Sync,
    obj: ObjectType,
    staged: Staged,
    quarantined: str | None = None,
    *,
    account: str | None = None,
    ledger_table: str | None = None,
    options: Options | None = None,
    landed: Landed | None = None,
    asks: Asks | None = None,
    approved: Callable[[str], bool] | None = None,
) -> Foreseen:
    """What `prepare` and the delivery would do, writing nothing but temporary tables. `ledger_table`: a ledger in an attached file.

    Without `account` the ledger's own is taken; without `asks` nobody is asked. `approved`: whether a changeset was let through.
    """
    chosen = options or Options(sandbox=True)
    check_rules(warehouse, sync, None, staged)
    known = ledger.known_account(warehouse, sync.name, sync.object, ledger_table)
    scope = scope_of(obj, account_in(obj, known) if account is None else account, sync)
    fails = _other_account(warehouse, scope, ledger_table, chosen) if known else ""
    remote = _Remote(sync, asks)
    asked = changeset.question(
        warehouse, sync, staged, scope,
        known=ledger.relation(warehouse, scope, ledger_table), quarantined=quarantined, full_resync=chosen.full_resync,
        remote=remote.fields if asks else None, landed=landed, only=chosen.only,
        waiting=waiting(warehouse, scope, datetime.now(UTC)),
    )  # fmt: skip
    try:
        changeset.collect(warehouse, asked)
        changeset.choose(warehouse, chosen.limit)
        found = _foreseen(warehouse, asked, obj, chosen, remote)
        if found.counts.stop and approved and approved(guardrails.changeset_id(warehouse, asked)):
            found = replace(found, counts=replace(found.counts, stop=None), approved=True)
        return replace(found, fails=fails)
    finally:
        changeset.discard(warehouse)


def _other_account(warehouse: Warehouse, scope: Scope, table: str | None, options: Options) -> str:
    """The run's own words where the credentials are of an account that this sync has not written to."""
    try:
        ledger.check_account(warehouse, scope, options, table)
    except FatalError as error:
        return str(error)
    return ""


class _Remote:
    """The vendor's fields, asked for once; a vendor that cannot be asked has none, and `unknown` says why."""

    def __init__(self, sync: Sync, asks: Asks | None) -> None:
        self._sync, self._asks = sync, asks
        self.found: Mapping[str, RemoteField] | None = None
        self.unknown = ""

    def destination(self) -> Destination | None:
        if self._asks is None or self.unknown:
            return None
        try:
            return self._asks()
        except TailraceError as error:
            self.unknown = str(error)
            return None

    def fields(self) -> Mapping[str, RemoteField]:
        destination = self.destination()
        if self.found is None and destination is not None:
            try:
                self.found = destination.fields(self._sync.object, self._sync.options)
            except TailraceError as error:
                self.unknown = str(error)
        return self.found or {}


def _foreseen(
    warehouse: Warehouse, asked: Question, obj: ObjectType, options: Options, remote: _Remote
) -> Foreseen:
    plan = guardrails.planned(warehouse, asked)
    why = guardrails.stop_reason(plan, asked.sync.guardrails, options)
    size, _ = counting.batch_size(warehouse, obj)
    counts = replace(counting.expected(warehouse, asked, plan, size), stop=why)
    counts = _outcomes(warehouse, counts)
    landed = bool(warehouse.query(f"SELECT 1 FROM {CHANGES} WHERE there IS NOT NULL LIMIT 1"))
    found = Foreseen(
        counts, landed=landed, fields=remote.found, fields_unknown=remote.unknown,
        refused=counting.refusals(warehouse),
    )  # fmt: skip
    rules = [SentField(f.field, f.if_null, f.conflict, f.type) for f in asked.fields]
    if not plan.to_send or not guarded(rules):
        return found
    destination = remote.destination()
    batches = _read_batches(warehouse)
    if destination is None:
        return replace(
            found, reads=-(-batches // size), unknown=remote.unknown or "plan --offline asks nobody"
        )
    try:
        return _with_edits(warehouse, asked, destination, rules, size, found)
    except TailraceError as error:
        return replace(found, unknown=str(error))


def _read_batches(warehouse: Warehouse) -> int:
    sql = f"SELECT count(*) FROM {CHANGES} WHERE operation IN ('update', 'upsert', 'clear') AND chosen"
    return int(warehouse.query(sql)[0][0])


def _outcomes(warehouse: Warehouse, counts: SyncCounts) -> SyncCounts:
    """Rows that are sent by what becomes of them, as far as what is landed tells."""
    lost, waits, unknown = warehouse.query(
        f"""SELECT count(*) FILTER (operation IS NOT NULL AND chosen AND operation = 'update' AND NOT leaving AND there = false),
          count(*) FILTER (operation IS NOT NULL AND chosen AND status = 'pending'),
          count(*) FILTER (operation IS NOT NULL AND chosen AND status = 'unknown') FROM {CHANGES}"""
    )[0]
    return replace(
        counts,
        updated=counts.updated - int(lost),
        unmatched=counts.unmatched + int(lost),
        pending=counts.pending - int(waits),
        unknown=counts.unknown - int(unknown),
    )


def _with_edits(
    warehouse: Warehouse,
    asked: Question,
    destination: Destination,
    fields: Sequence[SentField],
    size: int,
    found: Foreseen,
) -> Foreseen:
    """Ask the vendor, batch by batch as they would be sent, what people have edited."""
    tally: Counter[str] = Counter()
    kept: dict[str, Kept] = {}
    with tempfile.TemporaryDirectory(prefix="tailrace-plan-") as folder:
        stage = Path(folder) / "plan.parquet"
        rows = warehouse.copy_to_parquet(changeset.stage_sql(asked), stage)
        delivery = Delivery(
            "plan", asked.sync.name, asked.scope.account, asked.scope.object, "plan", stage, rows, "", {}
        )
        with StagedFile(delivery, fields, size) as batches:
            while (batch := batches.next()) is not None:
                assert isinstance(batch, StagedBatch)  # texts are for syncs without rules
                tally.update(_edits(destination, asked, batch, fields, kept))
    counts = found.counts
    return replace(
        found,
        reads=tally["reads"],
        counts=replace(
            counts,
            created=counts.created - tally["created"],
            updated=counts.updated - tally["updated"],
            deleted=counts.deleted - tally["deleted"],
            conflict=counts.conflict + tally["conflict"],
            pending=counts.pending + tally["pending"],
            unmatched=counts.unmatched + tally["unmatched"],
            kept=tally["kept"],
            overwritten=tally["overwritten"],
            requests=counts.requests - tally["spared"],
            examples=counting.examples(warehouse, kept),
        ),
    )


def _edits(
    destination: Destination,
    asked: Question,
    batch: StagedBatch,
    fields: Sequence[SentField],
    all_kept: dict[str, Kept],
) -> dict[str, int]:
    """What a batch adds to the numbers; its rows with fields that stay as they are go into `all_kept` by primary key."""
    if batch.operation in ("create", "archive"):
        return {}
    found = kept_fields(
        destination, asked.sync.object, asked.sync.match_field, batch, fields, asked.sync.options
    )
    tally: Counter[str] = Counter(reads=1)
    for row in batch.rows:
        kept = found.get(row.ordinal)
        if kept is None:
            continue
        if kept.fields:
            all_kept[row.primary_key] = kept
        tally["kept"] += len(kept.fields)
        tally["overwritten"] += len(kept.overwritten)
        if kept.unread == "unmatched" and asked.landed:
            continue  # counted by what is landed
        if kept.all_changes:
            tally[kept.unread or "conflict"] += 1
            tally[_kind(asked, batch, row)] += 1
    tally["spared"] = int(tally["conflict"] + tally["pending"] + tally["unmatched"] == batch.n)
    return dict(tally)


def _kind(asked: Question, batch: StagedBatch, row: Any) -> str:
    """As what a row was counted that stays as it is."""
    if batch.operation == "clear":
        return "deleted"
    new = batch.operation == "upsert" and row.acked_at is None and not asked.landed
    return "created" if new else "updated"
