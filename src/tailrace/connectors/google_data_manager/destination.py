"""Members of audiences: each batch is one request, and where Google refuses some of it, the rows are found by more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tailrace.connectors.google_data_manager.api import Api, Member, Verb
from tailrace.connectors.google_data_manager.declaration import ADDRESS, OBJECT_OPTIONS
from tailrace.connectors.google_data_manager.identifiers import Identifiers, Unsendable
from tailrace.connectors.google_data_manager.verdicts import Verdict, is_passing
from tailrace.connectors.sdk.writing import (
    Outcome,
    WriteBatch,
    WriteOnly,
    WriteResult,
    WriteRow,
)
from tailrace.errors import TailraceError, VendorRefused
from tailrace.events import Notice, emit

Results = dict[str, WriteResult]
TAKEN_OVER = "another row is now who it was before, and Google said nothing final of that one"
DEFAULTS = {option.name: option.default for option in OBJECT_OPTIONS}


@dataclass(frozen=True)
class Person:
    """A row and its member as Google gets it."""

    trace: str
    member: Member


class GoogleDataManagerDestination(WriteOnly):
    """`upsert` takes people in, `archive` takes them out. Google names nobody, so there is nothing to read back."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def write(self, batch: WriteBatch) -> list[WriteResult]:
        """One result per row, in the rows' order.

        Former identities go out after the new ones are in. Whom Google knew by both goes out by that, so the rows come in once more.
        """
        options = {**DEFAULTS, **batch.options}
        identifiers = Identifiers(options["encoding"], options["gmail_rules"])
        verb: Verb = "remove" if batch.operation == "archive" else "ingest"
        people, found = _people(batch, identifiers)
        carrying = _Carrying(self._api, options)
        found |= carrying.carry(verb, people)
        former = _former(batch, identifiers, found) if verb == "ingest" else []
        left = carrying.carry("remove", former)
        for trace, result in left.items():
            if result.outcome != "acked":
                found[trace] = replace(result, reason=f"who it was before is still there. {result.reason}")
        again = [one for one in people if one.trace in left and left[one.trace].outcome == "acked"]
        found |= carrying.carry("ingest", again)
        _warn_of_addresses(batch, self._api.http.context.connection)
        return [found[row.trace] for row in batch.rows]


class _Carrying:
    """The requests of one batch. After the first answer an error is the outcome of the rows it is about."""

    def __init__(self, api: Api, options: Mapping[str, Any]) -> None:
        self._api, self._options = api, options
        self._left = int(options["splits"])
        self._answered = False

    def carry(self, verb: Verb, people: Sequence[Person]) -> Results:
        """Outcomes by trace; every person has one."""
        return self._decide(verb, people, self._ask(verb, people)) if people else {}

    def _ask(self, verb: Verb, people: Sequence[Person]) -> Verdict:
        try:
            verdict = self._api.carry(verb, [one.member for one in people], self._options)
        except TailraceError as error:
            if not self._answered:
                raise
            return Verdict("silent", error.message)
        if verdict.elsewhere and not self._answered:
            name = self._api.http.context.connection
            fix = "check the sync's options and operating_account and login_account of the connection"
            raise VendorRefused(f"{name}: Google refuses the request: {self._said(verdict)}", fix)
        self._answered = self._answered or verdict.kind != "rejected" or bool(verdict.places)
        return verdict

    def _decide(self, verb: Verb, people: Sequence[Person], verdict: Verdict) -> Results:
        if verdict.kind == "taken":
            return _all(people, "acked")
        if verdict.kind == "silent":
            return _all(people, "unknown", self._said(verdict))
        if verdict.kind == "failed" or len(people) == 1:
            return self._refused(people, verdict.text, verdict.passing)
        if verdict.places and self._may_ask():
            found = self._by_places(verb, people, verdict)
            if found is not None:
                return found
        return self._in_halves(verb, people, verdict)

    def _by_places(self, verb: Verb, people: Sequence[Person], verdict: Verdict) -> Results | None:
        """Places in a status are believed only where all others pass without the ones they name; None where they do not."""
        named: Results = {}
        judged = verdict.kind == "part"
        for place, why in verdict.places.items():
            named |= self._refused([people[place]], why, judged and is_passing((why,)))
        rest = [one for place, one in enumerate(people) if place not in verdict.places]
        again = self._ask(verb, rest) if rest else Verdict("taken")
        if verdict.kind == "rejected":  # a 400 names what it met first, not all there is
            return {**named, **self._decide(verb, rest, again)}
        return {**named, **_all(rest, "acked")} if again.kind == "taken" else None

    def _in_halves(self, verb: Verb, people: Sequence[Person], verdict: Verdict) -> Results:
        if not self._may_ask():
            what = f"Google refuses some of {len(people)} rows and does not say which: {self._said(verdict)}"
            if not self._answered:
                raise VendorRefused(
                    f"{self._api.http.context.connection}: {what}", "raise the sync's option splits"
                )
            return _all(people, "unknown", what)
        middle = len(people) // 2
        first, second = people[:middle], people[middle:]
        of_first = self._ask(verb, first)
        found = self._decide(verb, first, of_first)
        of_second = verdict.without(of_first)
        if of_second is None:
            if not self._may_ask():
                what = f"Google does not say which rows it refuses: {self._said(verdict)}"
                return {**found, **_all(second, "unknown", what)}
            of_second = self._ask(verb, second)
        return {**found, **self._decide(verb, second, of_second)}

    def _may_ask(self) -> bool:
        """Whether one more request may be spent; counts it."""
        self._left -= 1
        return self._left >= 0

    def _refused(self, people: Sequence[Person], why: str, passing: bool) -> Results:
        """Dead, or later where the reason is none of the rows'."""
        said = self._api.http.scrub(why).rstrip(".")
        if passing:
            return _all(people, "later", f"Google did not take it: {said}")
        return _all(people, "dead", f"Google refuses it: {said}")

    def _said(self, verdict: Verdict) -> str:
        return self._api.http.scrub(verdict.text).rstrip(".")


def _all(people: Sequence[Person], outcome: Outcome, reason: str | None = None) -> Results:
    return {one.trace: WriteResult(one.trace, outcome, None, reason) for one in people}


def _people(batch: WriteBatch, identifiers: Identifiers) -> tuple[list[Person], Results]:
    """The members, and the rows that cannot be any."""
    people: list[Person] = []
    refused: Results = {}
    for row in batch.rows:
        try:
            people.append(_person(batch, row, row.key, row.values, identifiers))
        except Unsendable as error:
            reason = f"{error.field}: {error}"
            refused[row.trace] = WriteResult(row.trace, "dead", None, reason, error.field)
    return people, refused


def _person(
    batch: WriteBatch, row: WriteRow, key: Any, values: Mapping[str, Any], identifiers: Identifiers
) -> Person:
    match = batch.match_field or "email"
    if key is None:
        raise Unsendable(match, "it is empty")
    return Person(row.trace, {"userData": {"userIdentifiers": identifiers.of(match, key, values)}})


def _former(batch: WriteBatch, identifiers: Identifiers, found: Results) -> list[Person]:
    """Who the accepted rows were before, unless that is somebody of the same batch now; a refused row is nobody."""
    outcomes = {row.trace: found[row.trace].outcome for row in batch.rows}
    now = {_identity(batch, row.key, identifiers): outcomes[row.trace] for row in batch.rows}
    people = []
    for row in batch.rows:
        before = _identity(batch, row.previous_key, identifiers)
        if before is None or outcomes[row.trace] != "acked":
            continue
        holder = now.get(before, "dead")
        if holder in ("unknown", "later"):
            found[row.trace] = WriteResult(row.trace, "unknown", None, TAKEN_OVER)
        elif holder != "acked":
            people.append(_person(batch, row, row.previous_key, {}, identifiers))
    return people


def _identity(batch: WriteBatch, key: Any, identifiers: Identifiers) -> str | None:
    """A key as Google gets it; None where it is none: what could not be sent was never there."""
    if key is None:
        return None
    try:
        return str(identifiers.of(batch.match_field or "email", key, {})[0])
    except Unsendable:
        return None


def _warn_of_addresses(batch: WriteBatch, connection: str) -> None:
    """Parts of addresses that never make a whole one are a mapping that lacks something."""
    parts = {name for row in batch.rows for name in ADDRESS if row.values.get(name) not in (None, "")}
    if parts and parts != set(ADDRESS):
        missing = ", ".join(name for name in ADDRESS if name not in parts)
        text = f"{connection}: no row has {missing}, so no address is sent: it needs all of its parts"
        emit(Notice("warning", text))
