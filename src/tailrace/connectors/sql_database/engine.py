"""The way into a database: SQLAlchemy's engine, and its errors as words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tailrace.connectors.sdk.dlt_errors import causes, quoted
from tailrace.connectors.sdk.inline import WrongSetting
from tailrace.errors import AuthError, FatalError, TailraceError, Unavailable

WHERE = ("config", "credentials")
REFUSED = (
    "password",
    "authentication",
    "access denied",
    "login failed",
    "permission denied",
    "not authorized",
)
UNREACHED = ("refused", "could not connect", "timeout", "timed out", "could not translate", "unknown host")


def engine_of(credentials: str | Mapping[str, Any], root: Path, *, secret: bool) -> Any:
    """Of a URL or its parts, none of which is named where it is a secret.

    An SQLite file has to be there, since opening it would make it.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        url = make_url(credentials) if isinstance(credentials, str) else URL.create(**credentials)
        if url.get_backend_name() == "sqlite":
            url = url.set(database=_file(url.database, root, secret=secret))
        return create_engine(url)
    except NoSuchModuleError as error:
        what = f"SQLAlchemy knows no {url.drivername}"
        raise WrongSetting(WHERE, what, "Install the database's dialect, or mend the URL") from error
    except (ArgumentError, TypeError, ValueError):
        # its own words may quote the URL
        raise WrongSetting(
            WHERE, "credentials is no URL of SQLAlchemy's", "Write driver://user:password@host/database"
        ) from None
    except ModuleNotFoundError as error:
        fix = f"Install it beside tailrace: pip install {error.name}"
        raise WrongSetting(WHERE, f"the database's driver {error.name} is not installed", fix) from error


def _file(database: str | None, root: Path, *, secret: bool) -> str:
    """Relative ones start at the project's folder."""
    if not database or database == ":memory:":
        raise WrongSetting(WHERE, "the SQLite URL names no file", "Write sqlite:///data/erp.db")
    if database.startswith("file:"):
        return database
    path = root / database
    if not path.is_file():
        raise WrongSetting(
            WHERE,
            f"there is no file {'of that name' if secret else database}",
            "Mend the path; it starts at the project's folder",
        )
    return str(path)


def whole_seconds(table: Any) -> None:
    """SQLite compares instants as texts, and SQLAlchemy asks with a fraction: `12:00:00` would lie before `12:00:00.000000`.

    Asked without one, the rows of the cursor's last second come again, and dlt knows them.
    """
    from sqlalchemy import DateTime
    from sqlalchemy.dialects.sqlite import DATETIME

    for column in table.columns:
        if isinstance(column.type, DateTime):
            column.type = DATETIME(truncate_microseconds=True)  # type: ignore[no-untyped-call]


def told_by_database(error: Exception, name: str) -> TailraceError | None:
    """An error that came out of SQLAlchemy, by what a person does next; None for any other."""
    for cause in causes(error):
        if not type(cause).__module__.startswith("sqlalchemy."):
            continue
        said = getattr(cause, "orig", None) or cause
        text = str(said).lower()
        if any(word in text for word in UNREACHED):
            return Unavailable(
                f"{name}: the database is not reached ({quoted(said)})", "check host and port, then run again"
            )
        if any(word in text for word in REFUSED):
            return AuthError(
                f"{name}: the database refuses the login ({quoted(said)})", "check credentials and grants"
            )
        return FatalError(f"{name}: the database says {quoted(said)}", "mend it and run again")
    return None
