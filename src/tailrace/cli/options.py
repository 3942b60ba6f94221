"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def selecting(command: F) -> F:
    """SELECT arguments and --exclude."""
    command = click.option(
        "--exclude", "-x", multiple=True, help="Leave these out; the same words as SELECT."
    )(command)
    return click.argument("select", nargs=-1)(command)


Days = tuple[date, date] | None


def ranged(text: str) -> Callable[[F], F]:
    """--from and --to: two days, both included, as the argument `days`; today where --to is left out."""

    def with_days(command: F) -> F:
        @click.option(
            "--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="The last day; default: today, UTC."
        )
        @click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help=text)
        @functools.wraps(command)
        def wrapped(*args: Any, first: datetime | None, last: datetime | None, **rest: Any) -> Any:
            return command(*args, days=_days(first, last), **rest)

        return wrapped  # type: ignore[return-value]

    return with_days


def _days(first: datetime | None, last: datetime | None) -> Days:
    if first is None:
        if last is not None:
            raise click.UsageError("--to needs --from")
        return None
    end = last.date() if last else datetime.now(UTC).date()
    if end < first.date():
        raise click.UsageError(f"--from {first.date()} is behind --to {end}")
    return first.date(), end


def sending(command: F) -> F:
    """What a command that sends rows takes."""
    command = click.option(
        "--approve", is_flag=True, help="Allow the first sync to an account that is not the sandbox."
    )(command)
    command = click.option("--limit", type=click.IntRange(min=1), help="Send at most N rows of each sync.")(
        command
    )
    return click.option(
        "--full-resync", is_flag=True, help="Send every row, whatever the ledger says was accepted."
    )(command)


tested = click.option(
    "--tests",
    is_flag=True,
    help="Run each model's tests before it replaces what stands; what fails is left out.",
)
