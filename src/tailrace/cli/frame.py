"""What every command shares: its common options, how errors become words and exit codes."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from tailrace.errors import EXIT_BAD_INPUT, EXIT_FAILED, ProjectError, TailraceError

F = TypeVar("F", bound=Callable[..., Any])
INTERRUPTED = 130


@dataclass(frozen=True)
class Frame:
    """The common options of one call. `verbosity`: -1 quiet, 0, 1 verbose."""

    project: str = "."
    target: str | None = None
    as_json: bool = False
    verbosity: int = 0

    def say(self, text: str = "") -> None:
        """For a person; with --json it goes to stderr, so that stdout stays one document."""
        if self.verbosity >= 0:
            click.echo(text, err=self.as_json)

    def document(self, document: Any) -> None:
        """The one machine-readable document of a command."""
        if self.as_json:
            click.echo(json.dumps(document, default=str, ensure_ascii=False))


def common(command: F) -> F:
    """--project, --target, --json, -q, -v: put into the context, out of the function's arguments."""

    @click.option(
        "--project", default=".", show_default=True, help="The project's folder.", type=click.Path()
    )
    @click.option("--target", help="A target of profiles.yml, instead of its default.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, logs on stderr.")
    @click.option("-q", "--quiet", is_flag=True, help="Only errors.")
    @click.option(
        "-v", "--verbose", is_flag=True, help="Every request and statement, as log lines on stderr."
    )
    @functools.wraps(command)
    def wrapped(
        *args: Any, project: str, target: str | None, as_json: bool, quiet: bool, verbose: bool, **rest: Any
    ) -> Any:
        click.get_current_context().obj = Frame(project, target, as_json, -1 if quiet else int(verbose))
        return command(*args, **rest)

    return wrapped  # type: ignore[return-value]


def frame_of() -> Frame:
    """The common options of the command that is running."""
    found = click.get_current_context().obj
    return found if isinstance(found, Frame) else Frame()


def invoke(group: click.Group, args: list[str] | None = None) -> int:
    """Run the command line; every error that a person can mend becomes words, never a traceback."""
    args = sys.argv[1:] if args is None else args
    try:
        result = group.main(args, prog_name="tailrace", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return EXIT_BAD_INPUT
    except TailraceError as error:
        return report(error, as_json="--json" in args)
    except KeyboardInterrupt:
        click.echo("interrupted; run the same command again to go on", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


def report(error: TailraceError, *, as_json: bool) -> int:
    """Say an error, as JSON too if asked for, and give its exit code."""
    if as_json:
        click.echo(json.dumps(document_of(error), ensure_ascii=False))
    for line in str(error).splitlines():
        click.echo(line if isinstance(error, ProjectError) else f"tailrace: {line}", err=True)
    return error.exit_code


def document_of(error: TailraceError) -> dict[str, Any]:
    """An error as JSON: its diagnostics with places, where it has any."""
    found = error.diagnostics if isinstance(error, ProjectError) else ()
    return {
        "status": "stopped" if error.exit_code == 3 else "failed",
        "error": str(error),
        "diagnostics": [
            {
                "file": d.location.file,
                "line": d.location.line,
                "col": d.location.col,
                "message": d.message,
                "fix": d.fix,
            }
            for d in found
        ],
    }
