"""Salesforce's calls: queries and their pages, descriptions, deleted records, limits (vendor-apis.md 2.2, 2.3, 2.6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from tailrace.connectors.sdk.http import Answer, Http, Kind
from tailrace.errors import FatalError, Unavailable, VendorRefused, near_miss
from tailrace.records import Quota

Record = dict[str, Any]
LONGEST_QUERY = 12_000
"""Characters of SOQL in a URL; longer ones are put into the body of a bulk job."""
USAGE = re.compile(r"(per-app-)?api-usage=(\d+)/(\d+)(?:\(appName=([^)]*)\))?")


class Refused(Exception):
    """An answer whose errorCode the caller knows how to go on from; `error` is what to raise where it does not."""

    def __init__(self, code: str, error: VendorRefused) -> None:
        super().__init__(code)
        self.code, self.error = code, error


class Api:
    """One org at one API version; the host is asked for when it is first needed."""

    def __init__(self, http: Callable[[], Http], version: str) -> None:
        self._open, self.version = http, version

    @cached_property
    def http(self) -> Http:
        return self._open()

    @property
    def connection(self) -> str:
        return self.http.context.connection

    def path(self, tail: str) -> str:
        """The path of a resource of this version."""
        return f"/services/data/v{self.version}/{tail}"

    def query(self, soql: str, *, deleted: bool = False) -> Record:
        """The first page of a query."""
        return self._result(self.get(self.path("queryAll" if deleted else "query"), {"q": soql}))

    def more(self, path: str) -> Record:
        """The page behind a nextRecordsUrl; Refused INVALID_QUERY_LOCATOR where it is over."""
        return self._result(self.get(path, known=("INVALID_QUERY_LOCATOR",)))

    def count(self, obj: str, where: str | None) -> int:
        """How many live records a condition finds, for one request."""
        condition = f" WHERE {where}" if where else ""
        return int(self.query(f"SELECT COUNT() FROM {obj}{condition}")["totalSize"])

    def describe(self, obj: str) -> Record:
        """What the object consists of, for this login; FatalError where there is none of that name."""
        answer = self.http.request("GET", self.path(f"sobjects/{obj}/describe"), accept=(404,))
        if answer.status == 404:
            names = [str(found["name"]) for found in self.objects()]
            raise FatalError(
                f"{self.connection}: the org has no object {obj!r}, or the login may not see it",
                near_miss(obj, names),
            )
        return self._shaped(self._document(answer), "description", name=str, fields=list)

    def objects(self) -> list[Record]:
        """Every object that the login sees."""
        found = self._shaped(self.get(self.path("sobjects")), "list of objects", sobjects=list)
        return [one for one in found["sobjects"] if isinstance(one, dict) and one.get("name")]

    def deleted(self, obj: str, start: datetime, end: datetime) -> Record:
        """What was deleted between the times; Refused where the list does not reach back so far or is too long."""
        params = {"start": in_url(start), "end": in_url(end)}
        known = ("INVALID_REPLICATION_DATE", "EXCEEDED_ID_LIMIT")
        found = self.get(self.path(f"sobjects/{obj}/deleted/"), params, known)
        return self._shaped(found, "list of deleted records", latestDateCovered=str, deletedRecords=list)

    def get(self, path: str, params: Mapping[str, str] | None = None, known: Collection[str] = ()) -> Any:
        """The JSON of a GET; Refused where the errorCode is one of `known`."""
        answer = self.http.request("GET", path, params=params, accept=(400, 404) if known else ())
        if answer.status >= 400:
            error = VendorRefused(
                f"{self.connection}: the vendor refuses the request ({answer.status}): {message(answer)}"
            )
            found = next((code for code in codes(answer) if code in known), None)
            raise error if found is None else Refused(found, error)
        return self._document(answer)

    def _result(self, document: Any) -> Record:
        """A page of a query. Without any of these keys it would look as if there were no more rows."""
        page = self._shaped(document, "result of a query", totalSize=int, done=bool, records=list)
        if not page["done"]:
            self._shaped(page, "page of a result with more behind it", nextRecordsUrl=str)
        return page

    def _shaped(self, document: Any, what: str, **due: type) -> Record:
        """The object, if every key that is due is there."""
        found: Record = document if isinstance(document, dict) else {}
        missing = [name for name, kind in due.items() if not isinstance(found.get(name), kind)]
        if missing:
            text = f"{self.connection}: the answer is no {what}: {' and '.join(missing)} missing"
            raise Unavailable(text, "run again; if it stays, tell Salesforce")
        return found

    def _document(self, answer: Answer) -> Any:
        if answer.document is None:
            raise Unavailable(f"{self.connection}: Salesforce answered nothing", "run again")
        return answer.document


def in_url(moment: datetime) -> str:
    """Seconds with an offset, as replication wants them."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def in_soql(moment: datetime) -> str:
    """A time as SOQL takes it: without quotes, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def errors_of(answer: Answer) -> Sequence[Mapping[str, Any]]:
    """The single errors: Salesforce answers an array of them (vendor-apis.md 2.1)."""
    document = answer.document
    found = document if isinstance(document, list) else [document]
    return [error for error in found if isinstance(error, Mapping)]


def codes(answer: Answer) -> list[str]:
    """Every errorCode."""
    return [str(error.get("errorCode")) for error in errors_of(answer)]


def message(answer: Answer) -> str:
    """Code and words of every error, on one line."""
    texts = []
    for error in errors_of(answer):
        parts = (
            error.get("errorCode") or error.get("error"),
            error.get("message") or error.get("error_description"),
        )
        texts.append(": ".join(str(part) for part in parts if part))
    return " ".join("; ".join(texts).split())


def kind(answer: Answer) -> Kind | None:
    """REQUEST_LIMIT_EXCEEDED comes as 403: the day's requests, or too many at one time (vendor-apis.md 2.6)."""
    if "REQUEST_LIMIT_EXCEEDED" not in codes(answer):
        return None
    return "limited" if "concurrent" in message(answer).lower() else "spent"


def quotas(headers: Mapping[str, str]) -> list[Quota]:
    """Sforce-Limit-Info: `api-usage=25/5000; per-app-api-usage=17/250(appName=x)` (vendor-apis.md 2.6)."""
    found = []
    for app, used, limit, name in USAGE.findall(headers.get("sforce-limit-info") or ""):
        label = f"daily API requests of {name or 'the app'}" if app else "daily API requests"
        found.append(Quota(label, float(limit), float(limit) - float(used)))
    return found
