"""An open export: a dataset that a login reads, or a folder of files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.connectors.ga4_export.bigquery import BigQueryExport, bigquery_manners
from tailrace.connectors.ga4_export.declaration import SCOPE
from tailrace.connectors.ga4_export.files import FileExport
from tailrace.connectors.ga4_export.source import Ga4ExportSource
from tailrace.connectors.sdk.auth import Bearer, Renewing, service_account
from tailrace.connectors.sdk.base import Context, Declaration, Finding
from tailrace.connectors.sdk.days import Lookback
from tailrace.connectors.sdk.http import Http
from tailrace.connectors.sdk.options import settings
from tailrace.connectors.sdk.writing import Destination
from tailrace.errors import FatalError

INTERVAL = 10.0
"""Seconds after a 429, or a 403 that means one, which names no time."""


class Ga4Export:
    """One property's export. Nothing is requested or opened before something is asked for."""

    def __init__(self, http: Http | None, given: Mapping[str, Any], context: Context) -> None:
        self._http, self._given, self._context = http, given, context

    @classmethod
    def open(cls, declaration: Declaration, options: Mapping[str, Any], context: Context) -> Ga4Export:
        given = settings(declaration, options, context.connection)
        return cls(None if given["path"] else _http(given, context), given, context)

    def account(self) -> str:
        """The project and dataset, or the folder."""
        if self._http is None:
            return str(self._context.root / self._given["path"])
        return f"{self._given['project']}.{self._given['dataset']}"

    def source(self) -> Ga4ExportSource:
        export = self._bigquery() or FileExport(
            (self._context.root / self._given["path"]).absolute(), self._context.connection
        )
        lookback = Lookback(self._given["restate"], self._given["start_date"])
        name, intraday = self._context.connection, self._given["intraday"]
        return Ga4ExportSource(export, connection=name, lookback=lookback, intraday=intraday)

    def _bigquery(self) -> BigQueryExport | None:
        if self._http is None:
            return None
        given = self._given
        return BigQueryExport(self._http, given["project"], given["dataset"], given["api_version"])

    def destination(self) -> Destination:
        raise FatalError(
            f"{self._context.connection}: ga4_export takes nothing back", "sync to another connection"
        )

    def is_sandbox(self) -> bool:
        return self._http is not None and self._http.loopback

    def examine(self) -> Iterator[Finding]:
        """The tables that are there, and whether BigQuery is about to drop some. One listing."""
        bigquery = self._bigquery()
        if bigquery is None:
            yield _tables_found(self.account(), [table.name for table in self.source().listed()])
            return
        listed = list(bigquery.listing())
        names = sorted(str(item["tableReference"]["tableId"]) for item in listed)
        yield _tables_found(self.account(), [name for name in names if name.startswith("events_")])
        if any(item.get("expirationTime") for item in listed):
            text = "the dataset's tables expire: a day that is not landed in time is lost"
            yield Finding("warning", self.account(), text, "set the dataset's table expiration to never")

    def close(self) -> None:
        if self._http is not None:
            self._http.close()


def _tables_found(account: str, names: list[str]) -> Finding:
    if not names:
        fix = "link the property to BigQuery in GA4's admin; the first table comes within a day"
        return Finding("warning", account, "no events_ table is there", fix)
    return Finding("ok", account, f"{len(names)} events_ tables, {names[0]} to {names[-1]}")


def _http(given: Mapping[str, Any], context: Context) -> Http:
    limits, interval = given["rate_limit"], INTERVAL
    if isinstance(limits, Mapping):
        interval = float(limits["seconds"])
        context.limiter.learn(int(limits["requests"]), interval)
    if given["service_account_file"]:
        mint = service_account(context.connection, given["service_account_file"], (SCOPE,), context.now)
        auth: Bearer | Renewing = Renewing(mint, context.now)
    else:
        auth = Bearer(given["access_token"])
    return Http(
        given["base_url"],
        auth,
        context,
        bigquery_manners(interval),
        max_wait=given["max_wait"],
        shared=limits != "off",
        in_flight=given["in_flight"],
    )
