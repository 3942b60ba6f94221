"""sObject Collections: up to 200 rows a request, results in the order of the rows (vendor-apis.md 2.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tailrace.connectors.salesforce.api import Api, errors_of
from tailrace.connectors.salesforce.finder import SHORT
from tailrace.connectors.salesforce.refusals import Refusal, outcome
from tailrace.connectors.salesforce.rows import ADDRESSED, Sent
from tailrace.connectors.sdk.http import Answer
from tailrace.connectors.sdk.paging import chunks
from tailrace.connectors.sdk.writing import WriteBatch, WriteResult
from tailrace.errors import TailraceError

MOST = 200


class Collections:
    """Writes in requests of 200. All but `create` are repeated on failures."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def write(self, batch: WriteBatch, sent: Sequence[Sent], *, whole: bool = True) -> list[WriteResult]:
        """Results of the rows that the answers tell of. `whole` False: something of the batch was carried out before."""
        results: list[WriteResult] = []
        for part in chunks(sent, MOST):
            results += self._send(batch, part, whole=whole)
            whole = False
        return results

    def _send(self, batch: WriteBatch, sent: Sequence[Sent], *, whole: bool) -> list[WriteResult]:
        """Sends; halves a refused request. Once a part was carried out, an error is the other part's outcome."""
        try:
            answer = self._request(batch, sent)
        except TailraceError as error:
            if whole:
                raise
            return [WriteResult(one.row.trace, "unknown", one.row.remote_id, error.message) for one in sent]
        if answer.status < 300:
            return gathered(batch, sent, answer.json())
        if len(sent) == 1:
            errors = errors_of(answer) or [{}]
            refusal = Refusal.of(
                {**errors[0], "message": self._api.http.scrub(str(errors[0].get("message") or ""))}
            )
            return [outcome(batch.operation, sent[0], refusal)]
        middle = len(sent) // 2
        return [
            *self._send(batch, sent[:middle], whole=False),
            *self._send(batch, sent[middle:], whole=False),
        ]

    def _request(self, batch: WriteBatch, sent: Sequence[Sent]) -> Answer:
        path = self._api.path("composite/sobjects")
        if batch.operation == "archive":
            ids = ",".join(one.identity for one in sent)
            params = {"ids": ids, "allOrNone": "false"}
            return self._api.http.request("DELETE", path, params=params, retry=True, accept=(400,))
        records = [one.record(batch.object) for one in sent]
        body = {"allOrNone": False, "records": records}
        if batch.operation == "create":
            return self._api.http.request("POST", path, json=body, retry=False, accept=(400,))
        if batch.operation == "upsert":
            path = f"{path}/{quote(batch.object)}/{quote(str(batch.match_field))}"
        return self._api.http.request("PATCH", path, json=body, retry=True, accept=(400,))


def gathered(batch: WriteBatch, sent: Sequence[Sent], document: Any) -> list[WriteResult]:
    """Outcomes by place, if there are as many results as rows; nothing where there are not, for then no place is sure."""
    results = document if isinstance(document, list) else []
    if len(results) != len(sent) or not all(isinstance(one, Mapping) for one in results):
        return []
    addressed = batch.operation in ADDRESSED
    if addressed and any(_is_another(one, result) for one, result in zip(sent, results, strict=True)):
        return _by_id(sent, results)
    found = (_outcome(batch, one, result) for one, result in zip(sent, results, strict=True))
    return [one for one in found if one is not None]


def _outcome(batch: WriteBatch, one: Sent, result: Mapping[str, Any]) -> WriteResult | None:
    if result.get("success") is True:
        return WriteResult(one.row.trace, "acked", str(result.get("id") or one.row.remote_id or "") or None)
    errors = [error for error in result.get("errors") or [] if isinstance(error, Mapping)]
    return outcome(batch.operation, one, Refusal.of(errors[0])) if errors else None


def _is_another(one: Sent, result: Mapping[str, Any]) -> bool:
    """Whether a result names another record than the one that was written in its place."""
    named = result.get("id")
    return bool(named) and str(named)[:SHORT] != one.identity[:SHORT]


def _by_id(sent: Sequence[Sent], results: Sequence[Mapping[str, Any]]) -> list[WriteResult]:
    """Results out of order: the ones that name their record are sure, and no other."""
    written = {
        str(one.get("id"))[:SHORT]: str(one["id"])
        for one in results
        if one.get("success") is True and one.get("id")
    }
    return [
        WriteResult(one.row.trace, "acked", written[one.identity[:SHORT]])
        for one in sent
        if one.identity[:SHORT] in written
    ]
