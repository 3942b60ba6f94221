"""The command line of rows that a vendor refused."""

from __future__ import annotations

import click

from tailrace.cli.frame import common, frame_of
from tailrace.cli.options import lettered


@click.group()
def dead() -> None:
    """Rows that a vendor refused: list them, send them again, or drop them."""


@dead.command("list")
@click.argument("syncs", nargs=-1)
@lettered
@common
def dead_list(syncs: tuple[str, ...], reason: str | None, field: str | None) -> None:
    """The dead letters, with reason, field and attempts; -v shows what was sent."""
    from tailrace.cli.ledger import list_dead

    list_dead(frame_of(), syncs, reason, field)


@dead.command("retry")
@click.argument("sync")
@click.argument("keys", nargs=-1)
@lettered
@common
def dead_retry(sync: str, keys: tuple[str, ...], reason: str | None, field: str | None) -> None:
    """Send these rows again at the next activate (all of the sync without KEYS)."""
    from tailrace.cli.ledger import retry_dead

    retry_dead(frame_of(), sync, keys, reason, field)


@dead.command("drop")
@click.argument("sync")
@click.argument("keys", nargs=-1)
@lettered
@common
def dead_drop(sync: str, keys: tuple[str, ...], reason: str | None, field: str | None) -> None:
    """Forget these dead letters; the rows stay unsent until their values change."""
    from tailrace.cli.ledger import drop_dead

    drop_dead(frame_of(), sync, keys, reason, field)
