"""A large batch by an ingest job: rows as cells, and each row's outcome found by the key in its data, never by its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from tailrace.connectors.salesforce import ingest
from tailrace.connectors.salesforce.finder import SHORT
from tailrace.connectors.salesforce.ingest import Ended, IngestJobs, Line
from tailrace.connectors.salesforce.refusals import LONGEST_REASON, Refusal, outcome
from tailrace.connectors.salesforce.rows import ADDRESSED, Sent
from tailrace.connectors.salesforce.target import RECORD_ID, Lookup, Target
from tailrace.connectors.salesforce.values import NULL, as_cell
from tailrace.connectors.sdk.writing import WriteBatch, WriteResult
from tailrace.errors import TailraceError, Unavailable, VendorRefused

Index = dict[str, list[tuple[str, Sent]]]
"""The rows by their folded key, each with its key as it was sent."""
VERBS = {"create": "insert", "update": "update", "clear": "update", "upsert": "upsert", "archive": "delete"}
REFUSED_WHOLE = ("InvalidBatch", "ClientInputError", "InvalidJob", "FeatureNotEnabled")
"""How a job's message begins that no repetition can help."""


def fits(batch: WriteBatch, target: Target) -> bool:
    """Whether a job's rows can be told apart, and a job whose end is not seen does no harm.

    New records only where Salesforce itself keeps the match field unique: a job that is sent twice then makes none twice.
    """
    if batch.operation != "create":
        return True
    return batch.match_field is not None and bool(target.fields.get(batch.match_field, {}).get("unique"))


def cells(one: Sent) -> dict[str, str] | None:
    """A row as cells; None for one that a CSV cannot hold: a text that is the very sign of NULL, a new record without its key."""
    if any(value == NULL for value in one.values.values()):
        return None
    found = {name: as_cell(value) for name, value in one.values.items()}
    for lookup, key, value in one.links:
        if value == NULL:
            return None
        found[_column(lookup, key)] = as_cell(value)
    return found


def _column(lookup: Lookup, key: str | None) -> str:
    if key is None or lookup.match_field == RECORD_ID:
        return lookup.field
    kind = f"{lookup.obj}:" if lookup.typed else ""
    return f"{kind}{lookup.relationship}.{lookup.match_field}"


class BulkRows:
    """Writes of any number of rows."""

    def __init__(self, jobs: IngestJobs) -> None:
        self._jobs = jobs

    def write(
        self, batch: WriteBatch, sent: Sequence[Sent], rows: Sequence[Mapping[str, str]]
    ) -> list[WriteResult]:
        """Results of the rows that the jobs tell of; `rows` are the cells of those that are sent."""
        results: list[WriteResult] = []
        start = 0
        for data, count in ingest.written(rows):
            part = sent[start : start + count]
            results += self._job(batch, part, rows[start : start + count], data, whole=start == 0)
            start += count
        return results

    def _job(
        self,
        batch: WriteBatch,
        sent: Sequence[Sent],
        rows: Sequence[Mapping[str, str]],
        data: str,
        *,
        whole: bool,
    ) -> list[WriteResult]:
        external = batch.match_field if batch.operation == "upsert" else None
        try:
            ended = self._jobs.run(VERBS[batch.operation], batch.object, external, data)
            return _gathered(batch, sent, rows, ended)
        except TailraceError as error:
            if whole:
                raise
            return [WriteResult(one.row.trace, "unknown", one.row.remote_id, error.message) for one in sent]


def _gathered(
    batch: WriteBatch, sent: Sequence[Sent], rows: Sequence[Mapping[str, str]], ended: Ended
) -> list[WriteResult]:
    if ended.state == "Failed" and not ended.written and not ended.refused:
        raise _failed(ended)
    name, fold = _key(batch)
    index: Index = {}
    for one, row in zip(sent, rows, strict=True):
        index.setdefault(fold(row[name]), []).append((row[name].strip(), one))
    found = _agreed(_outcomes(batch, index, (name, fold), ended))
    why = f"bulk job {ended.job} ended as {ended.state} and says nothing of this row"
    silent = [one for one in sent if one.row.trace not in found]
    return [
        *found.values(),
        *(WriteResult(one.row.trace, "unknown", one.row.remote_id, why) for one in silent),
    ]


def _agreed(told: Iterable[tuple[Sent, WriteResult]]) -> dict[str, WriteResult]:
    """By trace; nothing of a row of which the job's files say two different things."""
    found: dict[str, WriteResult] = {}
    torn: set[str] = set()
    for one, result in told:
        if found.setdefault(one.row.trace, result).outcome != result.outcome:
            torn.add(one.row.trace)
    return {trace: result for trace, result in found.items() if trace not in torn}


def _outcomes(
    batch: WriteBatch, index: Index, key: tuple[str, Callable[[str], str]], ended: Ended
) -> Iterable[tuple[Sent, WriteResult]]:
    for one, _ in _matched(index, key, ended.left):
        reason = f"bulk job {ended.job} ended as {ended.state} before this row {ended.message}".strip()
        yield one, WriteResult(one.row.trace, "later", one.row.remote_id, reason[:LONGEST_REASON])
    for one, line in _matched(index, key, ended.refused):
        yield one, outcome(batch.operation, one, Refusal.of_cell(line.get("sf__Error", "")))
    for one, line in _matched(index, key, ended.written):
        yield one, WriteResult(one.row.trace, "acked", line.get("sf__Id") or one.row.remote_id)


def _matched(
    index: Index, key: tuple[str, Callable[[str], str]], found: Sequence[Line]
) -> Iterable[tuple[Sent, Line]]:
    """Of keys that differ in case alone, the line is of the one that is spelled like it."""
    name, fold = key
    for line in found:
        cell = line.get(name, "")
        ones = index.get(fold(cell), [])
        if len(ones) > 1:
            ones = [(exact, one) for exact, one in ones if exact == cell.strip()]
        if len(ones) == 1:
            yield ones[0][1], line


def _key(batch: WriteBatch) -> tuple[str, Callable[[str], str]]:
    """The column that tells rows apart, and how its cells are compared."""
    if batch.operation in ADDRESSED:
        return RECORD_ID, lambda text: text[:SHORT]
    return str(batch.match_field), lambda text: text.strip().lower()


def _failed(ended: Ended) -> TailraceError:
    text = f"bulk job {ended.job} failed before its first row: {ended.message or 'no reason given'}"
    if ended.message.startswith(REFUSED_WHOLE):
        return VendorRefused(text, "mend the mapping; `options: {bulk: off}` sends without jobs")
    return Unavailable(text, "run again")
