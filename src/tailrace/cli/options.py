"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def selecting(command: F) -> F:
    """SELECT arguments, which dbt's users write as --select, and --exclude."""

    @click.argument("select", nargs=-1)
    @click.option(
        "--select", "-s", "--models", "-m", "selected", multiple=True, help="The same as SELECT, as in dbt."
    )
    @click.option("--exclude", "-x", multiple=True, help="Leave these out; the same words as SELECT.")
    @functools.wraps(command)
    def wrapped(*args: Any, select: tuple[str, ...], selected: tuple[str, ...], **rest: Any) -> Any:
        return command(*args, select=(*select, *selected), **rest)

    return wrapped  # type: ignore[return-value]


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


def lettered(command: F) -> F:
    """Which dead letters are meant, beside their sync and keys."""
    command = click.option("--field", help="Only letters that name this field of the vendor.")(command)
    return click.option("--reason", help="Only letters whose reason holds this text.")(command)


refreshed = click.option("--full-refresh", is_flag=True, help="Build the chosen models from nothing.")

tested = click.option(
    "--tests",
    is_flag=True,
    help="Run each model's tests before it replaces what stands; what fails is left out.",
)


DBT = {
    "seed": "tailrace build", "snapshot": "tailrace build", "deps": "copy the package to packages/<name>/: nothing is downloaded",
    "docs": "tailrace lineage, tailrace ls, or --artifacts for tools that read dbt's manifest", "retry": "the same command again: it goes on where it was",
    "clean": "delete .tailrace/<target>/cache", "source": "tailrace status", "debug": "tailrace doctor", "parse": "tailrace check",
    "run-operation": "a pre_hook or on-run-start hook",
}  # fmt: skip
"""Commands of dbt that are called otherwise here, and what to type."""


class Commands(click.Group):
    """The commands; a dbt command that is not one of them says what to type."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] in DBT and args[0] not in self.commands:
            raise click.UsageError(f"{args[0]} is dbt's. Here: {DBT[args[0]]}", ctx)
        return super().resolve_command(ctx, args)
