"""What a Postgres would not do, as a sentence with its fix; no text of it shows the address, which may hold a password."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tailrace.errors import FatalError

AGAIN = "check the server, then run again: what was in flight is looked up or sent again"
START = "start the server, or check the host and the port in `state: url:`"
FIXES = {
    "25006": "name the primary server in `state: url:`: this one takes no writes",
    "53100": "free some disk space on the server, then run again",
}
"""Of statements, by SQLSTATE (PostgreSQL's documentation, appendix A)."""

TOLD = (
    ("password", "check the user and the password in `state: url:`"),
    ("pg_hba.conf", "check the user in `state: url:`, and the server's pg_hba.conf"),
    ('role "', "check the user in `state: url:`"),
    ('" does not exist', "create the database, or name another one in `state: url:`"),
    (
        "permission denied for database",
        "as the database's owner: GRANT CONNECT, CREATE ON DATABASE to the user",
    ),
    ("too many clients", "raise the server's max_connections: a worker uses up to ten"),
    ("connection slots", "raise the server's max_connections: a worker uses up to ten"),
    ("starting up", "wait until the server has started, then run again"),
)
"""A refused connection has no SQLSTATE, only the server's words."""


def refused(error: SQLAlchemyError, place: str, schema: str) -> FatalError:
    """A FatalError that names the place and what a person can do."""
    if isinstance(error, PoolTimeout):
        return FatalError(f"the state at {place} has no free connection", "lower `in_flight`, then run again")
    origin = getattr(error, "orig", None)
    state = getattr(origin, "sqlstate", None)
    lines = [line.strip() for line in str(origin or error).splitlines() if line.strip()] or [""]
    if getattr(error, "connection_invalidated", False):
        return FatalError(f"the connection to the state at {place} broke: {lines[0]}", AGAIN)
    if state is None and _is_refusal(origin):
        line, fix = next(
            ((line, fix) for words, fix in TOLD for line in lines if words in line), (lines[0], START)
        )
        return FatalError(f"cannot open the state at {place}: {line}", fix)
    if state == "42501":
        fix = (
            f'as an owner: CREATE SCHEMA "{schema}" AUTHORIZATION the user, or GRANT CREATE ON DATABASE to it'
        )
        return FatalError(f"the state at {place} may not be written: {lines[0]}", fix)
    fix = FIXES.get(state or "", AGAIN)
    return FatalError(f"cannot write the state at {place}, schema {schema}: {lines[0]}", fix)


def _is_refusal(origin: object) -> bool:
    return type(origin).__name__ in ("OperationalError", "ConnectionTimeout")
