"""A suite's last judgement, and what it says of the data of now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tailrace.project.spec import Suite as Declared
from tailrace.report.checks import told_check
from tailrace.report.document import Check, State, Suite, Volume
from tailrace.report.evidence import keys_shown
from tailrace.report.judgements import Judgement, reasons_of
from tailrace.report.known import Known
from tailrace.report.local import LocalStep
from tailrace.report.owners import owner_of_model
from tailrace.report.sentences import moment, suite_sentence
from tailrace.validate.suite import suite_hash

IDLE_FROM = 86_400.0
"""Seconds after which a reader is told that no run has looked at a suite since."""


def told_suite(known: Known, declared: Declared) -> Suite:
    owner = declared.owner or owner_of_model(known.project, declared.model)
    told = Suite(declared.name, declared.model, declared.path, declared.description, "never", key=declared.key or "",
                 model_path=_path_of(known, declared.model), owner=owner,
                 syncs=known.syncs.get(declared.name, ()))  # fmt: skip
    if declared.name not in known.judged.judgements:
        told = replace(told, stale=(_never(known, declared),))
    else:
        told = _judged_suite(known, declared, told)
    return replace(told, sentence=suite_sentence(told))


def _path_of(known: Known, model: str) -> str:
    return next((file.path for file in known.project.models if file.name == model), "")


def _never(known: Known, declared: Declared) -> str:
    steps = known.judged.steps.get(declared.name, ())
    if steps and steps[0].error:
        return f"suite {declared.name} was not judged, {steps[0].error}"
    return f"suite {declared.name} has never judged it" + (" until that run" if known.is_past else "")


def _judged_suite(known: Known, declared: Declared, told: Suite) -> Suite:
    past = known.judged.judgements[declared.name]
    last = past[0]
    verdict = known.judged.verdicts.get(declared.name, {})
    checks = tuple(told_check(known, declared, told, row, last) for row in known.judged.checks[declared.name])
    reasons = reasons_of(known.judged, declared.name)
    keys = [key for (suite, _), rows in known.held.items() if suite == declared.name for _, key in rows]
    confirmed = _confirmed(known, declared.name, last)
    told = replace(
        told,
        run_id=last.run_id,
        judged_at=last.at,
        confirmed_at=confirmed,
        valid_until=verdict.get("valid_until"),
        rows=last.rows,
        held=0 if reasons else _held(verdict, checks, keys),
        keys=keys_shown(keys, personal=known.has_personal_key(declared)),
        reasons=reasons,
        checks=checks,
        volume=_volume(known, declared.name, past),
    )
    told = replace(told, stale=() if known.is_past else tuple(_stale(known, declared, told, verdict)))
    told = replace(told, notes=tuple(_notes(known, told)))
    return replace(told, state=_state(told))


def _held(verdict: Mapping[str, Any], checks: Sequence[Check], keys: Sequence[str]) -> int:
    if verdict.get("quarantined") is not None:
        return int(verdict["quarantined"])
    # of an earlier run only the checks' own counts are left; one row can fail several of them
    return len(set(keys)) or max(
        (check.unexpected or 0 for check in checks if check.decision == "quarantine"), default=0
    )


def _confirmed(known: Known, suite: str, last: Judgement) -> datetime:
    """When a run last found what was judged unchanged; one that had nothing to publish is known only here."""
    again = [
        step.started_at
        for step in known.judged.steps.get(suite, ())
        if step.status == "stopped" or (step.status == "skipped" and not step.error)
    ]
    if not known.is_past:
        again += [
            step.run.started_at for step in _unpublished(known, suite) if step.reused and step.run.started_at
        ]
    return max([last.at, *again])


def _unpublished(known: Known, suite: str) -> list[LocalStep]:
    """The suite's steps in runs that the published file does not have, newest first."""
    return [step for step in known.local.steps.get(suite, ()) if step.run.run_id not in known.runs]


def _volume(known: Known, suite: str, past: Sequence[Judgement]) -> tuple[Volume, ...]:
    stopped = {step.run_id for step in known.judged.steps.get(suite, ()) if step.status == "stopped"}
    return tuple(
        Volume(one.run_id, one.at, one.rows, one.blocked or one.run_id in stopped) for one in reversed(past)
    )


def _state(suite: Suite) -> State:
    if suite.reasons:
        return "blocked"
    if suite.stale:
        return "stale"
    if suite.held:
        return "held"
    return "warned" if suite.failing else "passed"


def _stale(known: Known, declared: Declared, told: Suite, verdict: Mapping[str, Any]) -> Iterator[str]:
    """Why what was found says nothing about the data of now."""
    if told.valid_until is not None and told.valid_until <= known.now:
        yield f"what was found on {moment(told.judged_at)} ran out on {moment(told.valid_until)}"
    if verdict.get("suite_hash") and verdict["suite_hash"] != suite_hash(declared):
        yield f"suite {told.name} was changed and has not judged since {moment(told.judged_at)}"
    steps = known.judged.steps.get(told.name, ())
    if steps and steps[0].error and steps[0].status != "stopped":
        yield f"run {steps[0].run_id} did not judge it, {steps[0].error}"
    built, run_id = known.models.get(told.model, (None, ""))
    builder = known.runs.get(run_id)
    judged_by = {told.run_id, *(step.run_id for step in steps)}
    started = builder.started_at if builder and run_id not in judged_by else None
    if built and started and told.confirmed_at and started > told.confirmed_at:
        yield f"it was built anew on {moment(built.built_at)} and not judged since"
    yield from known.behind.get(told.model, ())


def _notes(known: Known, told: Suite) -> Iterator[str]:
    """What a reader should know besides."""
    if told.confirmed_at and told.judged_at and told.confirmed_at > told.judged_at:
        if not told.stale:
            yield f"Found unchanged on {moment(told.confirmed_at)}, so the earlier verdict stands."
    elif known.run and not known.is_past and told.run_id != known.run.run_id:
        yield f"Not judged in run {known.run.run_id}; this is of run {told.run_id}."
    if (
        not known.is_past
        and told.confirmed_at
        and (known.now - told.confirmed_at).total_seconds() > IDLE_FROM
    ):
        yield f"No run has looked at it since {moment(told.confirmed_at)}."
    newer = [] if known.is_past else [step for step in _unpublished(known, told.name) if not step.reused]
    if newer and newer[0].run.started_at and told.judged_at and newer[0].run.started_at > told.judged_at:
        yield f"Judged again in run {newer[0].run.run_id}, which is not published yet: tailrace publish."
    if told.valid_until and told.valid_until > known.now and not told.stale:
        yield f"The verdict holds until {moment(told.valid_until)}."
    built, run_id = known.models.get(told.model, (None, ""))
    if told.reasons and built and not known.is_past:
        if run_id != told.run_id and told.judged_at and built.built_at and built.built_at < told.judged_at:
            yield f"Analysts still see {told.model} as it was built on {moment(built.built_at)}; what was judged is not published."
        elif told.reasons:
            yield f"The published {told.model} was built on {moment(built.built_at)}."
