"""Runs bqemulator with its silent faults mended; with the interpreter of `.venv-emulator`, as `tests.emulator` starts it.

Prints its REST address when it listens and ends when its standard input does. What is mended, each found by comparing rows:
a failed query was answered 200 without rows; a crash was answered 500, which Google's client repeats for minutes; `jobs.query`
ignored the default dataset; ALTER TABLE took one action at a time and left the catalogue as it was; Parquet columns were matched
by position; arrays lost the type of their elements; LIKE knew no escape; FULL OUTER UNION BY NAME and ISOWEEK were not understood, a truncated DATE became a DATETIME; DuckDB's extension came from the network.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import duckdb_extension_spatial
import sqlglot
from bqemulator import server
from bqemulator.catalog import ddl_sync
from bqemulator.config import Settings
from bqemulator.jobs import executor
from bqemulator.sql import parameters
from bqemulator.sql.rewriter.default_dataset import qualify_unqualified_tables
from bqemulator.storage.engine import DuckDBEngine
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB


def load_spatial(self: Any) -> None:
    """The extension from its package: there is no network."""
    found = next(Path(duckdb_extension_spatial.__file__).parent.glob("extensions/*/spatial.duckdb_extension"))
    self._connection.execute(f"LOAD '{found}'")


def load_parquet(path: str, target: str, ctx: Any) -> None:
    """Columns by name, as BigQuery loads them."""
    ctx.engine.execute(f"INSERT INTO {target} BY NAME SELECT * FROM read_parquet(?)", [path])


placeholder_for = parameters._placeholder_for


def typed_placeholder(value: Any, parameter: dict[str, Any]) -> str:
    """An array with the type that it was sent with."""
    kind = parameters._bq_to_duckdb_type(parameter["parameterType"])
    return f"CAST(? AS {kind})" if isinstance(value, list) and kind else placeholder_for(value, parameter)


like_sql = DuckDB.Generator.like_sql


def like(generator: Any, expression: exp.Like) -> str:
    r"""BigQuery's LIKE takes a `\` as escape unasked, DuckDB's does not."""
    written = like_sql(generator, expression)
    many = isinstance(expression.expression, exp.Any | exp.All)  # which come back as one LIKE each
    return written if many or isinstance(expression.parent, exp.Escape) else f"{written} ESCAPE '\\'"


set_operation_sql = DuckDB.Generator.set_operation


def set_operation(generator: Any, expression: exp.SetOperation) -> str:
    """FULL OUTER UNION BY NAME is DuckDB's UNION BY NAME, which it would be written beside."""
    if expression.args.get("by_name") and expression.side == "FULL":
        expression.set("side", None)
        expression.set("kind", None)
    return set_operation_sql(generator, expression)


date_trunc_sql, timestamp_trunc_sql = DuckDB.Generator.datetrunc_sql, DuckDB.Generator.timestamptrunc_sql


def date_trunc(generator: Any, expression: exp.DateTrunc) -> str:
    """A column of days stays one; DuckDB would make instants of it. ISOWEEK is not the week that begins on Sunday."""
    if _is_iso_week(expression):
        day = generator.sql(expression.this)
        return f"CAST({day} - INTERVAL (ISODOW({day}) - 1) DAY AS DATE)"
    written = date_trunc_sql(generator, expression)
    return f"CAST({written} AS DATE)" if isinstance(expression.this, exp.Column) else written


def timestamp_trunc(generator: Any, expression: exp.TimestampTrunc) -> str:
    if _is_iso_week(expression):
        expression.set("unit", exp.var("WEEK"))  # DuckDB's begins on Monday
    return timestamp_trunc_sql(generator, expression)


def _is_iso_week(expression: Any) -> bool:
    unit = expression.args.get("unit")
    return unit is not None and unit.name.upper() == "ISOWEEK"


run_query_body = executor._run_query_body


async def run_alter(*, project_id: str, bq_sql: str, ctx: Any, **more: Any) -> Any:
    """ALTER TABLE one action after the other, and the catalogue told of it."""
    try:
        parsed = sqlglot.parse(bq_sql, read="bigquery")
    except sqlglot.errors.SqlglotError:
        parsed = []
    alter = parsed[0] if len(parsed) == 1 and isinstance(parsed[0], exp.Alter) else None
    if alter is None or not alter.args.get("actions"):
        return await run_query_body(project_id=project_id, bq_sql=bq_sql, ctx=ctx, **more)
    for action in alter.args["actions"]:
        single = alter.copy()
        single.set("actions", [action.copy()])
        statement = single.sql("bigquery")
        result = await run_query_body(project_id=project_id, bq_sql=statement, ctx=ctx, **more)
    renew(alter.this, project_id, ctx)
    return result


def renew(table: exp.Table, default_project: str, ctx: Any) -> None:
    """The catalogue's schema of an altered table."""
    project, dataset, name = ddl_sync._split_target(table, default_project)
    known = ctx.catalog.get_table(project, dataset, name)
    if known is not None:
        schema = ddl_sync._introspect_schema(project, dataset, name, ctx)
        ctx.catalog.update_table(known.model_copy(update={"schema_": schema}))


class Truthful:
    """HTTP in front of the emulator: a failed query is answered as a failure, and a crash as one that nobody tries again."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        queries = scope["method"] == "POST" and scope["path"].endswith("/queries")
        if queries:
            body = _in_default_dataset(await _body(receive))
            scope, receive = _resized(scope, body), _once(body)
        messages: list[Any] = []

        async def keep(message: Any) -> None:
            messages.append(message)

        try:
            await self.app(scope, receive, keep)
        except Exception as error:  # Google's client repeats what was answered 500 for ten minutes
            messages = _failure(f"the emulator crashed: {error!r}")
        if messages[0]["status"] == 500:
            messages = _failure(f"the emulator crashed: {_joined(messages).decode()}")
        for message in _truthful(messages) if queries else messages:
            await send(message)


async def _body(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _in_default_dataset(body: bytes) -> bytes:
    asked = json.loads(body)
    default = asked.get("defaultDataset") or {}
    if default.get("datasetId"):
        asked["query"] = qualify_unqualified_tables(
            asked["query"], default_project=default["projectId"], default_dataset=default["datasetId"]
        )
    return json.dumps(asked).encode()


def _once(body: bytes) -> Any:
    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _resized(scope: Any, body: bytes) -> Any:
    kept = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
    return {**scope, "headers": [*kept, (b"content-length", str(len(body)).encode())]}


def _joined(messages: list[Any]) -> bytes:
    return b"".join(message.get("body", b"") for message in messages)


def _truthful(messages: list[Any]) -> list[Any]:
    errors = json.loads(_joined(messages)).get("errors") if messages[0]["status"] == 200 else None
    return _failure(errors[0].get("message", ""), errors) if errors else messages


def _failure(message: str, errors: Any = ()) -> list[Any]:
    """An answer as BigQuery's to SQL that is wrong."""
    listed = list(errors) or [{"reason": "invalidQuery", "message": message}]
    text = json.dumps({"error": {"code": 400, "message": message, "errors": listed}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(text)).encode())]
    start = {"type": "http.response.start", "status": 400, "headers": headers}
    return [start, {"type": "http.response.body", "body": text}]


def mend() -> None:
    """All of it, before the server is made."""
    DuckDBEngine._load_spatial = load_spatial
    executor._load_parquet = executor._LOAD_FORMAT_HANDLERS["PARQUET"] = load_parquet
    executor._run_query_body = run_alter
    parameters._placeholder_for = typed_placeholder
    DuckDB.Generator.like_sql = like
    DuckDB.Generator.set_operation = set_operation
    DuckDB.Generator.datetrunc_sql, DuckDB.Generator.timestamptrunc_sql = date_trunc, timestamp_trunc
    create_app = server.create_app
    server.create_app = lambda context: Truthful(create_app(context))


async def main() -> None:
    mend()
    settings = Settings(rest_port=0, grpc_port=0, enable_format_extensions=False, log_level="critical")
    running = server.EmulatorServer(settings)
    await running.start()
    print(running.rest_url, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await running.stop()


if __name__ == "__main__":
    asyncio.run(main())
