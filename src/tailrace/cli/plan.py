"""`plan`: what a run would do, in words and as a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tailrace.cli.diffs import say_diff
from tailrace.cli.fit import fitted, wrapped
from tailrace.cli.frame import Frame
from tailrace.cli.inspect import chosen_of
from tailrace.cli.render import count
from tailrace.cli.steps import opened, sync_document
from tailrace.errors import BadInput
from tailrace.plan.asking import Vendors
from tailrace.plan.resolve import Resolved
from tailrace.plan.scratch import is_published

SHOWN = 10
LONGEST_NAME = 40


def show_plan(
    frame: Frame,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    *,
    diff: bool = False,
    sample: int | None = None,
    no_build: bool = False,
    offline: bool = False,
) -> None:
    """Models to build and why, columns that come and go, rows that each sync would send."""
    from tailrace.cli.progress import shown
    from tailrace.plan.data_diff import SAMPLE
    from tailrace.plan.model_diffs import refuse_undiffable
    from tailrace.plan.preview import Wanted, preview

    _check(diff=diff, sample=sample, no_build=no_build)
    resolved = opened(frame)
    if diff:
        refuse_undiffable(resolved.graph, select)
    wanted = Wanted(not no_build, diff, SAMPLE if sample is None else sample)
    chosen = chosen_of(resolved, select, exclude)
    with shown(frame), _vendors(resolved, needed=bool(chosen.syncs) and not offline) as vendors:
        found = preview(resolved, chosen, wanted, vendors)
    models = [model.document() for model in found.models]
    frame.document(
        {
            "run_id": None,
            "status": found.status,
            "steps": [step.document() for step in found.steps],
            "models": models,
            "syncs": [sync_document(name, detail) for name, detail in found.syncs.items()],
            "vanished": [column.document() for column in found.vanished],
            "notes": found.notes,
            **_money(found.bytes, found.price),
        }
    )
    _say_vanished(frame, [column.document() for column in found.vanished])
    _say_models(frame, models)
    for step in found.steps:
        if step.error:
            frame.say(wrapped(f"{step.step} {step.name}: {step.error}", "  "))
    for name, detail in found.syncs.items():
        _say_sync(frame, name, detail)
    if diff:
        _say_diffs(frame, models, select)
    for note in found.notes:
        frame.say(wrapped(note, ""))
    if found.bytes is not None:
        _say_money(frame, resolved, found.bytes, found.price or 0.0)
    if not found.models and not found.syncs:
        frame.say("nothing was chosen")
    _say_limits(frame, resolved)
    # a plan that says "would stop" has done its work
    frame.end("failed" if found.status == "failed" else "ok")


@contextmanager
def _vendors(resolved: Resolved, *, needed: bool) -> Iterator[Vendors | None]:
    """Connections for reading, opened where something is asked; they draw on the accounts' budgets, and nothing else is written."""
    if not needed or not is_published(resolved.project):
        yield None
        return
    from tailrace.runner import remote_fields
    from tailrace.runner.session import Session
    from tailrace.state.approvals import is_approved

    session = Session(resolved.project, "plan")
    try:
        yield Vendors(
            lambda name: session.connector(name).destination(),
            session.is_sandbox,
            lambda there, sync: remote_fields.problems(
                there, sync, session.connector(sync.connection).destination()
            ),
            lambda there, sync: [each.field for each in remote_fields.missing(there, sync)],
            session.account,
            lambda changeset: is_approved(session.store, changeset),
        )
    finally:
        session.close()


def _check(*, diff: bool, sample: int | None, no_build: bool) -> None:
    if sample is not None and not diff:
        raise BadInput("--sample says how many rows --diff compares", "add --diff")
    if diff and no_build:
        raise BadInput("--diff compares rows, and --no-build makes none", "leave one of them out")


def _money(read: int | None, price: float | None) -> dict[str, Any]:
    """What a BigQuery target's plan has beside a DuckDB one's."""
    return {} if read is None else {"bytes": read, "price": price}


def _say_money(frame: Frame, resolved: Resolved, read: int, price: float) -> None:
    from tailrace.warehouse.bigquery.bill import PRICE_PER_TIB, human

    per_tib = resolved.project.target.settings.get("price_per_tib", PRICE_PER_TIB)
    frame.say(wrapped(f"BigQuery would read {human(read)}: about {price:,.4f} at {per_tib:g} per TiB", ""))


def _say_limits(frame: Frame, resolved: Resolved) -> None:
    """What this project's plans cannot see."""
    project = resolved.project
    if project.target.publish_schemas:
        narrowed = ", ".join(project.target.publish_schemas)
        frame.say(
            f"only {narrowed} are published, and a plan sees what is published: landed tables count as absent"
        )
    if not is_published(project):
        landed = (
            "lands the data that a plan can look at"
            if project.pipelines
            else "publishes what a plan compares with"
        )
        frame.say(f"nothing is published yet: the first `tailrace run` {landed}")


def _say_vanished(frame: Frame, columns: Sequence[Mapping[str, Any]]) -> None:
    for column in columns:
        readers = f"read by {', '.join(column['models'])}" if column["models"] else "no model reads it"
        syncs = f", reaches {', '.join(column['syncs'])}" if column["syncs"] else ""
        frame.say(
            f"{column['resource']} no longer brings {column['column']}, the last values stay: {readers}{syncs}"
        )


def _say_models(frame: Frame, models: Sequence[Mapping[str, Any]]) -> None:
    to_build = [model for model in models if model["action"] == "build"]
    frame.say(f"{count(len(to_build), 'model')} to build, {len(models) - len(to_build):,} up to date")
    name = min(LONGEST_NAME, max((len(model["model"]) for model in to_build), default=0))
    kind = max((len(model["change"] or "") for model in to_build), default=0)
    for model in to_build:
        frame.say(wrapped(f"{model['model']:<{name}}  {model['change'] or '':<{kind}}  {model['why']}", "  "))
        for line in (*model["details"], *_column_lines(model), *_reader_lines(model), *_byte_lines(model)):
            frame.say(wrapped(line, "      "))


def _column_lines(model: Mapping[str, Any]) -> list[str]:
    signs = (("added", "+"), ("removed", "-"), ("retyped", "~"))
    return [f"{sign} {column}" for word, sign in signs for column in model["columns"].get(word, ())]


def _reader_lines(model: Mapping[str, Any]) -> list[str]:
    lines = []
    for reader in model["readers"]:
        parts = [f"is read by {', '.join(reader['models'])}"] if reader["models"] else []
        if reader["fields"]:
            parts.append(f"reaches {', '.join(reader['fields'])} (sync {', '.join(reader['syncs'])})")
        lines.append(f"{reader['column']} {'; '.join(parts)}")
    return lines


def _byte_lines(model: Mapping[str, Any]) -> list[str]:
    if "bytes" not in model:
        return []
    from tailrace.warehouse.bigquery.bill import human

    return ["reads nobody knows how much" if model["bytes"] is None else f"reads {human(model['bytes'])}"]


def _say_far_sync(frame: Frame, name: str, detail: Mapping[str, Any]) -> None:
    """A sync whose rows are not on this machine."""
    from tailrace.warehouse.bigquery.bill import human

    read = "" if detail["bytes"] is None else f"; fetching them reads {human(detail['bytes'])}"
    frame.say()
    frame.say(wrapped(f"sync {name}: {'; '.join(detail['notes'])}{read}", ""))


def _say_sync(frame: Frame, name: str, detail: Mapping[str, Any]) -> None:
    if detail.get("created", 0) is None:
        _say_far_sync(frame, name, detail)
        return
    words = ("created", "updated", "deleted", "held_back", "unchanged")
    numbers = ", ".join(f"{detail.get(word, 0):,} {word.replace('_', ' ')}" for word in words)
    frame.say()
    frame.say(wrapped(f"sync {name}: {numbers}; {_cost(detail)}", ""))
    for line in _more(detail):
        frame.say(wrapped(line, "  "))
    if detail.get("stopped"):
        frame.say(wrapped(f"would stop: {detail['stopped']}", "  "))
    examples = [
        (example["key"], field, change[0], change[1])
        for example in detail.get("examples", [])[:SHOWN]
        for field, change in example["fields"].items()
    ]
    if examples:
        frame.say(fitted(("key", "field", "before", "after"), examples, indent="  "))


def _cost(detail: Mapping[str, Any]) -> str:
    parts = [count(int(detail["requests"]), "write request")]
    if detail["reads"]:
        parts.append(count(int(detail["reads"]), "read"))
    if detail["minutes"]:
        parts.append(f"{detail['minutes']:g} min at the account's limit")
    return ", ".join(parts)


def _more(detail: Mapping[str, Any]) -> Iterator[str]:
    """What else would become of rows, and where that is known from."""
    held = [f"{detail[why]:,} {why}" for why in ("quarantined", "suppressed", "filtered") if detail[why]]
    if held:
        yield f"held back: {', '.join(held)}"
    words = (
        ("unmatched", "unmatched"),
        ("dead", "refused"),
        ("unknown", "without an answer"),
        ("pending", "left for later"),
    )
    rest = [f"{detail[word]:,} {said}" for word, said in words if detail[word]]
    edits = (
        (detail["conflicts"], "row", " kept as people edited them"),
        (detail["kept"], "field", " kept"),
        (detail["overwritten"], "edit", " written over"),
    )
    rest += [count(int(number), one) + said for number, one, said in edits if number]
    if rest:
        yield f"and {', '.join(rest)}"
    for told in detail["refused"]:
        yield f"not sent: {count(int(told['rows']), 'row')}, because {told['reason']}"
    if detail["requests"]:
        by = "what is landed" if detail["judged_by"] == "landed" else "the ledger"
        yield f"which records are there is told by {by}, as published {detail['as_of'] or 'never'}"
    yield from detail["notes"]


def _say_diffs(frame: Frame, models: Sequence[Mapping[str, Any]], select: Sequence[str]) -> None:
    for model in models:
        if "diff" in model:
            frame.say()
            say_diff(frame, model["diff"])
        elif model["model"] in select:
            never = model["change"] == "new"
            said = (
                "was never published: there is nothing before to compare with"
                if never
                else (
                    "is up to date: its rows stay as they are"
                    if model["action"] == "skip"
                    else "cannot be compared"
                )
            )
            frame.say(f"\n{model['model']} {said}")
