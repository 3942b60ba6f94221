"""Rows in the order of their stamps by REST, or in any order by a bulk job, and how each goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.connectors.salesforce.api import LONGEST_QUERY, Api, Record, Refused
from tailrace.connectors.salesforce.bulk import Batch, JobEnded, Jobs
from tailrace.connectors.salesforce.fields import Description
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.paging import by_cursor
from tailrace.errors import Unavailable
from tailrace.records import Schema

RESTARTS = 5
"""Times that one read asks anew after a locator that is over."""
After = tuple[str, str]
"""Stamp and id of the last row read."""


class Stream:
    """Queries on one object. `whole` tells after a full read whether it showed every row from its own start on."""

    def __init__(
        self, api: Api, jobs: Jobs, resource: ResourceSpec, schema: Schema, found: Description
    ) -> None:
        self._api, self._jobs, self._schema, self._found = api, jobs, schema, found
        self._obj, self._via = found.name, resource.options.get("via") or "auto"
        self._bulk_from = resource.options.get("bulk_from") or 1
        self._where: str | None = resource.options.get("where")
        self.whole = True
        self.job: str | None = None
        self._gap = False

    def full(self, mark: Mapping[str, Any] | None) -> Iterator[Batch]:
        """Every row; `mark`: where an earlier read stopped."""
        self.whole = mark is None
        if mark and "job" in mark:
            yield from self._resumed(mark)
        elif mark and "id" in mark:
            yield from self.ordered("", (mark["stamp"], mark["id"]))
        elif self._is_large():
            yield from self._new_job()
        else:
            yield from self.ordered("")

    def ordered(self, condition: str, after: After | None = None) -> Iterator[Batch]:
        """Rows that meet a condition by ascending stamp and id, behind `after`."""
        if self._via != "rest" and len(self._soql(condition, after)) > LONGEST_QUERY:
            yield from self._job(self._jobs.create(self._soql(condition, after), deleted=self._deleted), "")
            return
        for attempt in range(RESTARTS + 1):
            try:
                for records, mark in self._pages(self._soql(condition, after)):
                    if records:
                        after = self._place(records[-1])
                    yield records, mark
            except Refused as refused:
                if attempt == RESTARTS or self._gap:
                    raise Unavailable(refused.error.message, "run again") from None
                self.whole = False
            else:
                return

    def ids(self) -> Iterator[list[Record]]:
        """Id and stamp of every live row."""
        stamp = f", {self._found.stamp}" if self._found.stamp else ""
        condition = f" WHERE {self._where}" if self._where else ""
        for records, _ in self._pages(f"SELECT Id{stamp} FROM {self._obj}{condition}", deleted=False):
            yield records

    def unordered(self) -> Iterator[list[Record]]:
        """Every live row of an object without a stamp."""
        condition = f" WHERE {self._where}" if self._where else ""
        names = ", ".join(self._schema.names())
        for records, _ in self._pages(
            f"SELECT {names} FROM {self._obj}{condition} ORDER BY Id", deleted=False
        ):
            yield records

    def tidy(self) -> None:
        """Removes the job that was read to its end."""
        if self.job is not None:
            self._jobs.remove(self.job)
            self.job = None

    @property
    def _deleted(self) -> bool:
        return self._found.tells_deletes

    def _is_large(self) -> bool:
        if self._via != "auto":
            return bool(self._via == "bulk")
        return self._api.count(self._obj, self._where) >= self._bulk_from

    def _pages(self, soql: str, *, deleted: bool | None = None) -> Iterator[Batch]:
        everything = self._deleted if deleted is None else deleted

        def fetch(path: str | None) -> Record:
            return self._api.query(soql, deleted=everything) if path is None else self._api.more(path)

        count, self._gap = 0, False
        for document in by_cursor(fetch, _following):
            records = [self._checked(record) for record in document["records"]]
            count, following = count + len(records), _following(document)
            if count < document["totalSize"] if following is None else not records:
                raise self._incomplete(count, document["totalSize"])
            self._gap = self._gap or _is_gap(following, count)
            stamp, key = self._place(records[-1]) if following and not self._gap else ("", "")
            yield records, {"stamp": stamp, "id": key} if key else None

    def _incomplete(self, count: int, total: int) -> Unavailable:
        text = f"{self._api.connection}: Salesforce answered {count} of {total} rows of {self._obj}"
        return Unavailable(text, "run again; if it stays, tell Salesforce")

    def _resumed(self, mark: Mapping[str, Any]) -> Iterator[Batch]:
        """The job of an earlier run; another one where it is gone or has failed."""
        try:
            self._jobs.wait(mark["job"])
        except (Refused, JobEnded):
            self.whole = True
            yield from self._new_job()
            return
        self.whole = not mark["locator"]
        yield from self._job(mark["job"], mark["locator"])

    def _new_job(self) -> Iterator[Batch]:
        job = self._jobs.create(self._soql("", None, ordered=False), deleted=self._deleted)
        yield [], {"job": job, "locator": ""}
        yield from self._job(job, "")

    def _job(self, job: str, locator: str) -> Iterator[Batch]:
        self.job = job
        try:
            self._jobs.wait(job)
        except JobEnded as ended:
            text = f"{self._api.connection}.{self._obj}: bulk job {job} {ended}"
            raise Unavailable(text, "run again; via: rest reads without jobs") from None
        except Refused as refused:
            raise refused.error from None
        for records, mark in self._jobs.results(job, self._schema, locator):
            yield [self._checked(record) for record in records], mark

    def _soql(self, condition: str, after: After | None, *, ordered: bool = True) -> str:
        stamp = self._found.stamp
        conditions = [f"({self._where})"] if self._where else []
        conditions += [condition] if condition else []
        if after is not None:
            at, key = after
            conditions.append(f"({stamp} > {at} OR ({stamp} = {at} AND Id > '{key}'))")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        order = f" ORDER BY {stamp}, Id" if ordered else ""
        return f"SELECT {', '.join(self._found.selected(self._schema))} FROM {self._obj}{where}{order}"

    def _place(self, record: Record) -> After:
        return str(record[self._found.stamp or ""]).replace("+0000", "Z"), str(record["Id"])

    def _checked(self, record: Record) -> Record:
        """The record without its envelope; Unavailable for one that cannot be named or dated."""
        record.pop("attributes", None)
        due = ("Id", *((self._found.stamp,) if self._found.stamp else ()))
        missing = [name for name in due if not record.get(name)]
        if missing:
            raise Unavailable(
                f"{self._api.connection}: Salesforce answered a {self._obj} without {' and '.join(missing)}",
                "run again; if it stays, tell Salesforce",
            )
        return record


def _following(document: Mapping[str, Any]) -> str | None:
    """Where the next page is."""
    return None if document["done"] else str(document["nextRecordsUrl"])


def _is_gap(following: str | None, count: int) -> bool:
    """Whether a locator (.../01g...-2000) says that more rows came before it than were shown."""
    told = (following or "").rpartition("-")[2]
    return told.isdigit() and int(told) > count
