"""What the models of a plan would do to the syncs: rows created, updated, deleted and held back in each CRM."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tailrace.activate.foresight import Foreseen, foresee
from tailrace.activate.ledger import LEDGER
from tailrace.activate.result import Options
from tailrace.connectors.sdk import registry
from tailrace.connectors.sdk.base import ObjectType
from tailrace.connectors.sdk.options import check_connection, check_object, object_type
from tailrace.errors import EXIT_STOPPED, GateStopped, TailraceError
from tailrace.plan.asking import Vendors
from tailrace.plan.audience import audience_of, reading
from tailrace.plan.landed import landed_of
from tailrace.plan.resolve import Resolved
from tailrace.plan.scratch import SOURCE
from tailrace.project.spec import Suite, Sync
from tailrace.state.runs import Status, StepResult
from tailrace.validate.held import quarantined_keys_sql
from tailrace.validate.run import judge
from tailrace.warehouse.base import META
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import Staged, stage

RUN_ID = "plan"


def sync_previews(
    warehouse: DuckDBWarehouse,
    resolved: Resolved,
    syncs: Iterable[Sync],
    steps: list[StepResult],
    now: Callable[[], datetime],
    vendors: Vendors | None = None,
) -> dict[str, dict[str, Any]]:
    """By sync, on the models as they stand in the scratch; verdicts, and syncs that cannot be counted, are added to `steps`.

    Without `vendors` nobody is asked.
    """
    found = {}
    for sync in syncs:
        try:
            found[sync.name] = _preview(warehouse, resolved, sync, steps, now, vendors)
        except TailraceError as error:
            status: Status = "stopped" if error.exit_code == EXIT_STOPPED else "failed"
            steps.append(StepResult("activate", sync.name, status, error=str(error)))
    return found


def _preview(
    warehouse: DuckDBWarehouse,
    resolved: Resolved,
    sync: Sync,
    steps: list[StepResult],
    now: Callable[[], datetime],
    vendors: Vendors | None,
) -> dict[str, Any]:
    node = resolved.graph.nodes[sync.model]
    if any((step.step, step.name, step.status) == ("build", sync.model, "failed") for step in steps):
        raise GateStopped(f"model {sync.model} does not build, so nothing would be sent", "mend it")
    if not warehouse.columns(node.table):
        raise GateStopped(
            f"model {sync.model} is not built, so there is nothing to compare", "run `tailrace run` first"
        )
    with reading(resolved, sync.model):
        staged = stage(warehouse, node.table, sync.name)
        suite = next((suite for suite in resolved.project.suites if suite.name == sync.validate), None)
        blocked = _blocked(warehouse, resolved, suite, staged, steps, now) if suite else None
    quarantined = quarantined_keys_sql(warehouse, suite.name) if suite else None
    sync, obj = _filled(resolved, sync)
    found = foresee(
        warehouse, sync, obj, staged, quarantined,
        ledger_table=f"{SOURCE}.{META}.{LEDGER.name}" if LEDGER.name in warehouse.tables(META) else None,
        landed=landed_of(resolved.project, sync),
        options=Options(sandbox=vendors is None or vendors.sandbox(sync.connection)),
        asks=partial(vendors.destination, sync.connection) if vendors else None,
        account=_account(vendors, sync), approved=vendors.approved if vendors else None,
    )  # fmt: skip
    return {**_detail(resolved, sync, found, vendors), "stopped": blocked or found.counts.stop}


def _account(vendors: Vendors | None, sync: Sync) -> str | None:
    """None where the vendor cannot be asked, or answers nothing: then the ledger's own is compared with."""
    try:
        return vendors.account(sync.connection) if vendors else None
    except TailraceError:
        return None


def _filled(resolved: Resolved, sync: Sync) -> tuple[Sync, ObjectType]:
    """With its options as the connector fills them in, and what the connector says of its object."""
    declaration = registry.declaration(resolved.project.target.connections[sync.connection].type)
    obj = object_type(declaration, sync.object) if declaration else None
    assert declaration is not None
    assert obj is not None, "check names unknown objects before anything is planned"
    filled, _ = check_object(declaration, sync.object, sync.mode, sync.options)
    return replace(sync, options=filled), obj


def _detail(resolved: Resolved, sync: Sync, found: Foreseen, vendors: Vendors | None) -> dict[str, Any]:
    counts, pace = found.counts, _pace(resolved, sync)
    asked = counts.requests + found.reads
    return {
        **counts.detail(),
        "conflicts": None if found.unknown else counts.conflict,
        "reads": found.reads,
        "minutes": round(asked * pace[1] / pace[0] / 60, 1) if pace else None,
        "judged_by": "landed" if found.landed else "ledger",
        "as_of": _as_of(resolved),
        "refused": [{"reason": reason, "rows": rows} for reason, rows in found.refused],
        "notes": list(_notes(sync, found, vendors)),
        "examples": [_example(example) for example in counts.examples],
    }


def _pace(resolved: Resolved, sync: Sync) -> tuple[float, float] | None:
    """Requests in so many seconds that the account allows; None where it is not known, or off."""
    connection = resolved.project.target.connections[sync.connection]
    declaration = registry.declaration(connection.type)
    assert declaration is not None
    given = check_connection(declaration, connection.options)[0].get("rate_limit")
    if given == "off":
        return None
    if given:
        return float(given["requests"]), float(given["seconds"])
    return declaration.limit


def _as_of(resolved: Resolved) -> str | None:
    """When the file was published that this is compared with."""
    path = resolved.project.published
    if not path.exists():
        return None
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")


def _notes(sync: Sync, found: Foreseen, vendors: Vendors | None) -> Iterator[str]:
    if found.fails:
        yield f"would fail: {found.fails}"
    if found.approved:
        yield "approved: a guardrail would stop this very changeset, and lets it through once"
    if found.unknown:
        yield f"conflicts not known: {found.unknown}"
    if found.fields_unknown and found.fields_unknown != found.unknown:
        yield f"the vendor's fields are not known: {found.fields_unknown}"
    if vendors is not None and found.fields is not None:
        yield from _of_fields(sync, found.fields, vendors)


def _of_fields(sync: Sync, there: Mapping[str, Any], vendors: Vendors) -> Iterator[str]:
    for what, fix in vendors.problems(there, sync):
        yield f"would fail: {what}" + (f". {fix}" if fix else "")
    made = list(vendors.makes(there, sync)) if sync.create_fields else []
    if made:
        yield f"would create {', '.join(made)} in {sync.object} of {sync.connection}"


def _blocked(
    warehouse: DuckDBWarehouse,
    resolved: Resolved,
    suite: Suite,
    staged: Staged,
    steps: list[StepResult],
    now: Callable[[], datetime],
) -> str | None:
    verdict, step = judge(
        warehouse, suite, staged, run_id=RUN_ID, now=now, audience=audience_of(resolved, suite)
    )
    steps.append(step)
    return (
        f"suite {suite.name} blocks: {'; '.join(verdict.reasons)}" if verdict.decision == "blocked" else None
    )


def _example(example: Any) -> dict[str, Any]:
    before, after = example.before or {}, example.after or {}
    names = after or before  # a field that is no longer mapped is left as it is
    changed = {n: [before.get(n), after.get(n)] for n in names if before.get(n) != after.get(n)}
    return {"key": example.primary_key, "operation": example.operation, "fields": changed}
