"""What a person wrote as one query is one query."""

from __future__ import annotations

from tailrace.build.spoken import one_bigquery_select
from tailrace.errors import FatalError, Location


def one_select(sql: str, location: Location, engine: str = "duckdb") -> str:
    """The text without its last semicolon; FatalError where it is anything but one SELECT, which would be run as well."""
    import duckdb

    text = sql.strip().rstrip("; \n\t")
    if engine == "bigquery":
        one_bigquery_select(text, location)
        return text
    try:
        found = duckdb.extract_statements(text)
    except duckdb.Error as error:
        said = str(error).split("\n", maxsplit=1)[0]
        raise FatalError(f"{location}: the SQL does not parse: {said}") from None
    if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
        raise FatalError(f"{location}: this has to be one SELECT", "Write its rows' query and nothing else")
    return text
