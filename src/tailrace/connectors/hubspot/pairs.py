"""Associations in batches: made and taken out, with a word about each pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.hubspot.api import Api
from tailrace.connectors.hubspot.association_types import Kind
from tailrace.connectors.hubspot.batches import (
    PASSING,
    Entry,
    context_of,
    document_of,
    entries,
    match_key,
    texts_of,
    unanswered,
)
from tailrace.connectors.sdk.http import Answer, plain_message
from tailrace.errors import Unavailable

Pair = tuple[str, str]
"""The ids of the two records."""
SILENT = "HubSpot's answer says nothing of the association"


@dataclass(frozen=True)
class Refused:
    """Why a pair was not associated; `is_sure`: HubSpot said so, else it said nothing."""

    reason: str
    is_sure: bool = True


class Pairs:
    """The associations from records of one object to those of another (vendor-apis.md 1.9). All of it may be repeated."""

    def __init__(self, api: Api, one: str, other: str) -> None:
        self._api = api
        self._path = api.associations(one, other)

    def make(self, pairs: Sequence[Pair], kind: Kind | None) -> dict[Pair, Refused]:
        """Associate; None is HubSpot's plain type. What is named back is made, all else is in the result."""
        verb = "batch/create" if kind else "batch/associate/default"
        more: Mapping[str, Any] = {"types": [kind.spec]} if kind else {}

        def inputs(some: Sequence[Pair]) -> list[Any]:
            return [{"from": {"id": one}, "to": {"id": other}, **more} for one, other in some]

        return self._halved(verb, list(dict.fromkeys(pairs)), inputs, _missing)

    def kinds(self, ids: Sequence[str]) -> dict[Pair, list[Kind]]:
        """What associates these records now, by pair."""
        found: dict[Pair, list[Kind]] = {}
        inputs: list[dict[str, str]] = [{"id": key} for key in dict.fromkeys(ids)]
        while inputs:
            answer = self._api.http.request(
                "POST", f"{self._path}/batch/read", json={"inputs": inputs}, retry=True, accept=(404,)
            )
            results = entries(document_of(answer), "results")
            self._complain(inputs, results, answer)
            for result in results:
                for end in entries(result, "to"):
                    pair = (str(result["from"]["id"]), str(end["toObjectId"]))
                    found[pair] = [_kind(each) for each in end.get("associationTypes") or []]
            inputs = [{"id": str(key), "after": after} for key, after in _following(results)]
        return found

    def _complain(
        self, inputs: Sequence[Mapping[str, str]], results: Sequence[Entry], answer: Answer
    ) -> None:
        """Unavailable where the answer leaves out a record: silence is no word about its associations."""
        keys = {match_key(one["id"]) for one in inputs}
        left = unanswered(keys, {match_key(result["from"]["id"]) for result in results}, answer)
        if left:
            what = f"HubSpot's answer says nothing of the associations of {len(left)} of {len(keys)} records"
            raise Unavailable(f"{self._api.http.context.connection}: {what}", "run again")

    def cut(self, pairs: Sequence[Pair], kind: Kind | None) -> dict[Pair, Refused]:
        """Take out one type of association, or with None whatever associates the two."""

        def inputs(some: Sequence[Pair]) -> list[Any]:
            if kind is None:
                return [{"from": {"id": one}, "to": [{"id": other}]} for one, other in some]
            return [{"from": {"id": one}, "to": {"id": other}, "types": [kind.spec]} for one, other in some]

        verb = "batch/labels/archive" if kind else "batch/archive"
        return self._halved(verb, list(dict.fromkeys(pairs)), inputs, _left)

    def _halved(
        self,
        verb: str,
        pairs: Sequence[Pair],
        inputs: Callable[[Sequence[Pair]], list[Any]],
        judge: Callable[[Sequence[Pair], Mapping[str, Any]], dict[Pair, Refused]],
    ) -> dict[Pair, Refused]:
        """A batch that is refused whole is halved until single pairs decide."""
        if not pairs:
            return {}
        body = {"inputs": inputs(pairs)}
        answer = self._api.http.request(
            "POST", f"{self._path}/{verb}", json=body, retry=True, accept=(400, 404)
        )
        if answer.status < 300:
            if answer.content and not isinstance(answer.json(), Mapping):
                return {pair: Refused(SILENT, is_sure=False) for pair in pairs}
            return judge(pairs, document_of(answer))
        if len(pairs) == 1:
            reason = self._api.http.scrub(plain_message(answer)) or f"refused ({answer.status})"
            return {pairs[0]: Refused(reason)}
        middle = len(pairs) // 2
        return {
            **self._halved(verb, pairs[:middle], inputs, judge),
            **self._halved(verb, pairs[middle:], inputs, judge),
        }


def _missing(pairs: Sequence[Pair], document: Mapping[str, Any]) -> dict[Pair, Refused]:
    """Pairs that the results do not name, with the error that names one of their records."""
    made = set(_made(document))
    refused = _named(pairs, document)
    return {pair: refused.get(pair, Refused(SILENT, is_sure=False)) for pair in pairs if pair not in made}


def _left(pairs: Sequence[Pair], document: Mapping[str, Any]) -> dict[Pair, Refused]:
    """Of pairs that are taken out only errors tell; with one that names no record of theirs, all others are not known."""
    refused = _named(pairs, document)
    nobody = next(
        (error for error in entries(document, "errors") if not _named(pairs, {"errors": [error]})), None
    )
    if nobody is None:
        return refused
    reason = str(nobody.get("message") or nobody.get("category") or SILENT)
    return {pair: refused.get(pair, Refused(reason, is_sure=False)) for pair in pairs}


def _made(document: Mapping[str, Any]) -> Iterator[Pair]:
    """`{from: {id}, to: {id}}` of the plain type, `{fromObjectId, toObjectId}` of a labelled one."""
    for result in entries(document, "results"):
        one = result.get("fromObjectId") or (result.get("from") or {}).get("id")
        other = result.get("toObjectId") or (result.get("to") or {}).get("id")
        yield str(one), str(other)


def _named(pairs: Sequence[Pair], document: Mapping[str, Any]) -> dict[Pair, Refused]:
    """Pairs of which an error names a record by its id."""
    refused: dict[Pair, Refused] = {}
    for error in entries(document, "errors"):
        ids = {name for value in context_of(error).values() for name in texts_of(value)}
        reason = str(error.get("message") or error.get("category") or "refused")
        sure = error.get("category") not in PASSING
        refused.update({pair: Refused(reason, sure) for pair in pairs if ids & set(pair)})
    return refused


def _following(results: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for result in results:
        after = ((result.get("paging") or {}).get("next") or {}).get("after")
        if after is not None:
            yield result["from"]["id"], str(after)


def _kind(given: Mapping[str, Any]) -> Kind:
    return Kind(str(given.get("category")), int(given.get("typeId") or 0), str(given.get("label") or ""))
